"""The smoke test passes on a working deployment, and fails for each broken function."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from time_machine import Traveller

from commands.api import Answer, Api
from commands.deploy import smoke
from commands.deploy.smoke import options, run
from tests.support import steps
from tests.support.fixture_protocol import AGREED
from tests.support.steps import allocate, fire, schedule
from tests.support.table import enrolment_of, reminders_of
from trial.codes import Arm, EndReason, ReminderState, Status

NOTHING = frozenset[str]()


class DeploymentInMemory:
    """A deployment in memory; of its functions, those named are broken."""

    url = "https://in-memory"

    def __init__(self, clock: Traveller, broken: frozenset[str]) -> None:
        self.clock = clock
        self.broken = broken
        self.enrolled: list[UUID] = []

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        answer = steps.call(method, path, body)
        if (method, path) == ("POST", "/enrolments"):
            self.enrolled.append(UUID(answer.body["enrolment_id"]))
        spoilt = answer.body
        if "blinding" in self.broken and path.startswith("/allocations"):
            spoilt |= {"reminders": spoilt["reminders"] or [{"state": "planned"}]}
        if "counting" in self.broken and path.startswith("/reports"):
            spoilt |= {"enrolled": len(self.enrolled)}
        return Answer(answer.status, spoilt)

    def wait(self, until: datetime) -> None:
        """Run the working functions on everything due by then."""
        self.clock.move_to(max(until, datetime.now(UTC)))
        for ident in self.enrolled:
            if "allocation" not in self.broken:
                allocate(ident)
            if "scheduling" not in self.broken:
                schedule(ident)
            for each in reminders_of(ident):
                due = each.state is ReminderState.SCHEDULED and each.due_at <= datetime.now(UTC)
                if due and "sending" not in self.broken:
                    fire(ident, each.number)


def tried(
    clock: Traveller, *, broken: frozenset[str] = NOTHING, longest: timedelta = timedelta(days=2)
) -> tuple[int, DeploymentInMemory]:
    deployment = DeploymentInMemory(clock, broken)
    status = run(
        options(["--protocol", AGREED.version]), cast("Api", deployment), deployment.wait, longest
    )
    return status, deployment


@pytest.mark.usefixtures("cloud")
def test_a_deployment_that_works_passes_and_leaves_no_order_open(clock: Traveller) -> None:
    status, deployment = tried(clock)
    assert status == 0
    known = [enrolment_of(ident) for ident in deployment.enrolled]
    assert {each.status for each in known} == {Status.ENDED}
    assert {each.end.reason for each in known if each.end} == {EndReason.RECORDED_IN_ERROR}
    texts = [each.state for ident in deployment.enrolled for each in reminders_of(ident)]
    assert set(texts) == {ReminderState.SENT, ReminderState.SUPPRESSED}


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("broken", ["allocation", "scheduling", "sending", "blinding", "counting"])
def test_each_broken_part_fails_the_smoke_test_and_no_order_stays_open(
    broken: str,
    clock: Traveller,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smoke, "_STEP", timedelta(minutes=1))  # three looks, then it gives up
    status, deployment = tried(clock, broken=frozenset({broken}))
    assert status == 1
    assert "no  " in capsys.readouterr().out
    assert {enrolment_of(ident).status for ident in deployment.enrolled} == {Status.ENDED}


@pytest.mark.usefixtures("cloud")
def test_the_smoke_test_passes_when_the_first_text_goes_before_both_arms_have_an_order(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smoke, "_STEP", timedelta(hours=1))  # each draw outlasts the first text
    status, deployment = tried(clock)
    assert len(deployment.enrolled) > len(Arm)
    assert status == 0


@pytest.mark.usefixtures("cloud")
def test_outside_the_sending_window_the_smoke_test_says_so_and_leaves_no_order_open(
    clock: Traveller, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.move_to(datetime.now(UTC).replace(hour=22))
    status, deployment = tried(clock, longest=smoke.LONGEST_WAIT)
    assert status == 2
    assert "the sending window is closed" in capsys.readouterr().out
    assert {enrolment_of(ident).status for ident in deployment.enrolled} == {Status.ENDED}


def test_the_smoke_test_s_orders_reach_both_arms_whatever_the_block_sizes() -> None:
    # At worst: the end of one block in one arm, and the beginning of the next.
    assert max(AGREED.block_sizes) // len(Arm) * 2 < smoke.MOST_ORDERS
