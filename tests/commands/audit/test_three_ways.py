"""An edit of the table, the trail or the key is found by comparing the three."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from audit.chain import ExportedEntry
from audit.handler import lambda_handler as export
from commands.audit import verify_allocations, verify_audit
from commands.audit.agreement import Disagreement
from commands.audit.allocation_findings import AllocationFault
from commands.audit.trail import Trail
from commands.audit.verify_audit import AuditTrail
from tests.commands.audit.conftest import Run
from tests.support.buckets import make_bucket
from tests.support.deployed import of_policy
from tests.support.life import ARREST
from tests.support.samples import MORNING, TABLE
from tests.support.steps import CONTEXT, allocate, announcement, call, enrol, fire, stream
from tests.support.table import (
    allocation_of,
    change_enrolment,
    change_reminder,
    enrolment_of,
    everything,
    found,
    keep,
    reminder_of,
    reminders_of,
    wired,
)
from trial.aws import clients
from trial.codes import Arm, ReminderState, Status, Why
from trial.records.allocation import Allocation, Cursor, allocation_key, cursor_key
from trial.records.audit import AuditEntry, audit_key, history_key
from trial.records.enrolment import Outcome, outcome_key
from trial.records.reminder import reminder_key
from trial.records.switch import SWITCH_KEY, Switch

BUCKET = "audit"
HOUR = timedelta(hours=1)
SHORT = cursor_key("fixture", "14")


@pytest.fixture(autouse=True)
def _bucket(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    make_bucket(cloud["AUDIT_BUCKET"], locked=True)
    place = AuditTrail(clients.s3(), clients.dynamodb(), None, BUCKET, TABLE, "")  # type: ignore[arg-type]
    monkeypatch.setattr(verify_audit, "placed", lambda _: place)


def export_all() -> None:
    """Let the stream bring every entry in the table."""
    entries = [key for key, item in everything().items() if item["kind"] == "audit"]
    records = [announcement(key, number) for number, key in enumerate(entries, start=1)]
    export(stream(*records), CONTEXT)


@pytest.fixture
def people(clock: Traveller) -> list[UUID]:
    """People who were drawn an hour ago, with every entry exported."""
    drawn = []
    for serial in range(1, 8):
        drawn.append(enrol(serial))
        clock.shift(timedelta(minutes=1))
        allocate(drawn[-1])
    export_all()
    clock.shift(HOUR)
    return drawn


@pytest.fixture
def printed(cloud: dict[str, str], run: Run) -> Any:
    """What each command prints, and whether it finds something wrong."""
    place = ("--table", TABLE, "--key", cloud["ALLOCATION_KEY_ID"], "--trail", BUCKET)
    commands: dict[str, tuple[Any, ...]] = {
        "verify-allocations": (verify_allocations.main, *place),
        "verify-audit": (verify_audit.main,),
    }

    def of(command: str) -> tuple[bool, str]:
        code, text = run(*commands[command])
        assert code in (0, verify_audit.SOMETHING_WRONG)
        return bool(code), text

    return of


@pytest.fixture
def wrong(printed: Any) -> Any:
    """What each command prints if it finds something wrong; nothing if it does not."""

    def of(command: str) -> str:
        found_wrong, text = printed(command)
        assert text
        return text if found_wrong else ""

    return of


BOTH = pytest.mark.parametrize("command", ["verify-allocations", "verify-audit"])


def two_arms(people: list[UUID]) -> tuple[UUID, UUID]:
    """Somebody in each arm."""
    first = {allocation_of(each).arm: each for each in reversed(people)}
    return first[Arm.CONTROL], first[Arm.INTERVENTION]


def swap(people: list[UUID], *, times_too: bool) -> None:
    """Give two people each other's slot, and what goes with it."""
    control, treated = two_arms(people)
    theirs = {each: allocation_of(each) for each in (control, treated)}
    for one, other in ((control, treated), (treated, control)):
        slot = theirs[other].model_copy(update={"enrolment_id": one})
        if not times_too:
            slot = slot.model_copy(update={"allocated_at": theirs[one].allocated_at})
        keep(allocation_key(one), slot)
        change_enrolment(one, allocated_at=slot.allocated_at)
    for reminder in reminders_of(treated):
        clients.dynamodb().delete_item(
            TableName=TABLE, Key=wired(reminder_key(treated, reminder.number))
        )
        moved = reminder.model_copy(update={"enrolment_id": control})
        keep(reminder_key(control, reminder.number), moved)


@BOTH
def test_an_unedited_table_has_no_findings(people: list[UUID], command: str, printed: Any) -> None:
    assert people
    found_wrong, text = printed(command)
    assert not found_wrong
    assert "All is well" in text
    assert "What this cannot see" in text


@BOTH
@pytest.mark.parametrize("times_too", [False, True])
def test_a_swap_of_two_people_is_found(
    people: list[UUID], command: str, wrong: Any, *, times_too: bool
) -> None:
    swap(people, times_too=times_too)
    assert wrong(command).count(Disagreement.DIFFERENT) == 2


def test_the_order_of_times_alone_reveals_a_swap(
    people: list[UUID], cloud: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    swap(people, times_too=False)
    with pytest.raises(SystemExit):
        verify_allocations.main(["--table", TABLE, "--key", cloud["ALLOCATION_KEY_ID"]])
    out = capsys.readouterr().out
    assert AllocationFault.OUT_OF_ORDER in out
    assert AllocationFault.MISMATCH not in out


def roll_back(person: UUID) -> Allocation:
    """Undo the last draw, as if it had never been."""
    gone = allocation_of(person)
    clients.dynamodb().delete_item(TableName=TABLE, Key=wired(allocation_key(person)))
    for reminder in reminders_of(person):
        key = wired(reminder_key(person, reminder.number))
        clients.dynamodb().delete_item(TableName=TABLE, Key=key)
    change_enrolment(person, status=Status.INELIGIBLE, allocated_at=None)
    cursor = Cursor.of(found(SHORT))
    back = {"block": gone.block, "position": gone.position}
    keep(SHORT, cursor.model_copy(update=back))
    return gone


@BOTH
def test_a_deleted_allocation_whose_cursor_was_rolled_back_is_found(
    people: list[UUID], command: str, wrong: Any
) -> None:
    roll_back(people[-1])
    assert f"{Disagreement.GONE}: enrolment {people[-1]}" in wrong(command)


@BOTH
def test_a_slot_that_was_drawn_again_is_found(people: list[UUID], command: str, wrong: Any) -> None:
    roll_back(people[-1])
    again = enrol(90)
    allocate(again)
    export_all()
    text = wrong(command)
    assert Disagreement.SLOT_AGAIN in text
    assert str(again) in text


@BOTH
def test_a_draw_whose_entry_was_removed_before_it_was_exported_is_found(
    people: list[UUID], command: str, wrong: Any, clock: Traveller
) -> None:
    late = enrol(91)
    allocate(late)
    for key, item in everything().items():
        if item.get("what") == "slot_drawn" and str(late) in key.pk:
            clients.dynamodb().delete_item(TableName=TABLE, Key=wired(key))
    assert not wrong(command)  # it may be on its way
    clock.shift(timedelta(minutes=11))
    assert f"{Disagreement.NOT_DRAWN}: enrolment {late}" in wrong(command)
    assert people


@BOTH
def test_an_allocation_in_another_arm_is_found_even_without_the_key(
    people: list[UUID], command: str, wrong: Any
) -> None:
    control, _ = two_arms(people)
    changed = allocation_of(control).model_copy(update={"arm": Arm.INTERVENTION})
    keep(allocation_key(control), changed)
    assert Disagreement.DIFFERENT in wrong(command)


def older_seal(ident: UUID) -> None:
    """Change the number, then put the earlier one back into the table."""
    before = enrolment_of(ident).mobile
    body = {"number": "+447700900888"}
    assert call("PUT", f"/enrolments/{ident}/mobile", body).status == 200
    export_all()
    assert enrolment_of(ident).mobile.sealed != before.sealed
    change_enrolment(ident, mobile=before)


def test_the_trail_reveals_an_older_seal_and_the_allocations_name_it_as_unseen(
    people: list[UUID], printed: Any, wrong: Any
) -> None:
    older_seal(people[0])
    assert f"{Disagreement.SEAL}: enrolment {people[0]}" in wrong("verify-audit")
    found_wrong, text = printed("verify-allocations")
    assert not found_wrong
    assert "make verify-audit" in text


def test_a_number_that_was_lost_or_erased_has_no_seal(people: list[UUID], wrong: Any) -> None:
    body = {"missing_reason": "lost_stolen_broken"}
    assert call("PUT", f"/enrolments/{people[0]}/mobile", body).status == 200
    export_all()
    assert not wrong("verify-audit")


@pytest.fixture
def texted(people: list[UUID], clock: Traveller) -> UUID:
    """A person whose second text was sent and is in the trail."""
    _, treated = two_arms(people)
    now = datetime(2026, 12, 3, 10, tzinfo=UTC)
    change_reminder(treated, 2, due_at=now)
    clock.move_to(now)
    assert fire(treated, 2) == "sent"
    export_all()
    clock.shift(HOUR)
    return treated


def test_a_text_deleted_from_the_table_is_found(texted: UUID, wrong: Any) -> None:
    assert not wrong("verify-audit")
    change_reminder(texted, 2, state=ReminderState.SCHEDULED, sent_at=None, message_id=None)
    assert f"{Disagreement.TEXT_FORGOTTEN}: enrolment {texted}, text 2" in wrong("verify-audit")


def test_a_text_invented_in_the_table_is_found(people: list[UUID], wrong: Any) -> None:
    _, treated = two_arms(people)
    change_reminder(treated, 3, state=ReminderState.DELIVERED)
    assert f"{Disagreement.TEXT_UNTOLD}: enrolment {treated}, text 3" in wrong("verify-audit")


def test_a_released_claim_does_not_count_as_a_text(texted: UUID, wrong: Any) -> None:
    assert reminder_of(texted, 3).state is ReminderState.PLANNED
    for what, minutes in (("disclosed", 0), ("released", 1)):
        at = MORNING + timedelta(minutes=minutes)
        audit = AuditEntry(at=at, what=f"text 3 {what}", by="sending")
        keep(audit_key(texted, audit), audit)
    export_all()
    assert not wrong("verify-audit")


def test_an_outcome_that_was_removed_or_moved_to_somebody_else_is_found(
    people: list[UUID], wrong: Any
) -> None:
    assert call("POST", f"/enrolments/{people[0]}/outcomes", ARREST).status == 201
    export_all()
    assert not wrong("verify-audit")
    key = outcome_key(people[0], ARREST["outcome_id"])
    arrest = Outcome.of(found(key))
    clients.dynamodb().delete_item(TableName=TABLE, Key=wired(key))
    gone = f"{Disagreement.OUTCOME_GONE}: enrolment {people[0]}"
    assert gone in wrong("verify-audit")
    keep(outcome_key(people[1], ARREST["outcome_id"]), arrest)
    moved = wrong("verify-audit")
    assert gone in moved
    assert f"{Disagreement.OUTCOME_UNTOLD}: enrolment {people[1]}" in moved


def test_a_pause_that_was_taken_out_of_the_table_is_found(people: list[UUID], wrong: Any) -> None:
    assert people
    for paused in (True, False, True):  # the clock stands still
        asked = {"paused": paused, "reason": "exercise", "by": "S-0417"}
        assert call("PUT", "/sending", asked).status == 200
    export_all()
    assert not wrong("verify-audit")
    edited = found(SWITCH_KEY) | {"paused": False}
    keep(SWITCH_KEY, Switch.of(edited))
    assert f"{Disagreement.SWITCH}: sending" in wrong("verify-audit")
    clients.dynamodb().delete_item(TableName=TABLE, Key=wired(SWITCH_KEY))
    assert f"{Disagreement.SWITCH}: sending" in wrong("verify-audit")


def test_a_number_that_is_reported_again_keeps_its_seal_in_the_trail_too(
    people: list[UUID], wrong: Any
) -> None:
    number = {"number": "+447700900001", "source": "probation"}
    assert call("PUT", f"/enrolments/{people[0]}/mobile", number).status == 200
    export_all()
    assert not wrong("verify-audit")


def test_the_last_stored_of_two_numbers_with_the_same_time_counts(
    people: list[UUID], wrong: Any
) -> None:
    for last in range(10, 18):  # the clock stands still
        number = {"number": f"+4477009000{last}"}
        assert call("PUT", f"/enrolments/{people[0]}/mobile", number).status == 200
    export_all()
    assert not wrong("verify-audit")


def test_the_auditor_s_policy_allows_what_the_comparison_reads() -> None:
    (scan,) = (each for each in of_policy("TrailAuditor") if each["Action"] == "dynamodb:Scan")
    allowed = set(scan["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"])
    assert allowed == {*verify_audit.READ, "mobile"}


def test_an_act_that_is_stored_after_a_later_one_leaves_its_seal() -> None:
    about, at = UUID(int=7), MORNING
    entries = [
        ExportedEntry(
            pk=history_key(about, AuditEntry(at=at, what="", by="")).pk,
            sk=what,
            at=when,
            what="mobile_changed",
            why=Why.ALTERATION,
            by="upstream",
            seal_sha256=what,
            version=version,
        )
        for what, when, version in (("last", at, 3), ("before", at + timedelta(seconds=1), 2))
    ]
    assert Trail.of(entries).seals == {about: "last"}
