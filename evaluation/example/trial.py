"""
Simulates a made-up year of the trial in memory, and writes its research extract.

People, missing numbers, texts and outcomes are drawn from a seed, with a known true effect: see
`EFFECT`. The trial's own code decides about orders, from eligibility and allocation (by a key made
from the seed) to the extract's rows. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import hmac
import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from heapq import heapify, heappop
from itertools import groupby
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from rich.progress import track

from commands.audit.registration import Registration, deposited, fields, message
from evaluation.example.life import EFFECT, live, sent
from evaluation.example.orders import FIRST_DAY, MadeUp, year
from evaluation.example.simulate_trial import people_wanted, sequence
from extract.cells import cell
from extract.codes import Form
from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
from extract.package import DESCRIPTOR, write
from extract.people import Allocated, People, Reported
from extract.pseudonyms import Pseudonyms
from extract.rows import File, rows
from trial.codes import Arm, Status
from trial.planning import planned_reminders
from trial.protocol import load as protocols
from trial.records.allocation import Allocation
from trial.records.person import Person
from trial.settlement.standing import Surroundings, with_derived_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment, LifeEvent

FORCES: Final = ("durham", "cumbria", "cleveland", "northumbria", "lancashire", "humberside")
_TO_ALLOCATE: Final = timedelta(seconds=3)


def extracted_at(protocol: Protocol) -> datetime:
    """The night after the lock date, when results may be shown."""
    day = protocol.analysis.lock_date + timedelta(days=1)
    return datetime.combine(day, time(3), UTC)


class Trial:
    """One force's trial: its people so far, and the next slots of its sequence."""

    def __init__(self, protocol: Protocol, key: bytes) -> None:
        self._protocol = protocol
        self._slots = {each.id: _slots(protocol, key, each.id) for each in protocol.strata}
        self._people: dict[str, Person] = {}
        self._arms: dict[str, Arm] = {}

    def enrolled(self, order: MadeUp, at: datetime, known: File | None) -> File:
        """An order's status by what is known at that moment; it is drawn if it is eligible."""
        fresh = order.at(at)
        if known:
            kept = {"first_status", "first_reasons", "allocated_at", "stratum"}
            fresh = fresh.model_copy(update={each: getattr(known.enrolment, each) for each in kept})
        stands = self._settled(fresh, at)
        if known is None:
            first = {"first_status": stands.status, "first_reasons": stands.reasons}
            stands = stands.model_copy(update=first)
        if stands.status is Status.ELIGIBLE:
            return self._drawn(stands, at)
        return File(stands, known.allocation if known else None)

    def _settled(self, enrolment: Enrolment, at: datetime) -> Enrolment:
        """Its status, given the other orders of its person."""
        person = self._people.get(enrolment.person_hash, Person())
        around = Surroundings(enrolment, person, numbers={}, suppressed=frozenset())
        found = with_derived_status(
            enrolment, around, protocol=self._protocol, today=self._protocol.place.date_at(at)
        )
        after = found.person.model_copy(update={"version": person.version + 1})
        self._people[enrolment.person_hash] = after
        return found.enrolment

    def _drawn(self, enrolment: Enrolment, at: datetime) -> File:
        """A person keeps the arm of their first order, without a slot."""
        who, stratum = enrolment.person_hash, enrolment.stratum or ""
        repeat, block, position = who in self._arms, None, None
        if not repeat:
            block, position, self._arms[who] = next(self._slots[stratum])
        drawn_at = at + _TO_ALLOCATE
        allocation = Allocation(
            enrolment_id=enrolment.enrolment_id,
            arm=self._arms[who],
            stratum=stratum,
            block=block,
            position=position,
            allocated_at=drawn_at,
            protocol=self._protocol.version,
            protocol_sha256=self._protocol.sha256,
            repeat=repeat,
        )
        drawn = enrolment.model_copy(update={"allocated_at": drawn_at})
        return File(self._settled(drawn, drawn_at), allocation)


def _slots(protocol: Protocol, key: bytes, stratum: str) -> Iterator[tuple[int, int, Arm]]:
    for block, arms in enumerate(sequence(protocol, key, stratum)):
        for position, arm in enumerate(arms):
            yield block, position, arm


def files(people: int, seed: int, protocol: Protocol, *, force: str = FORCES[0]) -> list[File]:
    """A year of a force's orders: enrolled, drawn, texted and followed."""
    draw = Random(f"{seed} {force}")  # noqa: S311  nobody is to be protected: all are made up
    trial = Trial(protocol, _key(force, seed))
    orders = {each.enrolled.enrolment_id: each for each in year(people, force, protocol, draw)}
    coming = [(at, ident) for ident, each in orders.items() for at in each.moments]
    heapify(coming)
    known: dict[UUID, File] = {}
    while coming:
        at, ident = heappop(coming)
        known[ident] = trial.enrolled(orders[ident], at, known.get(ident))
    until = extracted_at(protocol)
    texted = (_texted(file, orders[ident].end, until, draw) for ident, file in known.items())
    in_time = sorted(texted, key=lambda each: each.enrolment.enrolled_at)
    return [
        file
        for _, theirs in groupby(sorted(in_time, key=_person), key=_person)
        for file in live(list(theirs), protocol, until=until, draw=draw)
    ]


def _person(file: File) -> str:
    return file.enrolment.person_hash


def _texted(file: File, end: LifeEvent | None, until: datetime, draw: Random) -> File:
    """The order with its texts, if it was allocated."""
    if file.allocation is None:
        return file
    start = file.allocation.allocated_at
    plan = planned_reminders(file.enrolment, file.allocation, start=start)
    return replace(file, reminders=sent(plan, end.at if end else None, until, draw))


def made(
    folder: Path, protocol: Protocol, *, people: int, seed: int, force: str = FORCES[0]
) -> Counter[str]:
    """Write both forms of a force's extract; returns how many are in each arm, or in none."""
    at = extracted_at(protocol)
    found = files(people, seed, protocol, force=force)
    names = Pseudonyms(sha256(f"pseudonyms {seed} {force}".encode()).digest())
    staged = [
        each
        for file in found
        for each in rows(file, protocol=protocol, names=names, extracted_at=at)
    ]
    people_ = People(each for each in staged if isinstance(each, Allocated | Reported))
    rows_ = list(people_.completed(each for each in staged if isinstance(each, Row)))
    write(
        folder,
        rows_,
        protocol=protocols.path_of(protocol.version),
        extracted_at=at,
        counts=Counter(cell(row) for row in rows_ if isinstance(row, EnrolmentRow)),
        labels=names.labels,
    )
    (folder / "registration.json").write_bytes(_registered(protocol, force, seed))
    for form in Form:
        path = folder / form / DESCRIPTOR
        path.write_text(json.dumps(json.loads(path.read_text()) | {"made_up": True}, indent=2))
    return Counter(file.allocation.arm if file.allocation else "not randomised" for file in found)


def _registered(protocol: Protocol, force: str, seed: int) -> bytes:
    """The deposit that `make register` would have written a month before the first order."""
    planned = protocol.analysis.recruitment
    day = (planned.first_day if planned else FIRST_DAY) - timedelta(days=30)
    deposit = Registration(
        trial=protocol.trial,
        protocol=protocol.version,
        protocol_sha256=protocol.sha256,
        registered_at=datetime.combine(day, time(12), UTC),
        commitment=hmac.new(_key(force, seed), message(protocol.trial), sha256).hexdigest(),
        commitment_message=message(protocol.trial).decode(),
        fields=fields(protocol),
    )
    return deposited(deposit, b"")["registration.json"]


def _key(force: str, seed: int) -> bytes:
    """Replaces the key in KMS."""
    return sha256(f"example trial {seed} {force}".encode()).digest()


def main(arguments: Sequence[str] | None = None) -> None:
    """Make up the extracts, and print the true effect."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.example.trial",
        description="Make up a year of the trial, with a known effect, and write its extracts.",
    )
    add = parser.add_argument
    # fmt: off
    add("-n", dest="people", metavar="PEOPLE", type=people_wanted, default=1000,
        help="how many people have an order that year, in all forces (default: %(default)s)")
    add("--forces", metavar="FORCES", type=int, choices=range(1, len(FORCES) + 1), default=1,
        help="how many forces share the trial, each with an extract (default: %(default)s)")
    versions = protocols.versions()
    add("--protocol", choices=versions, default=versions[-1],
        help="version of the protocol (default: %(default)s)")
    add("--seed", type=int, default=1,
        help="another number is another year; the same one, the same (default: %(default)s)")
    add("-o", dest="folder", metavar="FOLDER", type=Path, default=Path("build/example-trial"),
        help="where FORCE/blinded/ and FORCE/unblinded/ go (default: %(default)s)")
    # fmt: on
    wanted = parser.parse_args(arguments)
    shutil.rmtree(wanted.folder, ignore_errors=True)
    counts: Counter[str] = Counter()
    protocol = protocols.load(wanted.protocol)
    for force in track(FORCES[: wanted.forces], "Living", transient=True):
        people = wanted.people // wanted.forces
        counts += made(
            wanted.folder / force, protocol, people=people, seed=wanted.seed, force=force
        )
    print(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    print(f"True effect: breaches and arrests come at {EFFECT:g} times the rate without texts.")
    for force in FORCES[: wanted.forces]:
        print(f"Extract: {wanted.folder}/{force}/unblinded and {wanted.folder}/{force}/blinded")


if __name__ == "__main__":
    main()
