"""The table against DynamoDB in memory; botocore's hooks add the faults that it lacks."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.support.faults import counting, hooked, meddling, raising, refusal
from tests.support.samples import TABLE
from tests.support.table import everything
from trial.aws import clients
from trial.aws.table import (
    ABSENT,
    Check,
    ConditionFailedError,
    Key,
    Table,
    check,
    delete,
    put,
    update,
)
from trial.errors import ContendedError, RejectedError, UnavailableError

HERE, THERE, NOWHERE = Key("a", "1"), Key("a", "2"), Key("b", "1")
IS_ONE = Check("it is one", "#size = :one", {"one": 1})
IS_TWO = Check("it is two", "#size = :two", {"two": 2})
IS_NEW = Check("it is new", ABSENT)

WRITE = "dynamodb.TransactWriteItems"
READ = "dynamodb.BatchGetItem"


@pytest.fixture
def table(cloud: dict[str, str]) -> Table:
    made = Table(clients.dynamodb(), cloud["TABLE_NAME"])
    made.write(put(HERE, {"size": 1}), put(THERE, {"size": 2, "name": "two"}))
    return made


# Reading


def test_items_come_in_the_order_of_their_keys_and_missing_ones_are_none(table: Table) -> None:
    two = {"size": 2, "name": "two"}
    assert table.read(THERE, NOWHERE, HERE, THERE) == [two, None, {"size": 1}, two]


def test_more_keys_than_fit_in_a_batch_are_read_in_several_batches(table: Table) -> None:
    keys = [Key("many", f"{n:03}") for n in range(205)]
    for first in range(0, len(keys), 100):
        table.write(*(put(key, {"n": key.sk}) for key in keys[first : first + 100]))
    with counting(clients.dynamodb(), READ) as batches:
        assert table.read(*keys) == [{"n": key.sk} for key in keys]
    assert [len(each["RequestItems"][TABLE]["Keys"]) for each in batches] == [100, 100, 5]


def test_a_partition_is_read_in_the_order_of_sort_keys_across_pages(table: Table) -> None:
    keys = [Key("p", f"{n:02}") for n in range(7)]
    table.write(*(put(key, {"n": key.sk}) for key in reversed(keys)))

    def one_page_holds_two(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 2

    with (
        hooked(clients.dynamodb(), "provide-client-params.dynamodb.Query", one_page_holds_two),
        counting(clients.dynamodb(), "dynamodb.Query") as pages,
    ):
        found = table.partition("p")
    assert list(found.items()) == [(key.sk, {"n": key.sk}) for key in keys]
    assert len(pages) == 4


def test_a_prefix_limits_what_is_read_of_a_partition(table: Table) -> None:
    table.write(put(Key("p", "A#1"), {}), put(Key("p", "B#1"), {}), put(Key("p", "A#2"), {}))
    assert list(table.partition("p", "A#")) == ["A#1", "A#2"]


def test_every_read_is_strongly_consistent(table: Table) -> None:
    with (
        counting(clients.dynamodb(), READ) as batches,
        counting(clients.dynamodb(), "dynamodb.Query") as queries,
    ):
        table.read(HERE)
        table.partition("a")
    assert batches[0]["RequestItems"][TABLE]["ConsistentRead"]
    assert queries[0]["ConsistentRead"]


def leaving_out(key: Key, answer: dict[str, Any]) -> None:
    """As DynamoDB does when it is busy."""
    here = {"pk": {"S": key.pk}, "sk": {"S": key.sk}}
    items = answer["Responses"][TABLE]
    answer["Responses"][TABLE] = [item for item in items if not here.items() <= item.items()]
    answer["UnprocessedKeys"] = {TABLE: {"Keys": [here], "ConsistentRead": True}}


@pytest.mark.parametrize("busy", [1, 4])
def test_keys_that_dynamodb_left_out_are_requested_again(table: Table, busy: int) -> None:
    left = busy

    def leave_out(parsed: dict[str, Any], **_: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            leaving_out(HERE, parsed)

    with (
        hooked(clients.dynamodb(), f"after-call.{READ}", leave_out),
        counting(clients.dynamodb(), READ) as reads,
    ):
        assert table.read(HERE, THERE) == [{"size": 1}, {"size": 2, "name": "two"}]
    assert [len(read["RequestItems"][TABLE]["Keys"]) for read in reads] == [2, *[1] * busy]


def test_keys_that_stay_left_out_are_an_error(table: Table) -> None:
    def leave_out(parsed: dict[str, Any], **_: Any) -> None:
        leaving_out(HERE, parsed)

    with (
        hooked(clients.dynamodb(), f"after-call.{READ}", leave_out),
        pytest.raises(UnavailableError, match="every key"),
    ):
        table.read(HERE)


# Writing


def test_an_attribute_that_is_none_is_not_stored(table: Table) -> None:
    table.write(put(NOWHERE, {"size": None, "name": "b"}))
    assert everything()[NOWHERE] == {"name": "b"}


def test_an_update_sets_and_removes_and_leaves_the_rest(table: Table) -> None:
    table.write(update(THERE, condition=IS_TWO, remove=["name"], state="done"))
    assert everything()[THERE] == {"size": 2, "state": "done"}


def test_attributes_may_be_reserved_words(table: Table) -> None:
    condition = Check("as seen", "#size = :size", {"size": 2})
    table.write(update(THERE, condition=condition, status="x", position=1, block=2))
    assert everything()[THERE]["status"] == "x"


def test_an_empty_write_makes_no_request(table: Table) -> None:
    with counting(clients.dynamodb(), WRITE) as writes:
        table.write()
    assert writes == []


def test_a_transaction_performs_all_its_acts(table: Table) -> None:
    table.write(put(NOWHERE, {"size": 3}, IS_NEW), delete(HERE, IS_ONE), check(THERE, IS_TWO))
    assert everything() == {NOWHERE: {"size": 3}, THERE: {"size": 2, "name": "two"}}


def test_a_refused_transaction_does_nothing_and_names_the_failed_conditions(table: Table) -> None:
    before = everything()
    acts = [
        put(NOWHERE, {"size": 3}),
        put(HERE, {"size": 9}, IS_NEW),
        check(THERE, IS_ONE),
        put(Key("c", "1"), {}, Check("this one holds", ABSENT)),
    ]
    with pytest.raises(ConditionFailedError) as refused:
        table.write(*acts)
    assert refused.value.failed == {"it is new", "it is one"}
    assert everything() == before


def test_an_item_in_another_transaction_is_contended(table: Table) -> None:
    held = refusal("TransactionCanceledException")
    held.response["CancellationReasons"] = [{"Code": "None"}, {"Code": "TransactionConflict"}]
    with (
        meddling(clients.dynamodb(), f"before-call.{WRITE}", raising(held)),
        pytest.raises(ContendedError) as contended,
    ):
        table.write(put(HERE, {}), check(THERE, IS_TWO))
    assert not isinstance(contended.value, ConditionFailedError)


def test_a_transaction_cancelled_for_lack_of_capacity_may_be_retried(table: Table) -> None:
    cancelled = refusal("TransactionCanceledException")
    cancelled.response["CancellationReasons"] = [{"Code": "ThrottlingError"}]
    with (
        meddling(clients.dynamodb(), f"before-call.{WRITE}", raising(cancelled)),
        pytest.raises(UnavailableError, match="ThrottlingError"),
    ):
        table.write(put(HERE, {}))


# Faults

TRANSIENT = [
    refusal("ThrottlingException"),
    refusal("ProvisionedThroughputExceededException"),
    refusal("InternalServerError", status=500),
    refusal("TransactionInProgressException"),
    EndpointConnectionError(endpoint_url="https://dynamodb"),
    ReadTimeoutError(endpoint_url="https://dynamodb"),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
@pytest.mark.parametrize(
    ("operation", "ask"),
    [
        (READ, lambda table: table.read(HERE)),
        ("dynamodb.Query", lambda table: table.partition("a")),
        (WRITE, lambda table: table.write(put(HERE, {}))),
    ],
    ids=["read", "partition", "write"],
)
def test_temporary_errors_are_distinguished_from_lasting_ones(
    table: Table, operation: str, ask: Callable[[Table], object], error: Exception
) -> None:
    with (
        meddling(clients.dynamodb(), f"before-call.{operation}", raising(error)),
        pytest.raises(UnavailableError),
    ):
        ask(table)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_a_lasting_error_gives_its_code_and_nothing_of_the_request(table: Table, code: str) -> None:
    with (
        meddling(clients.dynamodb(), f"before-call.{WRITE}", raising(refusal(code))),
        pytest.raises(RejectedError, match=code) as raised,
    ):
        table.write(put(HERE, {}))
    assert raised.value.__suppress_context__
