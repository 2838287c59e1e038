"""A hundred orders by sixteen clients at once: each is drawn once, and no slot is skipped."""

import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_lambda import LambdaClient

from commands.api import Api
from commands.audit.allocation_evidence import Evidence
from commands.audit.allocation_sources import scanned
from commands.deployed_stack import DeployedStack
from local.emulator.clock import settle
from tests.emulator.conftest import System
from tests.support.checkout import run
from tests.support.samples import LONDON, order, sample
from tests.support.table import wired
from trial.codes import Arm
from trial.protocol.local_time import local_date
from trial.records.allocation import Allocation
from trial.records.enrolment import enrolment_key

pytestmark = pytest.mark.emulator

PEOPLE, CLIENTS = 100, 16


class Rush:
    """Clients of the stack that post orders, and announce some again, out of order."""

    def __init__(self, system: System) -> None:
        self.stack = system.stack
        self.dynamodb: DynamoDBClient = system.client("dynamodb")
        self.lambdas: LambdaClient = system.client("lambda")
        ids = DeployedStack.local(system.stack).ids
        self.table, self.function = ids["Table"], ids["AllocationFunction"]

    def enrol(self, serial: int) -> UUID:
        """Post an order, and have every other one drawn in competition with the stream's draws."""
        answer = Api.local(self.stack).call(
            "POST", "/enrolments", late(serial, local_date(datetime.now(UTC), LONDON))
        )
        assert (answer.status, answer.body["status"]) == (202, "eligible")
        ident = UUID(answer.body["enrolment_id"])
        if serial % 2:
            self.draw(wired(enrolment_key(ident)))
        return ident

    def draw(self, key: dict[str, Any]) -> None:
        event = sample("stream-eligible")
        event["Records"][0]["dynamodb"] |= {
            "Keys": key,
            "NewImage": self.dynamodb.get_item(TableName=self.table, Key=key)["Item"],
        }
        drawn = self.lambdas.invoke(FunctionName=self.function, Payload=json.dumps(event))
        assert "FunctionError" not in drawn

    def allocations(self) -> list[Allocation]:
        evidence = Evidence()
        for item in scanned(self.dynamodb, self.table):
            evidence.add(item)
        return evidence.allocations


def late(serial: int, today: date) -> dict[str, Any]:
    """An order of 14 days with four of them left, so that there is little to schedule."""
    made_on, expires_on = (today + timedelta(days=days) for days in (-10, 3))
    dates = {"made_on": made_on, "served_on": made_on, "expires_on": expires_on}
    return order(serial, order={name: day.isoformat() for name, day in dates.items()})


def test_a_hundred_simultaneous_orders_are_drawn_once_each(system: System) -> None:
    with system.at_its_time():
        rush = Rush(system)
        people = {rush.enrol(0)}  # alone, for the functions to start
        with ThreadPoolExecutor(CLIENTS) as pool:
            people.update(pool.map(rush.enrol, range(1, PEOPLE)))
        settle(system.stack.port)
        allocations = rush.allocations()

    assert len(people) == PEOPLE
    assert len(allocations) == PEOPLE
    assert people == {each.enrolment_id for each in allocations}
    blocks: dict[int, dict[int, Arm]] = defaultdict(dict)
    for each in allocations:
        assert each.block is not None
        assert each.position is not None
        assert each.position not in blocks[each.block]
        blocks[each.block][each.position] = each.arm
    *full, _ = (blocks[number] for number in range(len(blocks)))
    assert all(sorted(block) == list(range(len(block))) for block in full)
    assert all(list(block.values()).count(Arm.CONTROL) * 2 == len(block) for block in full)

    home = Path(system.stack.clock_file).parents[1]  # the checkout whose stack it is
    assert f"All is well: {PEOPLE} allocations" in run(home, "commands.audit.verify_allocations")
