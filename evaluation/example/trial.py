"""
Lives through a made-up year of the trial, in memory, and writes its research extract.

People, missing numbers, texts and outcomes are drawn from a seed; whether texts help is known,
because it is made so: see `EFFECT`. The allocation is the trial's own, with a key made from the
seed. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from evaluation.example.life import EFFECT, Event, Text, events, reminders
from evaluation.example.orders import Order, orders
from evaluation.example.rows import rows_of
from evaluation.example.simulate_trial import people_wanted, sequence
from extract.cells import cell
from extract.codes import Form, Label
from extract.columns.enrolments import EnrolmentRow
from extract.package import DESCRIPTOR, write
from trial.codes import Arm, EndReason, OutcomeType, Reason, Status
from trial.protocol import load as protocols
from trial.protocol.timetable import local_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trial.protocol.settings import Protocol

VERSION: Final = "dvpo-2026-1"
_TO_ALLOCATE: Final = timedelta(seconds=3)
EXTRACTED_AT: Final = datetime(2029, 3, 1, 3, tzinfo=UTC)


@dataclass(slots=True)
class Case:
    """One order, and what the trial made of it."""

    order: Order
    status: Status
    reasons: tuple[Reason, ...]
    first_status: Status
    first_reasons: tuple[Reason, ...]
    stratum: str
    arm: Arm | None = None
    repeat: bool = False
    block: int | None = None
    position: int | None = None
    allocated_at: datetime | None = None
    texts: list[Text] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


def cases(people: int, seed: int, protocol: Protocol) -> list[Case]:
    """A year of orders, allocated in the order in which they became eligible."""
    draw = Random(seed)  # noqa: S311  nobody is to be protected: all are made up
    entered = sorted(orders(people, draw), key=lambda order: order.enrolled_at)
    found = list(_assessed(entered, protocol))
    _allocate(found, seed, protocol)
    for case in found:
        _live(case, protocol, draw)
    return found


def _assessed(entered: Iterable[Order], protocol: Protocol) -> Iterator[Case]:
    live: dict[int, datetime] = {}
    for order in entered:
        another = live.get(order.person, order.enrolled_at) > order.enrolled_at
        first = _standing(order, order.enrolled_at, protocol, another=another)
        now = _standing(order, _ready_at(order), protocol, another=another)
        if not another:
            live[order.person] = order.over_at
        stratum = next(s.id for s in protocol.strata if s.min_days <= order.days <= s.max_days)
        yield Case(order, *now, *first, stratum)


def _ready_at(order: Order) -> datetime:
    return max(order.enrolled_at, order.found_at or order.enrolled_at)


def _standing(
    order: Order, at: datetime, protocol: Protocol, *, another: bool
) -> tuple[Status, tuple[Reason, ...]]:
    """As functions/enrolment decides it."""
    if order.end_at and order.end_at <= at:
        in_custody = order.end is EndReason.IN_CUSTODY
        return Status.ENDED, (Reason.IN_CUSTODY if in_custody else Reason.ORDER_ENDED,)
    days_left = (local_date(order.over_at) - local_date(at)).days
    applies = {
        Reason.UNDER_18: order.age == "under_18",
        Reason.NOT_SERVED: order.served_on is None,
        Reason.NO_NUMBER: order.missing is not None and (order.found_at or EXTRACTED_AT) > at,
        Reason.UNSAFE_NUMBER: order.unsafe,
        Reason.ALREADY_IN_TRIAL: another,
        Reason.TOO_LATE: 0 < days_left < protocol.eligibility.min_days_left,
        Reason.ORDER_ENDED: days_left <= 0,
    }
    first = next((reason for reason in Reason if applies.get(reason)), None)
    if first is None:
        return Status.ELIGIBLE, ()
    waits = first in (Reason.NOT_SERVED, Reason.NO_NUMBER, Reason.UNSAFE_NUMBER)
    return (Status.WAITING if waits else Status.INELIGIBLE), (first,)


def _allocate(found: list[Case], seed: int, protocol: Protocol) -> None:
    """The trial's own sequence; a person keeps the arm, as its protocol says."""
    key = sha256(f"example trial {seed}".encode()).digest()
    slots = {s.id: _slots(protocol, key, s.id) for s in protocol.strata}
    known: dict[int, Arm] = {}
    ready = [case for case in found if case.status is Status.ELIGIBLE]
    for case in sorted(ready, key=lambda case: _ready_at(case.order)):
        case.status = Status.ALLOCATED
        case.allocated_at = _ready_at(case.order) + _TO_ALLOCATE
        if case.order.person in known:
            case.arm, case.repeat = known[case.order.person], True
        else:
            case.block, case.position, case.arm = next(slots[case.stratum])
            known[case.order.person] = case.arm


def _slots(protocol: Protocol, key: bytes, stratum: str) -> Iterator[tuple[int, int, Arm]]:
    for block, arms in enumerate(sequence(protocol, key, stratum)):
        for position, arm in enumerate(arms):
            yield block, position, arm


def _live(case: Case, protocol: Protocol, draw: Random) -> None:
    order = case.order
    since = case.allocated_at or order.enrolled_at
    case.events = events(order, case.arm, since, EXTRACTED_AT, draw)
    if case.arm is Arm.INTERVENTION:
        breaches = (each for each in case.events if each.type is OutcomeType.BREACH)
        breached_at = next((each.reported_at for each in breaches if each.at > since), None)
        case.texts = reminders(order, since, breached_at, protocol=protocol, draw=draw)
    if case.allocated_at and order.end_at and order.end_at < order.over_at:
        case.status = Status.ENDED


def made(folder: Path, *, people: int, seed: int) -> Counter[str]:
    """Write both forms of the extract; how many are in each arm, or in none."""
    protocol = protocols.load(VERSION)
    found = cases(people, seed, protocol)
    rows = [rows_of(case, seed=seed, protocol=protocol, at=EXTRACTED_AT) for case in found]
    write(
        folder,
        (row for each in rows for row in each),
        protocol=protocols.path_of(VERSION),
        extracted_at=EXTRACTED_AT,
        counts=Counter(cell(row) for each in rows for row in each if isinstance(row, EnrolmentRow)),
        labels={Arm.CONTROL: Label.B, Arm.INTERVENTION: Label.A},
    )
    for form in Form:
        path = folder / form / DESCRIPTOR
        path.write_text(json.dumps(json.loads(path.read_text()) | {"made_up": True}, indent=2))
    return Counter(case.arm or "not randomised" for case in found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes what was asked for, and says what the truth is."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.example.trial",
        description="Make up a year of the trial, with a known effect, and write its extract.",
    )
    add = parser.add_argument
    # fmt: off
    add("-n", dest="people", metavar="PEOPLE", type=people_wanted, default=1000,
        help="how many people have an order that year (default: %(default)s)")
    add("--seed", type=int, default=1,
        help="another number is another year; the same one, the same (default: %(default)s)")
    add("-o", dest="folder", metavar="FOLDER", type=Path, default=Path("build/example-trial"),
        help="where blinded/ and unblinded/ go (default: %(default)s)")
    # fmt: on
    wanted = parser.parse_args(arguments)
    counts = made(wanted.folder, people=wanted.people, seed=wanted.seed)
    print(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    print(f"True effect: breaches and arrests come at {EFFECT:g} times the rate without texts.")
    print(f"Extract: {wanted.folder}/unblinded and {wanted.folder}/blinded")


if __name__ == "__main__":
    main()
