"""What the audit trail says of allocations, texts and seals: enough to compare, and to restore."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from trial.records.allocation import Allocation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from audit.chain import Entry
    from trial.records.allocation import Slot

_TAKES_A_NUMBER_IN = frozenset({"enrolled", "mobile_changed"})


class Drawn(NamedTuple):
    """One draw: when, which slot, and for whom."""

    at: datetime
    enrolment_id: UUID
    slot: Slot

    @property
    def allocation(self) -> Allocation:
        """The allocation that was stored with it."""
        own = self.slot.model_dump(exclude={"trial", "person_hash"})
        return Allocation(enrolment_id=self.enrolment_id, allocated_at=self.at, **own)


@dataclass
class Trail:
    """What stands at the end of some entries, taken in the order of their times."""

    drawn: list[Drawn] = field(default_factory=list)
    claimed: dict[tuple[UUID, int], list[datetime]] = field(default_factory=dict)
    """When each text was claimed, as often as it was."""
    released: Counter[tuple[UUID, int]] = field(default_factory=Counter)
    """How often the claim of a text was given back: it had not gone."""
    seals: dict[UUID, str | None] = field(default_factory=dict)
    """The SHA-256 of each sealed number; None where none is known, or it is erased."""
    removed: set[UUID] = field(default_factory=set)
    """Enrolments of which the trial data is erased."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Trail:
        """The trail in these entries, in whatever order they come."""
        trail = cls()
        for entry in sorted(entries, key=lambda each: (each.at, each.pk, each.sk)):
            if about := enrolment_of(entry.pk):
                trail._take(about, entry)
        return trail

    @property
    def texted(self) -> dict[tuple[UUID, int], datetime]:
        """When each text was claimed last that may have gone: each release takes one claim back."""
        return {text: at[-1] for text, at in self.claimed.items() if len(at) > self.released[text]}

    def _take(self, about: UUID, entry: Entry) -> None:
        if entry.slot:
            self.drawn.append(Drawn(entry.at, about, entry.slot))
        if entry.what in _TAKES_A_NUMBER_IN:
            self.seals[about] = entry.seal_sha256
        match entry.what.split():
            case ["text", number, "disclosed"]:
                self.claimed.setdefault((about, int(number)), []).append(entry.at)
            case ["text", number, "released"]:
                self.released[about, int(number)] += 1
            case ["identifiers", "erased"]:
                self.seals[about] = None
            case ["trial", "data", "erased"]:
                self.removed.add(about)


def enrolment_of(partition: str) -> UUID | None:
    """The enrolment whose partition this is, if it is one's."""
    try:
        return UUID(partition.partition("#")[2])
    except ValueError:
        return None
