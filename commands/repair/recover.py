"""
Recovers what the audit trail's exported chain holds into a table that was rewound.

The chain holds every allocation with its slot, and every claim and release of a text. So nobody is
drawn again, and no text goes twice. Ends are recovered too. If a number was changed or protected
since, nothing is texted until upstream reports it again. Everything else that happened since is
listed, for upstream to report again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from allocation.allocate import design_of
from allocation.randomisation import block, message
from commands.audit.trail import Trail, enrolment_of
from trial.aws.table import ABSENT, Act, Check, ConditionFailedError, Table, put
from trial.codes import EndReason, Reason, ReminderState, Status, Why
from trial.progress import moved
from trial.protocol.load import load
from trial.records.allocation import Allocation, Cursor, allocation_key, cursor_key
from trial.records.audit import AuditEntry
from trial.records.enrolment import Enrolment, LifeEvent, Mobile, enrolment_key
from trial.records.person import Person, SuppressedNumber, person_key, suppressed_key
from trial.records.receipt import OptOut, opt_out_key
from trial.records.record import next_version
from trial.records.reminder import Reminder, day_key, reminder_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from audit.chain import ExportedEntry
    from commands.audit.trail import RecordedDraw
    from trial.aws.kms import MacKey

BY = "restore"
_NOT_SENT = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED, ReminderState.SUPPRESSED})
_ENDED = "ended_"


class Kind(StrEnum):
    """The kinds of difference between the copy and the chain."""

    ALLOCATION = "an allocation was brought back: whoever is in it keeps the arm"
    CURSOR = "a stratum goes on after the last slot that was drawn"
    TEXT = "a text counts as claimed again: it may have gone"
    END = "an end was brought back"
    NUMBER = "a number changed since: nothing is texted until it is reported again"
    SUPPRESSED = "a suppression was brought back"
    OPTED_OUT = "an opt-out was brought back"
    PROTECTED = "a number was protected since: nothing is texted"
    NOT_THERE = "an order is not in the copy: upstream posts it again"
    TO_REPORT = "to be reported again"


class Difference(NamedTuple):
    """One difference, and its place."""

    kind: Kind
    where: str


@dataclass(frozen=True)
class Recovery:
    """A rewound table and the chain's entries. Every write is conditional on what was read."""

    table: Table
    sequence: MacKey
    entries: tuple[ExportedEntry, ...]
    since: datetime
    """The moment of the copy."""

    def differences(self) -> Iterator[Difference]:
        """Recover what can be recovered, one item at a time. Safe to repeat."""
        trail = Trail.of(self.entries)
        for drawn in trail.drawn:
            if drawn.enrolment_id not in trail.removed:
                yield from self._allocation(drawn, trail)
        yield from self._cursors(trail.drawn)
        for (about, number), claimed_at in trail.texted.items():
            yield from self._text(about, number, claimed_at)
        for entry in sorted(self.entries, key=lambda each: each.at):
            if entry.at < self.since:
                continue
            if ident := enrolment_of(entry.pk):
                yield from self._entry(ident, entry)
            elif entry.what == "number_suppressed":
                yield from self._suppressed(entry)
            elif entry.what == "number_opted_out":
                yield from self._opted_out(entry)
        self._put_back()

    def _allocation(self, drawn: RecordedDraw, trail: Trail) -> Iterator[Difference]:
        """Recover a draw: its person keeps the arm, and claimed texts count as sent."""
        ident, own = drawn.enrolment_id, drawn.allocation
        claimed = {number: at for (about, number), at in trail.texted.items() if about == ident}
        own = own.model_copy(update={"claimed": claimed or None})
        enrolment, person, known = self._around(ident, drawn.slot.person_hash)
        if known:
            return
        acts = [put(allocation_key(ident), own.item(), Check("not drawn", ABSENT))]
        if drawn.slot.trial not in person.allocated:
            allocated = person.allocated | {drawn.slot.trial: ident}
            first = person.model_copy(update={"allocated": allocated})
            acts.append(next_version(person_key(drawn.slot.person_hash), first))
        place = load(own.protocol).place
        days = {day_key(drawn.slot.person_hash, place.date_at(at)) for at in claimed.values()}
        acts += [put(day, {"kind": "day", "enrolment_id": str(ident)}) for day in days]
        if enrolment:  # announces it, so that it takes up its allocation
            acts.append(next_version(enrolment_key(ident), enrolment))
        self.table.write(*acts)
        yield Difference(Kind.ALLOCATION, f"enrolment {ident}")

    def _around(
        self, ident: UUID, person_hash: str
    ) -> tuple[Enrolment | None, Person, Allocation | None]:
        enrolment, person, allocation = self.table.read(
            enrolment_key(ident), person_key(person_hash), allocation_key(ident)
        )
        return (
            Enrolment.of(enrolment) if enrolment else None,
            Person.of(person) if person else Person(version=0),
            Allocation.of(allocation) if allocation else None,
        )

    def _cursors(self, drawn: Iterable[RecordedDraw]) -> Iterator[Difference]:
        """Move every stratum's cursor past the last slot in the chain."""
        last: dict[tuple[str, str], RecordedDraw] = {}
        for each in drawn:
            if each.slot.block is not None:
                last[each.slot.trial, each.slot.stratum] = each
        for (trial, stratum), each in last.items():
            key, wanted = cursor_key(trial, stratum), self._after(each)
            (item,) = self.table.read(key)
            known = Cursor.of(item) if item else Cursor()
            if (known.block, known.position) < (wanted.block, wanted.position):
                self.table.write(put(key, wanted.item()))
                yield Difference(Kind.CURSOR, f"{trial}, stratum {stratum}")

    def _after(self, drawn: RecordedDraw) -> Cursor:
        slot, protocol = drawn.slot, load(drawn.slot.protocol)
        at, following = slot.block or 0, (slot.position or 0) + 1
        mac = self.sequence.mac(message(trial=slot.trial, stratum=slot.stratum, block=at))
        arms = block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)
        place = (at, following) if following < len(arms) else (at + 1, 0)
        design = design_of(protocol)
        return Cursor(block=place[0], position=place[1], design=design, drawn_at=drawn.at)

    def _text(self, about: UUID, number: int, claimed_at: datetime) -> Iterator[Difference]:
        """Mark a text claimed since as claimed: its receipt or a person settles it."""
        item, enrolled = self.table.read(reminder_key(about, number), enrolment_key(about))
        if item is None or enrolled is None:
            return
        reminder, enrolment = Reminder.of(item), Enrolment.of(enrolled)
        if reminder.state not in _NOT_SENT:
            return
        seen = Check("as seen", "#state = :seen", {"seen": reminder.state.value})
        claim = moved(
            reminder,
            ReminderState.CLAIMED,
            condition=seen,
            remove=["reason"],
            claimed_at=claimed_at.isoformat(),
        )
        on = load(reminder.protocol).place.date_at(claimed_at)
        day = {"kind": "day", "enrolment_id": str(about)}
        self.table.write(claim, put(day_key(enrolment.person_hash, on), day))
        yield Difference(Kind.TEXT, f"enrolment {about}, text {number}")

    def _entry(self, about: UUID, entry: ExportedEntry) -> Iterator[Difference]:
        """Anything else that happened to an order since."""
        where = f"enrolment {about}"
        item = self.table.read(enrolment_key(about))[0]
        known = Enrolment.of(item) if item else None
        safe = known and self._made_safe(known, entry)
        if known and safe and safe[1] != known:
            kind, after = safe
            self.table.write(next_version(enrolment_key(about), after))
            yield Difference(kind, where)
        elif entry.what == "enrolled":
            if known is None:
                yield Difference(Kind.NOT_THERE, where)
        elif entry.why in _TOLD and not (safe or entry.what.startswith(_BY_ITSELF)):
            yield Difference(Kind.TO_REPORT, f"{where}: {entry.what} at {entry.at:%F %T}")

    def _suppressed(self, entry: ExportedEntry) -> Iterator[Difference]:
        """Recover a suppression of a number."""
        ruled_out = SuppressedNumber(reason=BY, at=entry.at, by=entry.by)
        key = suppressed_key(entry.pk.rpartition("#")[2])
        if self._once(put(key, ruled_out.item(), Check("not suppressed", ABSENT))):
            yield Difference(Kind.SUPPRESSED, key.pk)

    def _opted_out(self, entry: ExportedEntry) -> Iterator[Difference]:
        """Recover that a number opted out."""
        opt_out = OptOut(at=entry.at, by=entry.by)
        key = opt_out_key(entry.pk.rpartition("#")[2])
        if self._once(put(key, opt_out.item(), Check("not opted out", ABSENT))):
            yield Difference(Kind.OPTED_OUT, key.pk)

    def _made_safe(self, known: Enrolment, entry: ExportedEntry) -> tuple[Kind, Enrolment] | None:
        if entry.what.startswith(_ENDED):
            event = LifeEvent(reason=EndReason(entry.what.removeprefix(_ENDED)), at=entry.at, by=BY)
            life = known.life if event in known.life else (*known.life, event)
            why = () if known.allocated_at else (_reason_of(event),)
            return Kind.END, known.model_copy(
                update={"life": life, "status": Status.ENDED, "reasons": why}
            )
        mobile = {
            "mobile_changed": (Kind.NUMBER, Mobile(), Reason.NO_NUMBER),
            "number_protected": (
                Kind.PROTECTED,
                known.mobile.model_copy(update={"unsafe": True}),
                Reason.UNSAFE_NUMBER,
            ),
        }.get(entry.what)
        if mobile is None:
            return None
        kind, number, reason = mobile
        update: dict[str, object] = {"mobile": number}
        if known.status in (Status.ELIGIBLE, Status.WAITING):
            update |= {"status": Status.WAITING, "reasons": (reason,)}
        return kind, known.model_copy(update=update)

    def _put_back(self) -> None:
        """Write the audit entries that the table lacks."""
        for entry in self.entries:
            own = AuditEntry(**entry.model_dump(exclude={"pk", "sk", "why"}))
            self._once(put(entry.key, own.item(), Check("not there", ABSENT)))

    def _once(self, act: Act) -> bool:
        """Write if the condition holds; returns whether it did."""
        try:
            self.table.write(act)
        except ConditionFailedError:
            return False
        return True


_TOLD = frozenset({Why.COLLECTION, Why.ALTERATION})
"""The kinds of entry that record a change."""

_BY_ITSELF = ("allocated", "slot_drawn", "excluded", "text ")
"""Prefixes of entries whose effects recover without anybody's help."""


def _reason_of(end: LifeEvent) -> Reason:
    return Reason.IN_CUSTODY if end.reason is EndReason.IN_CUSTODY else Reason.ORDER_ENDED
