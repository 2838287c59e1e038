"""An order's whole life, invocation by invocation, from its request to its last receipt."""

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import time_machine

from tests.proofs.bench import units
from tests.proofs.bench.meter import MeteredFunctions, Work
from tests.proofs.simulation.cloud import FAMILIES, when
from tests.proofs.simulation.conditions import Item
from tests.proofs.simulation.services import logged as receipt_of
from tests.support.samples import MORNING, order, sample
from tests.support.steps import stream
from trial.codes import Arm

SHORT, LONG = 14, 28  # days
PREPARATION = ("enrolment", "allocation", "hand over", "announce", "scheduling")
ACTS = (*PREPARATION, "sending", "receipts")


@dataclass
class MeteredOrder:
    """One treated order: what its invocations took; bytes and audit entries that it leaves."""

    enrolment_id: UUID
    works: dict[str, list[Work]] = field(default_factory=dict)
    stored: int = 0
    audited: int = 0

    @property
    def all_works(self) -> list[Work]:
        return [work for works in self.works.values() for work in works]


def life(days: int) -> MeteredOrder:
    """The first order of that length that is drawn to intervention, lived to its end."""
    with time_machine.travel(MORNING, tick=False) as clock:
        deployment = MeteredFunctions()
        with deployment.lived_in():
            found = next(
                each
                for serial in count(1)
                if (each := begun(deployment, serial, days))
                and each.works["scheduling"][0].calls
                and treated(deployment, each)
            )
            for name, schedule in sorted(deployment.memory.scheduler.schedules.items()):
                if found.enrolment_id.hex in name:
                    clock.move_to(when(schedule))
                    fired(deployment, found, schedule)
            items = left_by(deployment, found)
            found.stored = sum(map(units.stored, items))
            found.audited = sum(item["kind"] == {"S": "audit"} for item in items)
    return found


def begun(deployment: MeteredFunctions, serial: int, days: int = SHORT) -> MeteredOrder:
    """An order from its request to its schedules."""
    work = deployment.invoke("enrolment", request(serial, days))
    assert work.answer["statusCode"] == 202, work.answer["body"]
    found = MeteredOrder(
        UUID(json.loads(work.answer["body"])["enrolment_id"]), {"enrolment": [work]}
    )
    memory = deployment.memory
    for act in ("allocation", "hand over"):
        found.works[act] = [_brought(deployment, memory.stream.popleft())]
    changes = memory.changes_of(found.enrolment_id)
    found.works["announce"] = [_brought(deployment, each.record) for each in changes]
    found.works["scheduling"] = [deployment.invoke("scheduling", memory.handed_over.popleft())]
    memory.stream.clear()
    return found


def _brought(deployment: MeteredFunctions, record: dict[str, Any]) -> Work:
    """
    A record of the stream, in an invocation of its own.

    An enrolment and its history have different partition keys, so that they are in different
    shards as a rule: a new table has four partitions, each with a shard, and one invocation's
    records are from one shard.
    """
    work = deployment.invoke("allocation", stream(record))
    assert work.answer == {"batchItemFailures": []}
    return work


def treated(deployment: MeteredFunctions, found: MeteredOrder) -> bool:
    """Whether it was drawn to intervention."""
    arm = deployment.memory.file(found.enrolment_id).allocation
    return arm is not None and arm.arm is Arm.INTERVENTION


def fired(deployment: MeteredFunctions, found: MeteredOrder, schedule: dict[str, Any]) -> None:
    """One reminder sent, and its receipt."""
    work = deployment.invoke("sending", json.loads(schedule["Target"]["Input"]))
    assert work.answer == {"outcome": "sent"}
    found.works.setdefault("sending", []).append(work)
    text = deployment.memory.texts[-1]
    message = f"text-{len(deployment.memory.texts)}"
    event = receipt_of(message, text["PhoneNumber"], when(schedule), words=None)
    found.works.setdefault("receipts", []).append(deployment.invoke("receipts", event))


def request(serial: int, days: int = SHORT, *, made_on: datetime = MORNING) -> dict[str, Any]:
    """What API Gateway hands over of a request to enrol."""
    first = made_on.date()
    last: date = first + timedelta(days=days - 1)
    dates = {"made_on": f"{first}", "served_on": f"{first}", "expires_on": f"{last}"}
    return sample("api-enrol") | {"body": json.dumps(order(serial, order=dates))}


def left_by(deployment: MeteredFunctions, found: MeteredOrder) -> list[Item]:
    """All that an order leaves in the table, with what is beside its own partition."""
    enrolment = deployment.memory.file(found.enrolment_id).enrolment
    own = {
        *(f"{family}#{found.enrolment_id}" for family in FAMILIES),
        f"person#{enrolment.person_hash}",
        f"number#{enrolment.mobile.number_hash}",
        f"texted#{enrolment.person_hash}",
        *(f"message#text-{number}" for number in range(1, len(deployment.memory.texts) + 1)),
    }
    items = deployment.memory.dynamo.items()
    return [item for item in items if item["pk"]["S"] in own]
