"""On the running stack a role reaches only its own families of partitions."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from commands.deployed_stack import LocalStack
from local.emulator.clock import settle
from tests.emulator.conftest import System

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("shared")]

REFUSED, DONE = "AccessDeniedException", "done"


@pytest.fixture(scope="module")
def stack(shared_stack: LocalStack) -> LocalStack:
    return shared_stack


@pytest.fixture(scope="module")
def enrolled(system: System) -> str:
    """An allocated enrolment that upstream has looked at."""
    ident = system.enrol(1)
    assert system.call("GET", f"/enrolments/{ident}").status == 200
    settle(system.stack.port)
    return ident


@pytest.fixture(scope="module")
def act(system: System) -> Callable[..., str]:
    """Calls the table with the rights of the enrolment function; returns the result."""
    key = system.somebody("enrolment")
    with system.at_its_time():
        iam = system.client("iam")
        listed = system.client("lambda").list_functions()["Functions"]
        (function,) = (each for each in listed if each["Handler"].startswith("enrolment."))
        role = function["Role"].rpartition("/")[2]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            given = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            iam.put_user_policy(
                UserName="enrolment", PolicyName=name, PolicyDocument=json.dumps(given)
            )

    def called(operation: str, **request: Any) -> str:
        with system.at_its_time():
            try:
                getattr(system.client("dynamodb", key), operation)(**request)
            except ClientError as error:
                return error.response["Error"]["Code"]
        return DONE

    return called


def read(act: Callable[..., str], table: str, *partitions: str) -> str:
    keys = [{"pk": {"S": pk}, "sk": {"S": pk.partition("#")[0]}} for pk in partitions]
    return act("batch_get_item", RequestItems={table: {"Keys": keys, "ConsistentRead": True}})


def asked(act: Callable[..., str], table: str, partition: str) -> str:
    return act(
        "query",
        TableName=table,
        KeyConditionExpression="#pk = :pk",
        ExpressionAttributeNames={"#pk": "pk"},
        ExpressionAttributeValues={":pk": {"S": partition}},
    )


def written(act: Callable[..., str], table: str, kind: str, *partitions: str) -> str:
    acts = []
    for pk in partitions:
        key = {"pk": {"S": pk}, "sk": {"S": "made up"}}
        what = {"Item": key} if kind == "Put" else {"Key": key}
        acts.append({kind: {"TableName": table, **what}})
    return act("transact_write_items", TransactItems=acts)


def test_enrolment_reads_an_enrolment_and_never_its_allocation(
    system: System, act: Callable[..., str], enrolled: str
) -> None:
    table = system.stack.outputs["TableName"]
    assert read(act, table, f"enrolment#{enrolled}") == DONE
    assert asked(act, table, f"history#{enrolled}") == DONE
    for partition in (f"allocation#{enrolled}", f"audit#{enrolled}", "texts#2026-12-01"):
        assert read(act, table, partition) == REFUSED
        assert read(act, table, f"enrolment#{enrolled}", partition) == REFUSED
        assert asked(act, table, partition) == REFUSED
    assert act("scan", TableName=table) == REFUSED
    assert asked(act, table, f"enrolment#{enrolled}") == REFUSED


def test_each_part_of_a_transaction_needs_its_own_right(
    system: System, act: Callable[..., str], enrolled: str
) -> None:
    table = system.stack.outputs["TableName"]
    assert written(act, table, "Put", f"history#{enrolled}", f"audit#{enrolled}") == DONE
    assert written(act, table, "Put", f"history#{enrolled}", f"allocation#{enrolled}") == REFUSED
    for partition in (f"history#{enrolled}", f"audit#{enrolled}"):
        assert written(act, table, "Delete", partition) == REFUSED
