"""The allocations, texts and seals in the audit trail: enough to compare and to restore."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from trial.records.allocation import Allocation
from trial.records.audit import TAKE_A_NUMBER_IN, audit_partition

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from audit.chain import ExportedEntry
    from trial.codes import Status
    from trial.records.allocation import DrawnSlot


_SWITCHED = {"sending_paused": True, "sending_resumed": False}


class RecordedDraw(NamedTuple):
    """One draw: when, which slot, and for whom."""

    at: datetime
    enrolment_id: UUID
    slot: DrawnSlot

    @property
    def allocation(self) -> Allocation:
        """The allocation that was stored with it."""
        own = self.slot.model_dump(exclude={"trial", "person_hash"})
        return Allocation(enrolment_id=self.enrolment_id, allocated_at=self.at, **own)


@dataclass
class Trail:
    """The state after some entries, applied in order of time."""

    drawn: list[RecordedDraw] = field(default_factory=list)
    claimed: dict[tuple[UUID, int], list[datetime]] = field(default_factory=dict)
    """The times of all claims of each text."""
    released: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    """How often each text's claim was released because it was not sent."""
    seals: dict[UUID, str | None] = field(default_factory=dict)
    """The SHA-256 of each sealed number; None if there is none or it is erased."""
    standing: dict[UUID, Status] = field(default_factory=dict)
    """Each enrolment's status, from its last entry with a status."""
    removed: set[UUID] = field(default_factory=set)
    """Enrolments whose trial data is erased."""
    suppressed: set[str] = field(default_factory=set)
    """The partitions of the numbers that are suppressed, for good."""
    outcomes: dict[str, UUID] = field(default_factory=dict)
    """Maps the hash of each reported outcome's key to the outcome's order."""
    paused: bool = False
    """Whether sending is paused."""
    _stored: Counter[UUID] = field(default_factory=Counter)
    """The version of each enrolment at which its seal was stored."""
    _stood: Counter[UUID] = field(default_factory=Counter)
    """The version of each enrolment at which its status was stored."""
    _enrolled: set[UUID] = field(default_factory=set)

    @classmethod
    def of(cls, entries: Iterable[ExportedEntry]) -> Trail:
        """The trail in these entries, in any order."""
        trail = cls()
        for entry in sorted(entries, key=lambda each: (each.at, each.pk, each.sk)):
            if about := enrolment_of(entry.pk):
                trail._take(about, entry)
                if entry.outcome_sha256:
                    trail.outcomes[entry.outcome_sha256] = about
            elif entry.what == "number_suppressed":
                trail.suppressed.add(entry.pk.removeprefix(audit_partition("")))
            elif entry.what in _SWITCHED:
                trail.paused = _SWITCHED[entry.what]
        return trail

    @property
    def texted(self) -> dict[tuple[UUID, int], datetime]:
        """The last claim of each text that may have been sent: each release cancels one claim."""
        return {text: at[-1] for text, at in self.claimed.items() if self._unreleased(text)}

    @property
    def texted_again(self) -> list[tuple[UUID, int]]:
        """The texts that were claimed again though an earlier claim was never released."""
        return [text for text in self.claimed if self._unreleased(text) > 1]

    def _unreleased(self, text: tuple[UUID, int]) -> int:
        return max(len(self.claimed[text]) - self.released[text], 0)

    def _take(self, about: UUID, entry: ExportedEntry) -> None:
        if entry.slot:
            self.drawn.append(RecordedDraw(entry.at, about, entry.slot))
        if entry.what == "enrolled":
            if about in self._enrolled:  # a restore lost it: its versions count from 1 again
                self._stored[about] = 0
            self._enrolled.add(about)
        if entry.what in TAKE_A_NUMBER_IN and (entry.version or 0) >= self._stored[about]:
            # Entries may be stored out of order of time, so the version decides.
            self._stored[about] = entry.version or 0
            self.seals[about] = entry.seal_sha256
        if entry.status and (entry.version or self._stood[about]) >= self._stood[about]:
            self._stood[about] = entry.version or self._stood[about]
            self.standing[about] = entry.status
        match entry.what.split():
            case ["text", number, "disclosed"] if number.isdecimal():
                self.claimed.setdefault((about, int(number)), []).append(entry.at)
            case ["text", number, "released"] if number.isdecimal():
                self.released[about, int(number)] += 1
            case ["identifiers", "erased"]:
                self.seals[about] = None
            case ["trial", "data", "erased"]:
                self.removed.add(about)


def enrolment_of(partition: str) -> UUID | None:
    """The enrolment to which a partition belongs; None for any other partition."""
    try:
        return UUID(partition.partition("#")[2])
    except ValueError:
        return None
