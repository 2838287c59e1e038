"""
Recovers what the audit trail's exported chain holds into a table that was rewound.

The chain holds every allocation with its slot, and every claim and release of a text. So nobody is
drawn again, and no text goes twice. Ends, holds, admissions and suppressed numbers are recovered
too. A number that was changed or protected since is forgotten: nothing is texted until upstream
reports it again. Everything else that happened since is listed, for upstream to report again.

Only facts are recovered. What follows from them, for an order and for others, is settled as after
any other act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from allocation.allocate import design_of
from allocation.randomisation import block, message
from commands.audit.trail import Trail, enrolment_of
from trial.aws.table import ABSENT, Act, Check, ConditionFailedError, Table, put
from trial.codes import EndReason, HoldReason, ReminderState, Why
from trial.planning import planned_reminders
from trial.progress import moved
from trial.protocol.load import load, versions
from trial.records.allocation import Allocation, Cursor, allocation_key, cursor_key
from trial.records.audit import RESTORED, AuditEntry, history_key
from trial.records.enrolment import Enrolment, Hold, LifeEvent, enrolment_key
from trial.records.person import OrderOfPerson, Person, SuppressedNumber, person_key, suppressed_key
from trial.records.receipt import OptOut, opt_out_key
from trial.records.record import next_version
from trial.records.reminder import Reminder, day_key, reminder_key
from trial.settlement.bounds import what_counts, without_number
from trial.settlement.follow_up import follow_up, follow_up_number
from trial.settlement.settle import ChangeContext, change
from trial.settlement.store import SettlementStore, suppressing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from audit.chain import ExportedEntry
    from commands.audit.trail import RecordedDraw
    from trial.aws.kms import MacKey
    from trial.codes import Arm
    from trial.protocol.settings import Protocol
    from trial.records.allocation import DrawnSlot

BY = "restore"
C = TypeVar("C", bound=StrEnum)
_NOT_SENT = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED, ReminderState.SUPPRESSED})
_ENDED, _HELD = "ended_", "held_"
_A_YEAR = 366  # days


class Kind(StrEnum):
    """The kinds of difference between the copy and the chain."""

    ALLOCATION = "an allocation was brought back: whoever is in it keeps the arm"
    TAKEN_UP = "an order that was posted again has its allocation again"
    CURSOR = "a stratum goes on after the last slot that was drawn"
    TEXT = "a text counts as claimed again: it may have gone"
    END = "an end was brought back"
    ADMITTED = "an order over the day's limit is admitted again"
    HOLD = "a hold was brought back: hold it for whoever asks, then release this"
    NUMBER = "a number changed since: nothing is texted until it is reported again"
    SUPPRESSED = "a suppression was brought back"
    OPTED_OUT = "an opt-out was brought back"
    PROTECTED = "a number was protected since: nothing is texted until it is reported again"
    NOT_THERE = "an order is not in the copy: upstream posts it again"
    TO_REPORT = "to be reported again"
    STRANGE = "a draw that contradicts the key or names an unknown protocol: it restored nothing"


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
    protocol: Protocol
    """That of the open trial."""
    now: datetime
    blocks: dict[tuple[str, str, str, int], tuple[Arm, ...]] = field(default_factory=dict)
    """The blocks derived so far."""

    @property
    def _at(self) -> ChangeContext:
        store = SettlementStore(self.table)
        return ChangeContext(store=store, protocol=self.protocol, by=BY, now=self.now)

    def differences(self) -> Iterator[Difference]:
        """Recover what can be recovered, one item at a time. Safe to repeat."""
        self._versions()
        trail = Trail.of(self.entries)
        for drawn in trail.drawn:
            if not self._is_confirmed(drawn):
                yield Difference(Kind.STRANGE, f"enrolment {drawn.enrolment_id}")
            elif drawn.enrolment_id not in trail.removed:
                yield from self._allocation(drawn, trail)
        yield from self._cursors(filter(self._is_confirmed, trail.drawn))
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

    def _versions(self) -> None:
        """Count each order's versions on from its last one: by them the trail orders its acts."""
        last: dict[UUID, int] = {}
        for entry in self.entries:
            ident = enrolment_of(entry.pk)
            if ident and entry.version and entry.at >= self.since:
                last[ident] = max(last.get(ident, 0), entry.version)
        for ident, version in last.items():
            known = self._at.store.enrolment(ident)
            if known and known.version < version:
                seal = known.mobile.seal_sha256
                audit = AuditEntry(
                    at=self.now,
                    what=RESTORED,
                    by=BY,
                    seal_sha256=seal,
                    status=known.status,
                    version=version + 1,
                )
                seen = Check("unchanged", "#version = :seen", {"seen": known.version})
                item = known.model_copy(update={"version": version + 1}).item()
                self.table.write(
                    put(enrolment_key(ident), item, seen),
                    put(history_key(ident, audit), audit.item()),
                )

    def _allocation(self, drawn: RecordedDraw, trail: Trail) -> Iterator[Difference]:
        """Recover a draw: its person keeps the arm, and claimed texts count as sent."""
        ident, own = drawn.enrolment_id, drawn.allocation
        claimed = {number: at for (about, number), at in trail.texted.items() if about == ident}
        own = own.model_copy(update={"claimed": claimed or None})
        enrolment, person, known = self._around(ident, drawn.slot.person_hash)
        if known is None:
            acts = [put(allocation_key(ident), own.item(), Check("not drawn", ABSENT))]
            protocol = load(own.protocol)
            place = protocol.place
            if (found := _with_draw(person, drawn, protocol, lost=enrolment is None)) != person:
                acts.append(next_version(person_key(drawn.slot.person_hash), found))
            days = {day_key(drawn.slot.person_hash, place.date_at(at)) for at in claimed.values()}
            acts += [put(day, {"kind": "day", "enrolment_id": str(ident)}) for day in days]
            plan = planned_reminders(enrolment, own, start=own.allocated_at) if enrolment else []
            acts += [put(reminder_key(ident, each.number), each.item()) for each in plan]
            self.table.write(*acts)
            yield Difference(Kind.ALLOCATION, f"enrolment {ident}")
        if enrolment and not enrolment.allocated_at:
            self._take_up(ident, own)

    def taken_up(self) -> Iterator[Difference]:
        """
        Give each order that was posted again its draw, also where it is no longer eligible.

        The allocation function takes up the draws of eligible orders only. Safe to repeat.
        """
        for drawn in Trail.of(self.entries).drawn:
            ident = drawn.enrolment_id
            enrolment, _, own = self._around(ident, drawn.slot.person_hash)
            if own is None or enrolment is None or enrolment.allocated_at:
                continue
            for each in planned_reminders(enrolment, own, start=own.allocated_at):
                new = Check("not planned", ABSENT)
                self._once(put(reminder_key(ident, each.number), each.item(), new))
            self._take_up(ident, own)
            yield Difference(Kind.TAKEN_UP, f"enrolment {ident}")

    def _take_up(self, ident: UUID, own: Allocation) -> None:
        update = {"allocated_at": own.allocated_at, "stratum": own.stratum}
        self._changed(ident, lambda known: known.model_copy(update=update))

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

    def _is_confirmed(self, drawn: RecordedDraw) -> bool:
        """
        Whether its protocol is known, and the key gives its slot that arm.

        Whoever can write to the table can invent an entry, but cannot use the key.
        """
        slot = drawn.slot
        if slot.protocol not in versions():
            return False
        if slot.block is None or slot.position is None:
            return slot.repeat
        return self._arms(slot)[slot.position : slot.position + 1] == (slot.arm,)

    def _arms(self, slot: DrawnSlot) -> tuple[Arm, ...]:
        """The arms of a slot's block, by the key."""
        place = (slot.protocol, slot.trial, slot.stratum, slot.block or 0)
        if place not in self.blocks:
            protocol = load(slot.protocol)
            of = message(trial=slot.trial, stratum=slot.stratum, block=slot.block or 0)
            made = block(self.sequence.mac(of), sizes=protocol.block_sizes, ratio=protocol.arms)
            self.blocks[place] = made
        return self.blocks[place]

    def _after(self, drawn: RecordedDraw) -> Cursor:
        slot, protocol = drawn.slot, load(drawn.slot.protocol)
        at, following = slot.block or 0, (slot.position or 0) + 1
        arms = self._arms(slot)
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
        where, fact = f"enrolment {about}", _fact(entry)
        known = self._at.store.enrolment(about)
        if known and fact:
            if self._changed(about, fact.changed):
                yield Difference(fact.kind, where)
        elif entry.what == "enrolled":
            if known is None:
                yield Difference(Kind.NOT_THERE, where)
        elif entry.why in _TOLD and not entry.what.startswith(_BY_ITSELF):
            if known and entry.what == "order_corrected":
                self._changed(about, self._correctable)
            yield Difference(Kind.TO_REPORT, f"{where}: {entry.what} at {entry.at:%F %T}")

    def _correctable(self, known: Enrolment) -> Enrolment:
        """Let its dates change until the next reminder, because a correction was lost."""
        return known.model_copy(update={"dates_changed_at": known.allocated_at and self.now})

    def _changed(self, about: UUID, changed: Callable[[Enrolment], Enrolment]) -> bool:
        """Store a fact with what follows from it, also for others; returns whether it was new."""
        act = change(about, changed, self._at, what=RESTORED)
        follow_up(act, self._at, time_is_left=lambda: True)
        return act.after != act.before

    def _suppressed(self, entry: ExportedEntry) -> Iterator[Difference]:
        """Recover a suppression of a number."""
        ruled_out = SuppressedNumber(reason=BY, at=entry.at, by=entry.by)
        hashed = entry.pk.rpartition("#")[2]
        audit = AuditEntry(at=self.now, what=RESTORED, by=BY)
        if self._once(*suppressing(hashed, ruled_out, audit)):
            follow_up_number(hashed, self._at, time_is_left=lambda: True)
            yield Difference(Kind.SUPPRESSED, suppressed_key(hashed).pk)

    def _opted_out(self, entry: ExportedEntry) -> Iterator[Difference]:
        """Recover that a number opted out."""
        opt_out = OptOut(at=entry.at, by=entry.by)
        key = opt_out_key(entry.pk.rpartition("#")[2])
        if self._once(put(key, opt_out.item(), Check("not opted out", ABSENT))):
            yield Difference(Kind.OPTED_OUT, key.pk)

    def _put_back(self) -> None:
        """Write the audit entries that the table lacks."""
        for entry in self.entries:
            own = AuditEntry(**entry.model_dump(exclude={"pk", "sk", "why"}))
            self._once(put(entry.key, own.item(), Check("not there", ABSENT)))

    def _once(self, *acts: Act) -> bool:
        """Write if the conditions hold; returns whether they did."""
        try:
            self.table.write(*acts)
        except ConditionFailedError:
            return False
        return True


def _with_draw(person: Person, drawn: RecordedDraw, protocol: Protocol, *, lost: bool) -> Person:
    """
    A person with a draw of theirs.

    Its order, if it is `lost`, holds their place for as long as it may last: they must not be drawn
    for an earlier order that upstream posts again before that one.
    """
    ident, trial = drawn.enrolment_id, drawn.slot.trial
    orders, allocated = person.enrolments, {trial: ident} | person.allocated
    if lost:
        days = max(each.longest_days or _A_YEAR for each in protocol.orders.values())
        until = protocol.place.date_at(drawn.at) + timedelta(days=days)
        orders = {ident: OrderOfPerson(last_day=until, drawn=True, arrival=person.version)} | orders
    return person.model_copy(update={"enrolments": orders, "allocated": allocated})


_TOLD = frozenset({Why.COLLECTION, Why.ALTERATION})
"""The kinds of entry that record a change."""

_BY_ITSELF = (
    *("allocated", "slot_drawn", "excluded", "text ", RESTORED),
    *("number_suppressed", "number_freed", "place_", "settled"),
)
"""Prefixes of entries whose effects recover without anybody's help."""


class _Fact(NamedTuple):
    """What an entry's act changed of an order's facts."""

    kind: Kind
    changed: Callable[[Enrolment], Enrolment]


def _fact(entry: ExportedEntry) -> _Fact | None:
    if reason := _code(EndReason, entry.what, _ENDED):
        event = LifeEvent(reason=reason, at=entry.at, by=BY)
        return _Fact(Kind.END, lambda known: _with_event(known, event))
    if on_hold := _code(HoldReason, entry.what, _HELD):
        held = Hold(reason=on_hold, at=entry.at, by=BY)
        return _Fact(Kind.HOLD, lambda known: _with_hold(known, held))
    if entry.what == "admitted":
        return _Fact(Kind.ADMITTED, lambda known: _with_admission(known, entry.by))
    kind = {"mobile_changed": Kind.NUMBER, "number_protected": Kind.PROTECTED}.get(entry.what)
    return _Fact(kind, without_number) if kind else None


def _code(codes: type[C], what: str, prefix: str) -> C | None:
    """The code after a prefix; None if it is unknown: the restore then lists the entry."""
    known = {f"{prefix}{code}": code for code in codes}
    return known.get(what)


def _with_admission(enrolment: Enrolment, by: str) -> Enrolment:
    if not enrolment.held_over_daily_limit:
        return enrolment
    return enrolment.model_copy(update={"admitted_by": by})


def _with_hold(enrolment: Enrolment, held: Hold) -> Enrolment:
    if enrolment.erased_at or any(each.reason == held.reason for each in enrolment.holds):
        return enrolment
    return enrolment.with_holds((*enrolment.holds, held))


def _with_event(enrolment: Enrolment, event: LifeEvent) -> Enrolment:
    if event in enrolment.life:
        return enrolment
    return enrolment.model_copy(update={"life": what_counts((*enrolment.life, event))})
