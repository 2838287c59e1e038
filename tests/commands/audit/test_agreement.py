"""Table and trail are compared item by item, whatever somebody has written into either."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from audit.chain import ExportedEntry, new_link, path_of, sha256
from commands.audit.agreement import Disagreement, TableFacts, disagreements, drawn_twice
from commands.audit.allocation_evidence import EnrolmentEvidence
from commands.audit.allocation_findings import AllocationFault, drawn_for_others, trail_findings
from commands.audit.audit_findings import PATIENCE, Chain, TrailFault, compared
from commands.audit.trail import Trail
from tests.support.samples import MORNING
from trial.aws.table import Key
from trial.codes import Arm, ReminderState, Status, Why
from trial.records.allocation import Allocation, DrawnSlot, allocation_key
from trial.records.enrolment import enrolment_key
from trial.records.person import suppressed_key
from trial.records.reminder import reminder_key

ABOUT = UUID(int=7)
UNTIL = MORNING + timedelta(hours=1)
"""Later events may be in the table or the trail alone: both were read `PATIENCE` after."""
FAR_OFF = datetime(2099, 12, 1, tzinfo=UTC)
ALLOCATION = Allocation(
    enrolment_id=ABOUT,
    arm=Arm.CONTROL,
    stratum="14",
    block=0,
    position=0,
    allocated_at=MORNING,
    protocol="fixture-1",
    protocol_sha256="0" * 64,
)
SLOT = DrawnSlot.of(ALLOCATION, trial="fixture", person_hash="hers")
ENTRY = ExportedEntry(
    pk=f"history#{ABOUT}",
    sk="1",
    at=MORNING,
    what="allocated",
    why=Why.ALTERATION,
    by="allocation",
    slot=SLOT,
)
REMINDER = {
    "pk": reminder_key(ABOUT, 1).pk,
    "sk": reminder_key(ABOUT, 1).sk,
    "kind": "reminder",
    "enrolment_id": str(ABOUT),
    "number": 1,
    "state": ReminderState.SENT,
    "claimed_at": MORNING.isoformat(),
}


def stored(**changes: Any) -> dict[str, Any]:
    key = allocation_key(ABOUT)
    return {"pk": key.pk, "sk": key.sk} | ALLOCATION.item() | changes


def found(*items: dict[str, Any], trail: Trail | None = None) -> list[tuple[str, str]]:
    table = TableFacts()
    for item in items:
        table.add(item)
    return [
        (each.fault, each.where) for each in disagreements(trail or Trail(), table, until=UNTIL)
    ]


@pytest.mark.parametrize("at", [FAR_OFF, UNTIL + 3 * PATIENCE])
def test_an_act_dated_after_the_check_is_not_excused_as_not_yet_exported(at: datetime) -> None:
    later = at.isoformat()
    assert found(stored(allocated_at=later)) == [(Disagreement.NOT_DRAWN, f"enrolment {ABOUT}")]
    untold = found(REMINDER | {"claimed_at": later})
    assert untold == [(Disagreement.TEXT_UNTOLD, f"enrolment {ABOUT}, text 1")]
    entry = ENTRY.model_dump(mode="json", exclude_none=True) | {"at": later}
    (finding,) = compared(Chain(), {ENTRY.key: entry}, since=UNTIL + PATIENCE)
    assert finding.fault is TrailFault.NOT_EXPORTED


def test_a_recent_act_may_not_be_exported_yet_whichever_clock_is_ahead() -> None:
    for at in (UNTIL + PATIENCE / 2, UNTIL + 3 * PATIENCE / 2):
        just = at.isoformat()
        assert found(stored(allocated_at=just), REMINDER | {"claimed_at": just}) == []


@pytest.mark.parametrize(
    "item",
    [
        stored(arm=None),
        stored(allocated_at="2026-12-01T09:30:00"),
        stored(enrolment_id="Zaphod"),
        REMINDER | {"state": "lost"},
        REMINDER | {"number": "one"},
        REMINDER | {"claimed_at": "2026-12-01T09:30:00"},
        {name: REMINDER[name] for name in ("pk", "sk", "kind")},
        {"pk": enrolment_key(ABOUT).pk, "sk": "enrolment", "kind": "enrolment"},
    ],
    ids=str,
)
def test_an_unreadable_item_is_a_finding_and_does_not_stop_the_check(item: dict[str, Any]) -> None:
    assert found(item) == [(Disagreement.UNREADABLE, f"{item['pk']} {item['sk']}")]


def test_an_entry_about_a_text_without_a_number_does_not_stop_the_check() -> None:
    odd = [ENTRY.model_copy(update={"what": f"text {word} disclosed"}) for word in ("x", "\u00b2")]
    assert Trail.of(odd).claimed == {}


def test_a_suppression_that_was_taken_out_of_the_table_is_found() -> None:
    number = suppressed_key("abc").pk
    told = ENTRY.model_copy(update={"pk": f"audit#{number}", "what": "number_suppressed"})
    trail = Trail.of([told.model_copy(update={"slot": None})])
    assert found(trail=trail) == [(Disagreement.NOT_SUPPRESSED, number)]
    assert found({"pk": number, "sk": "suppressed", "kind": "suppressed"}, trail=trail) == []


def test_a_text_that_somebody_had_sent_twice_is_found() -> None:
    """Reopening a sent reminder leads to a second claim, which the trail records."""

    def told(*acts: str) -> list[tuple[str, str]]:
        entries = [
            ENTRY.model_copy(
                update={"at": MORNING + timedelta(minutes=place), "sk": str(place), "slot": None}
                | {"pk": f"audit#{ABOUT}", "what": f"text 1 {act}"}
            )
            for place, act in enumerate(acts)
        ]
        return found(REMINDER, trail=Trail.of(entries))

    assert told("disclosed") == told("disclosed", "released", "disclosed") == []
    again = [(Disagreement.TEXT_AGAIN, f"enrolment {ABOUT}, text 1")]
    assert told("disclosed", "disclosed") == again


def stood(status: Status, version: int, at: datetime = MORNING) -> ExportedEntry:
    return ENTRY.model_copy(
        update={"sk": f"{at}#{status}", "at": at, "status": status, "version": version}
    )


def test_an_end_that_was_taken_out_of_the_table_is_found() -> None:
    # An act may be stored after one that came later: the version decides, not the time.
    acts = [stood(Status.ALLOCATED, 2, UNTIL), stood(Status.ENDED, 3)]
    trail = Trail.of(each.model_copy(update={"slot": None}) for each in acts)
    key = enrolment_key(ABOUT)
    item = {"pk": key.pk, "sk": key.sk, "kind": "enrolment", "enrolment_id": str(ABOUT)}
    assert found(item | {"status": Status.ENDED}, trail=trail) == []
    wrong = found(item | {"status": Status.ALLOCATED}, trail=trail)
    assert wrong == [(Disagreement.STATUS, f"enrolment {ABOUT}")]


def drawn_in(about: int, at: datetime, position: int) -> ExportedEntry:
    """An entry of a draw in that position of the first block."""
    slot = SLOT.model_copy(update={"position": position})
    return ENTRY.model_copy(update={"pk": f"history#{UUID(int=about)}", "at": at, "slot": slot})


def test_slots_out_of_order_in_the_trail_are_found() -> None:
    """Two entries that were exchanged before they were exported agree with an edited table."""
    in_turn = Trail.of([drawn_in(1, MORNING, 0), drawn_in(2, UNTIL, 1)])
    assert list(drawn_twice(in_turn)) == []
    exchanged = Trail.of([drawn_in(1, MORNING, 1), drawn_in(2, UNTIL, 0)])
    assert [each.fault for each in drawn_twice(exchanged)] == [Disagreement.OUT_OF_ORDER]


@pytest.mark.parametrize(
    ("block", "faults"),
    [
        ((Arm.CONTROL, Arm.INTERVENTION), []),
        ((Arm.INTERVENTION, Arm.CONTROL), [AllocationFault.TRAIL_MISMATCH]),
        ((), [AllocationFault.TRAIL_MISMATCH]),  # there is no such slot
    ],
)
def test_a_draw_in_the_trail_that_the_key_does_not_give_is_found(
    block: tuple[Arm, ...], faults: list[AllocationFault]
) -> None:
    """Whoever edits table and trail alike has not the key."""
    protocol = cast("Any", SimpleNamespace(sha256=SLOT.protocol_sha256))
    drawn = Trail.of([ENTRY]).drawn
    wrong = trail_findings(drawn, protocols={protocol.sha256: protocol}, derive=lambda *_: block)
    assert [each.fault for each in wrong] == faults


@pytest.mark.parametrize("changed", [{"person_hash": "his"}, {"trial": "another"}])
def test_an_enrolment_given_to_another_person_or_trial_since_its_draw_is_found(
    changed: dict[str, str],
) -> None:
    drawn = Trail.of([ENTRY]).drawn
    own = EnrolmentEvidence(enrolment_id=ABOUT, trial="fixture", person_hash="hers", days=14)
    assert list(drawn_for_others(drawn, [own])) == []
    (finding,) = drawn_for_others(drawn, [own.model_copy(update=changed)])
    assert finding.fault is AllocationFault.ANOTHER_PERSON


def chain(*links: tuple[int, Callable[[int, str], bytes]]) -> Chain:
    made = Chain()
    for number, link in links:
        made.add(number, link(number, made.newest_sha256))
    return made


def holding(at: datetime) -> Callable[[int, str], bytes]:
    """A link of the morning with an entry of this time."""
    entry = ENTRY.model_copy(update={"at": at})
    return lambda number, previous: new_link(number, [entry], previous=previous, written_at=MORNING)


def test_an_entry_that_is_later_than_its_link_is_found() -> None:
    assert chain((1, holding(MORNING))).findings == []
    (finding,) = chain((1, holding(FAR_OFF))).findings
    assert finding.fault is TrailFault.LINK_OLDER


def test_a_link_with_an_invented_number_leaves_one_gap() -> None:
    (gap,) = chain((1, holding(MORNING)), (999_999_999_999, holding(MORNING))).findings
    assert gap == (TrailFault.LINK_MISSING, f"{path_of(2)} to {path_of(999_999_999_998)}")


def test_an_entry_whose_time_has_no_offset_is_not_valid() -> None:
    entry = ENTRY.model_dump(mode="json", exclude_none=True) | {"at": "2026-12-01T09:30:00"}
    (finding,) = compared(Chain(), {Key(ENTRY.pk, ENTRY.sk): entry}, since=UNTIL)
    assert finding.fault is TrailFault.NO_ENTRY
    content = holding(MORNING)(1, sha256(None)).replace(b'09:30:00Z"', b'09:30:00"')
    assert chain((1, lambda *_: content)).findings == [(TrailFault.LINK_UNREADABLE, path_of(1))]
