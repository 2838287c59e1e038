"""A trial that runs again: a new trial is opened where an earlier one still has orders in force."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from time_machine import Traveller

from commands.audit.verify_allocations import main as verify
from tests.support.fixture_protocol import AGREED, FIRST
from tests.support.samples import MORNING, TABLE
from tests.support.steps import allocate, call, enrol, failures
from tests.support.table import allocation_of, enrolment_of, everything, found, identifiers_of
from trial import config
from trial.codes import Status
from trial.protocol.load import load
from trial.records.allocation import cursor_key
from trial.records.person import Person, person_key

EARLIER, NEW = AGREED, load(FIRST)
LATER = {"made_on": "2026-12-15", "expires_on": "2026-12-28", "served_on": "2026-12-15"}

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def reopen(clock: Traveller, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Two weeks later, open the new trial as the template's parameter does."""

    def opened() -> None:
        clock.move_to(MORNING + timedelta(days=14))
        monkeypatch.setenv("PROTOCOL", NEW.version)
        config.settings.cache_clear()

    return opened


def test_a_person_of_an_earlier_trial_counts_as_new_in_the_next(reopen: Callable[[], None]) -> None:
    first = enrol(1)
    allocate(first)
    person_id = identifiers_of(first)["person_id"]
    reopen()
    again = enrol(900, order=LATER, respondent={"person_id": person_id})
    assert failures(allocate(again)) == []
    drawn = allocation_of(again)
    assert (drawn.repeat, drawn.block, drawn.position) == (False, 0, 0)
    assert (drawn.protocol, enrolment_of(again).trial) == (NEW.version, NEW.trial)
    person = Person.of(everything()[person_key(enrolment_of(again).person_hash)])
    assert person.allocated == {EARLIER.trial: first, NEW.trial: again}


def test_a_third_order_keeps_the_arm_of_its_own_trial(reopen: Callable[[], None]) -> None:
    first = enrol(1)
    allocate(first)
    person_id = identifiers_of(first)["person_id"]
    reopen()
    again, third = (
        enrol(900 + n, order=LATER, respondent={"person_id": person_id}) for n in (0, 1)
    )
    allocate(again)
    assert enrolment_of(third).status is not Status.ALLOCATED  # two live orders at a time
    assert allocation_of(again).arm in NEW.arms


def test_an_order_that_waited_is_drawn_in_the_trial_that_accepted_it(
    reopen: Callable[[], None],
) -> None:
    """By that trial's sequence and protocol, whichever is open when it becomes eligible."""
    long = {"made_on": "2026-12-01", "expires_on": "2026-12-28", "served_on": None}
    waiting = enrol(1, order=long)
    reopen()
    assert call("PUT", f"/enrolments/{waiting}/service", {"served_on": "2026-12-02"}).status == 200
    assert failures(allocate(waiting)) == []
    drawn = allocation_of(waiting)
    assert (drawn.protocol, drawn.protocol_sha256) == (EARLIER.version, EARLIER.sha256)
    assert found(cursor_key(EARLIER.trial, drawn.stratum))
    assert cursor_key(NEW.trial, drawn.stratum) not in everything()


def test_both_trials_are_audited_together(
    reopen: Callable[[], None], cloud: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = enrol(1)
    allocate(first)
    person_id = identifiers_of(first)["person_id"]
    reopen()
    allocate(enrol(900, order=LATER, respondent={"person_id": person_id}))
    verify(["--table", TABLE, "--key", cloud["ALLOCATION_KEY_ID"]])
    assert "All is well: 2 allocations" in capsys.readouterr().out
