"""Collects what a trial's table, or an export of it, holds about allocation: nothing personal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it

from trial.aws.table import Key
from trial.codes import Model
from trial.records.allocation import Allocation, Cursor, allocation_key
from trial.records.enrolment import enrolment_key
from trial.rehearsal import is_rehearsal, rehearsal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trial.protocol.settings import Protocol

_ENROLLED = (
    *("enrolment_id", "trial", "person_hash", "allocated_at", "dates_changed_at"),
    *("stratum", "strata"),
)
KINDS = ("allocation", "cursor", "enrolment", "message", "reminder")
"""The kinds of item that concern allocation."""

READ = {"pk", "sk", "kind", *_ENROLLED, *Allocation.model_fields, *Cursor.model_fields}
"""The attributes that concern it, apart from an order's type and dates."""


class EnrolmentEvidence(Model):
    """The parts of an enrolment that concern its allocation, and nothing that identifies it."""

    enrolment_id: UUID
    trial: str
    person_hash: str
    order_type: str = "dvpo"
    days: int | None
    allocated_at: AwareDatetime | None = None
    dates_changed_at: AwareDatetime | None = None
    varied: tuple[tuple[AwareDatetime, int | None], ...] = ()
    """When each variation was reported, and the length in days until then."""
    stratum: str | None = None
    strata: tuple[str, ...] = ()

    @property
    def as_drawn(self) -> bool:
        """Whether no correction has changed the dates that determined its stratum."""
        return self.dates_changed_at is None and not self.strata

    @property
    def lengths(self) -> set[int | None]:
        """Its lengths in days until it was drawn: a variation since then changes no stratum."""
        days = [*(until_then for _, until_then in self.varied), self.days]
        since = sum(at > self.allocated_at for at, _ in self.varied) if self.allocated_at else 0
        return set(days[: len(days) - since])


class Sequence(NamedTuple):
    """One stratum of one trial, with its own sequence of slots."""

    trial: str
    stratum: str

    def __str__(self) -> str:
        return f"{self.trial}, stratum {self.stratum}"


@dataclass
class Evidence:
    """Everything that the table holds about allocation."""

    allocations: list[Allocation] = field(default_factory=list)
    enrolments: list[EnrolmentEvidence] = field(default_factory=list)
    cursors: dict[Sequence, Cursor] = field(default_factory=dict)
    reminded: set[UUID] = field(default_factory=set)
    planned: set[tuple[UUID, str]] = field(default_factory=set)
    """The orders with reminders, each with the hash of every protocol that its reminders name."""
    unreadable: list[str] = field(default_factory=list)

    def add(self, item: Mapping[str, Any]) -> None:
        """Add what an item says about allocation, or record that it is unreadable."""
        try:
            self._add(item)
        except (KeyError, TypeError, ValueError):
            self.unreadable.append(f"item {item.get('pk')}, {item.get('sk')}")

    def _add(self, item: Mapping[str, Any]) -> None:
        key = Key(item["pk"], item["sk"])
        match item["kind"]:
            case "allocation":
                allocation = Allocation.of(_only(Allocation.model_fields, item))
                if key != allocation_key(allocation.enrolment_id):
                    raise ValueError("under another enrolment's key")
                self.allocations.append(allocation)
            case "enrolment":
                kind = {"order_type": item["order"]["type"]} if "type" in item["order"] else {}
                enrolled = EnrolmentEvidence(
                    days=_days(item["order"]),
                    varied=tuple(
                        (each["at"], _days(item["order"], each.get("until_then", {})))
                        for each in item.get("variations", ())
                    ),
                    **kind,
                    **_only(_ENROLLED, item),
                )
                if key != enrolment_key(enrolled.enrolment_id):
                    raise ValueError("under another enrolment's key")
                self.enrolments.append(enrolled)
            case "cursor":
                _, trial, stratum = key.pk.split("#")
                self.cursors[Sequence(trial, stratum)] = Cursor.of(_only(Cursor.model_fields, item))
            case "reminder" | "message":
                about = UUID(item["enrolment_id"])
                self.reminded.add(about)
                if item["kind"] == "reminder":
                    self.planned.add((about, item["protocol_sha256"]))


def _days(order: Mapping[str, Any], until_then: Mapping[str, Any] | None = None) -> int | None:
    """An order's length, or what it was until a variation, which never changes its first day."""
    made_on = date.fromisoformat(order["made_on"])
    last_day = (order if until_then is None else until_then).get("expires_on")
    return (date.fromisoformat(last_day) - made_on).days + 1 if last_day else None


def _only(names: Iterable[str], item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


Block: TypeAlias = dict[int, list[Allocation]]
"""The allocations at each position; there should be exactly one at each."""


def blocks_of(
    evidence: Evidence, protocols: Mapping[str, Protocol]
) -> dict[Sequence, dict[int, Block]]:
    """The blocks of each sequence as filled, from allocations with a slot and a known protocol."""
    rehearsed = {each.enrolment_id for each in evidence.enrolments if is_rehearsal(each.trial)}
    found: dict[Sequence, dict[int, Block]] = {}
    for each in evidence.allocations:
        protocol = protocols.get(each.protocol_sha256)
        if protocol and each.block is not None and each.position is not None:
            rehearsal = each.enrolment_id in rehearsed
            trial = rehearsal_of(protocol.trial) if rehearsal else protocol.trial
            blocks = found.setdefault(Sequence(trial, each.stratum), {})
            blocks.setdefault(each.block, {}).setdefault(each.position, []).append(each)
    return found
