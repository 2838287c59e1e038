"""Which families of the table's partitions each role reads and writes, and which it cannot."""

from itertools import product
from typing import Any

import pytest

from tests.support.deployed import STACK, of_policy, of_role
from tests.support.policies import Statement, allows, covers, listed

TABLE = str(STACK.resolved({"Fn::GetAtt": ["Table", "Arn"]}))
READS = ("BatchGetItem", "GetItem", "Query", "Scan", "ConditionCheckItem", "PartiQLSelect")
CHANGES = ("UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate", "PartiQLDelete")
WRITES = ("PutItem", *CHANGES, "PartiQLInsert")
TELLING = (
    "allocation#1", "audit#1", "texted#1", "texts#2026-12-01", "message#1", "stray#1",
    "opted_out#1", "cursor#t#s", "proof"
)  # fmt: skip
"""A partition of each family that reveals an arm."""
TRAIL = ("audit#1", "history#1")

ROLES = STACK.of_type("AWS::IAM::Role")
CALLERS = STACK.of_type("AWS::IAM::ManagedPolicy")


def may(given: list[Statement], action: str, *partitions: str, index: str = "") -> bool:
    keys: dict[str, Any] = {"dynamodb:LeadingKeys": list(partitions)} if partitions else {}
    return allows(given, f"dynamodb:{action}", TABLE + index, keys)


@pytest.mark.parametrize("role", ["DigestRole", "EnrolmentRole", "OperationsRole", "PanelsRole"])
@pytest.mark.parametrize(("action", "partition"), [*product(READS, TELLING)])
def test_functions_for_blinded_callers_read_nothing_that_reveals_an_arm(
    role: str, action: str, partition: str
) -> None:
    given = of_role(role)
    assert not may(given, action, partition)
    assert not may(given, action, partition, "enrolment#1")
    assert not may(given, action, "enrolment#1", partition)
    for index in ("open_reminders", "retained"):  # the latter has stray receipts in it
        assert not may(given, action, index=f"/index/{index}")


def test_enrolment_reads_and_writes_what_is_blind() -> None:
    given = of_role("EnrolmentRole")
    assert may(given, "BatchGetItem", "enrolment#1", "person#1", "number#1")
    assert may(given, "Query", "history#1")
    for partition in ("enrolment#1", "person#1", "number#1", "history#1", "audit#1"):
        assert may(given, "PutItem", partition)


def test_operations_sets_the_switch_and_sending_reads_it() -> None:
    setting = {name for name in ROLES if may(of_role(name), "PutItem", "switch")}
    looking = {name for name in ROLES if any(may(of_role(name), a, "switch") for a in READS)}
    assert setting == {"OperationsRole", "PanelsRole"}
    assert looking - {"ExtractRole"} == {*setting, "SendingRole", "ReconciliationRole"}


def test_receipts_and_sending_record_opt_outs_and_only_sending_and_retention_read_them() -> None:
    doing = {
        action: {name for name in ROLES if may(of_role(name), action, "opted_out#1")}
        for action in ("PutItem", "UpdateItem", "DeleteItem", "BatchGetItem", "ConditionCheckItem")
    }
    assert doing == {
        "PutItem": {"ReceiptsRole", "SendingRole"},
        "UpdateItem": set(),
        "DeleteItem": {"RetentionRole"},
        "BatchGetItem": {"RetentionRole", "SendingRole"},
        "ConditionCheckItem": set(),
    }


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize(("action", "partition"), [*product(CHANGES, TRAIL)])
def test_no_function_changes_or_deletes_an_entry_of_the_audit_trail(
    role: str, action: str, partition: str
) -> None:
    assert not may(of_role(role), action, partition)
    assert not may(of_role(role), action)


@pytest.mark.parametrize("name", sorted(CALLERS))
@pytest.mark.parametrize("action", WRITES)
def test_people_write_to_the_table_only_to_log_what_they_read(name: str, action: str) -> None:
    given = of_policy(name)
    logs_itself = name == "AccessOfficer" and action == "PutItem"
    for partition in ("enrolment#1", "history#1", "orders#2026-12-01", "switch", *TELLING):
        expected = logs_itself and partition == "audit#1"
        assert may(given, action, partition) is expected, partition


@pytest.mark.parametrize(("action", "partition"), [*product(CHANGES, TRAIL)])
def test_the_table_s_own_policy_refuses_every_change_of_the_audit_trail(
    action: str, partition: str
) -> None:
    own = STACK.of_type("AWS::DynamoDB::Table")["Table"]["ResourcePolicy"]["PolicyDocument"]
    (statement,) = own["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Resource"] == "*"  # another pattern may match no table, or not be taken

    def refused(*partitions: str) -> bool:
        keys = {"dynamodb:LeadingKeys": list(partitions)}
        return covers(statement, f"dynamodb:{action}", TABLE, keys)

    assert refused(partition)
    assert refused("enrolment#1", partition)
    assert not refused("enrolment#1")


def test_retention_deletes_neither_switch_sequence_suppression_nor_trail() -> None:
    given = of_role("RetentionRole")
    assert may(given, "DeleteItem", "enrolment#1")
    for partition in ("switch", "cursor#t#s", "suppressed#1", *TRAIL):
        assert not may(given, "DeleteItem", partition), partition


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_request_that_names_no_partition_is_refused_to_all_but_the_extract_s_scan(
    role: str,
) -> None:
    """`ForAllValues` is true if there is nothing to compare: `Null` refuses that case."""
    allowed = {action for action in {*READS, *WRITES} if may(of_role(role), action)}
    assert allowed == ({"Scan"} if role == "ExtractRole" else set())


def test_no_text_causes_a_stream_record_for_the_reader_that_announces() -> None:
    """Otherwise the moment of another order's announcement would reveal the text."""
    families = ("enrolment#1", "history#1")
    writers = {
        role
        for role, action, family in product(ROLES, WRITES, families)
        if may(of_role(role), action, family)
    }
    assert writers == {
        "AllocationRole",
        "EnrolmentRole",
        "OperationsRole",
        "ReconciliationRole",
        "RetentionRole",
    }


def test_only_the_two_stream_readers_see_families_that_their_roles_cannot_read() -> None:
    """A stream holds every family, so its readers see all of them."""
    readers = {
        role
        for role in ROLES
        for statement in of_role(role)
        if "dynamodb:GetRecords" in listed(statement["Action"])
    }
    assert readers == {"AllocationRole", "AuditRole"}
