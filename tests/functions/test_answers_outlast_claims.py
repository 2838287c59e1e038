"""An act that stops texts is answered only once no earlier claim can still send one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.faults import after_write
from tests.support.life import send_change
from tests.support.samples import order
from tests.support.steps import call, enrol, fire, post, someone_in, texts
from tests.support.table import change_reminder, number_of
from trial import open_claims
from trial.aws import clients
from trial.codes import Arm, ReminderState
from trial.open_claims import BEGIN_WITHIN, OUTLASTED

pytestmark = pytest.mark.usefixtures("cloud")

NOW = datetime(2026, 12, 3, 10, tzinfo=UTC)
ENDED = {"reason": "quashed", "at": "2026-12-03T09:00:00Z", "by": "PC-1182"}
TODAY = {"made_on": "2026-12-03", "expires_on": "2026-12-16", "served_on": "2026-12-03"}


@pytest.fixture
def waits(
    monkeypatch: pytest.MonkeyPatch, clock: Traveller, configure: Callable[..., None]
) -> list[float]:
    """How many seconds each answer has waited; a wait moves the clock, and takes no time."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock.shift(timedelta(seconds=seconds))

    monkeypatch.setattr(open_claims, "sleep", sleep)
    configure(OUTLAST_CLAIMS_SECONDS=str(OUTLASTED.total_seconds()))
    return waited


def protect(ident: UUID) -> Any:
    protecting = order(900 + ident.int % 99, order=TODAY, protected_numbers=[number_of(ident)])
    return post(protecting)


def suppress(ident: UUID) -> Any:
    body = {"number": number_of(ident), "reason": "wrong_number", "by": "PC-1182"}
    return call("POST", "/suppressions", body)


LOST, OTHER = {"missing_reason": "lost_stolen_broken"}, {"number": "+447700900888"}
STOPS: dict[str, Callable[[UUID], Any]] = {
    "end": lambda ident: send_change(ident, "end", ENDED),
    "number lost": lambda ident: send_change(ident, "mobile", LOST),
    "number changed": lambda ident: send_change(ident, "mobile", OTHER),
    "protection": protect,
    "pause": lambda _: call("PUT", "/sending", {"paused": True, "reason": "drill", "by": "S-1"}),
    "suppression": suppress,
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_text_claimed_before_the_answer_does_not_leave_after_it(
    stop: str, clock: Traveller, waits: list[float]
) -> None:
    treated = someone_in(Arm.INTERVENTION)
    change_reminder(treated, 2, due_at=NOW, state=ReminderState.SCHEDULED)
    clock.move_to(NOW)
    waits.clear()

    def stopped() -> None:
        assert STOPS[stop](treated).status in (200, 201, 202)

    with after_write(stopped):
        fire(treated, 2)
    sent_to = [number for number, _ in texts()]
    assert sent_to in ([[], [OTHER["number"]]] if stop == "number changed" else [[]])
    assert waits == [OUTLASTED.total_seconds()]


@pytest.mark.parametrize("stop", STOPS)
def test_a_repeated_request_waits_as_long_as_the_first(
    stop: str, clock: Traveller, waits: list[float]
) -> None:
    """The first answer may not have arrived yet, or not have been sent."""
    treated = someone_in(Arm.INTERVENTION)
    clock.move_to(NOW)
    waits.clear()
    for _ in range(2):
        STOPS[stop](treated)
    assert waits == [OUTLASTED.total_seconds()] * 2


@pytest.mark.parametrize("stop", ["end", "number lost", "protection"])
def test_the_wait_is_the_same_whatever_the_arm(
    stop: str, clock: Traveller, waits: list[float]
) -> None:
    waited = []
    for arm in Arm:
        someone = someone_in(arm, first=1 if arm is Arm.CONTROL else 300)
        # A number is lost after it was recorded.
        clock.move_to(NOW if arm is Arm.CONTROL else NOW + timedelta(hours=1))
        waits.clear()
        answer = STOPS[stop](someone)
        assert answer.status in (200, 202), answer.text
        waited.append(list(waits))
    assert waited[0] == waited[1] != []


@pytest.mark.parametrize("given_up", ["number changed", "end"])
def test_protecting_a_number_that_was_just_given_up_waits_too(
    given_up: str, clock: Traveller, waits: list[float]
) -> None:
    """A text to it may have been claimed before, and the answer to who gave it up is not out."""
    treated = someone_in(Arm.INTERVENTION)
    number = number_of(treated)
    clock.move_to(NOW)
    assert STOPS[given_up](treated).status == 200
    waits.clear()
    assert post(order(900, order=TODAY, protected_numbers=[number])).status == 202
    assert waits == [OUTLASTED.total_seconds()]


def test_an_order_that_was_never_drawn_has_no_text_to_wait_for(waits: list[float]) -> None:
    waiting = enrol(1, mobile={"missing_reason": "no_phone"})
    send_change(waiting, "end", ENDED | {"at": "2026-12-01T09:00:00Z"})
    enrol(2, protected_numbers=["+447700900999"])
    assert waits == []


def test_the_wait_is_longer_than_a_claimed_text_can_take() -> None:
    limits: Any = clients.sns().meta.config
    assert (limits.connect_timeout, limits.read_timeout) == (1, 3)
    assert limits.retries["total_max_attempts"] == 1
    request = timedelta(seconds=limits.connect_timeout + limits.read_timeout)
    assert BEGIN_WITHIN + request < OUTLASTED < timedelta(seconds=10)


@pytest.mark.parametrize("function", ["EnrolmentFunction", "OperationsFunction"])
def test_on_aws_every_answer_waits_that_long(template: dict[str, Any], function: str) -> None:
    properties = template["Resources"][function]["Properties"]
    told = properties["Environment"]["Variables"]["OUTLAST_CLAIMS_SECONDS"]
    on_aws, elsewhere = told["Fn::If"][1:]
    assert float(on_aws) == OUTLASTED.total_seconds()
    assert BEGIN_WITHIN.total_seconds() < float(elsewhere)
