"""A rehearsal: every text once, marked as a test, to the deployment's staff phone only."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from commands.deploy.rehearse import send, usual
from sending.handler import lambda_handler
from sending.rehearse import Rehearsal, texts
from tests.support.fixture_protocol import AGREED, DAPO
from tests.support.steps import CONTEXT
from tests.support.steps import texts as sent
from tests.support.table import everything
from trial.api.problems import FieldError
from trial.codes import Condition, Language
from trial.errors import RejectedError
from trial.protocol.settings import Protocol
from trial.protocol.wording import Sender

MADE_ON = date(2026, 12, 1)
SENDER = Sender(force="Durham Police", contact="101")
ASKED: dict[str, Any] = {
    "protocol": AGREED.version,
    "order_type": "dvpo",
    "made_on": MADE_ON.isoformat(),
    "days": 14,
    "conditions": ["no_molestation", "no_contact"],
}


def about(protocol: Protocol = AGREED, **changes: Any) -> Rehearsal:
    return Rehearsal.model_validate(ASKED | {"protocol": protocol.version} | changes)


@pytest.mark.parametrize(("days", "expected"), [(14, 7), (21, 10), (28, 13)])
def test_the_whole_timetable_is_there_and_each_text_says_that_it_is_a_test(
    days: int, expected: int
) -> None:
    planned = texts(about(days=days), SENDER)
    assert len(planned) == expected
    for number, text in enumerate(planned, start=1):
        assert text.startswith(f"TEST {number}/{expected} Durham Police: ")
    assert "runs to the end of" in planned[-1]


@pytest.mark.parametrize("language", DAPO.wordings)
def test_an_order_of_any_type_without_an_end_is_rehearsed_in_each_language(
    language: Language,
) -> None:
    days, conditions = usual(DAPO.order_type("dapo"))
    assert days is None
    asked = about(DAPO, order_type="dapo", days=None, conditions=conditions, language=language)
    planned = texts(asked, SENDER)
    assert len(planned) > 40
    assert len(planned) == len(set(planned))  # by their marks


def test_an_order_that_a_court_may_always_make_is_the_usual_one() -> None:
    assert usual(AGREED.order_type("dvpo")) == (14, (Condition.NO_MOLESTATION,))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"days": None}, "such an order has a last day .dvpo"),
        ({"days": 29}, "14 to 28 .dvpo"),
        ({"order_type": "dapo"}, "none of this trial's types of order: dvpo"),
        ({"language": "cy"}, "none of those that this trial texts in: en"),
        ({"conditions": ["no_molestation", "programme"]}, "no dvpo can"),
    ],
)
def test_an_order_that_the_trial_cannot_have_is_refused_with_the_rule(
    wrong: dict[str, Any], why: str
) -> None:
    with pytest.raises(FieldError, match=why):
        texts(about(**wrong), SENDER)


def asking(rehearsal: dict[str, Any]) -> dict[str, Any]:
    """The answer of the sending function."""
    return lambda_handler({"rehearsal": ASKED | rehearsal}, CONTEXT)


def test_texts_go_one_at_a_time_to_the_staff_phone_and_nothing_is_stored(
    cloud: dict[str, str],
) -> None:
    waits: list[float] = []
    assert send(ASKED, 7, asking, every=60, wait=waits.append) == 7
    planned = texts(about(), SENDER)
    assert sent() == [(cloud["STAFF_PHONE"], text) for text in planned]
    assert waits == [60] * 6
    assert everything() == {}


@pytest.mark.usefixtures("cloud")
def test_listing_the_texts_sends_none() -> None:
    assert asking({})["texts"] == texts(about(), SENDER)
    assert sent() == []


@pytest.mark.usefixtures("cloud")
def test_there_is_no_text_beyond_the_last() -> None:
    with pytest.raises(RejectedError, match="7 texts"):
        asking({"send": 8})
    assert sent() == []


@pytest.mark.usefixtures("cloud")
def test_nobody_is_texted_by_a_deployment_that_names_no_staff_phone(
    configure: Callable[..., None],
) -> None:
    configure(STAFF_PHONE="")
    with pytest.raises(RejectedError, match="StaffPhone"):
        asking({"send": 1})
    assert sent() == []


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("more", [{"phone": "+447400123456"}, {"text": "Call us"}])
def test_an_invocation_chooses_neither_phone_nor_words(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="extra"):
        asking({"send": 1} | more)
    assert sent() == []
