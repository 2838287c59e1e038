"""The simulator's AWS is realistic: the same requests get the same answers from moto."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tests.proofs.simulation.cloud import Dynamo, Scheduler
from tests.proofs.simulation.conversion import typed, untyped
from tests.support.samples import MORNING
from tests.support.table import everything
from trial.aws import clients
from trial.aws.table import (
    ABSENT,
    Act,
    Check,
    ConditionFailedError,
    Key,
    Table,
    check,
    count,
    delete,
    put,
    update,
)
from trial.errors import RejectedError
from trial.records.reminder import SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proofs.simulation.conditions import Item

PARTITIONS = [f"allocation#00000000-0000-0000-0000-00000000000{each}" for each in range(3)]
KEYS = [Key(pk, sk) for pk in PARTITIONS for sk in ("allocation", "reminder#01", "reminder#02")]
CONDITIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (ABSENT, {}),
    ("attribute_not_exists(#paused) OR #paused = :off", {"off": False}),
    ("#state = :state AND #version = :seen", {"state": "planned", "seen": 1}),
    ("#state IN (:planned, :scheduled) AND #due_at = :due_at",
     {"planned": "planned", "scheduled": "scheduled", "due_at": "2026-12-01"}),
    ("attribute_not_exists(#state) AND attribute_not_exists(#paused) OR #version = :seen",
     {"seen": 2}),
    ("#version < :seen", {"seen": 2}),
    ("#due_at >= :since", {"since": "2026-12-02"}),
)  # fmt: skip
CALLS = 150


def straight(_: str, perform: Callable[[], dict[str, Any]], *_about: object) -> dict[str, Any]:
    return perform()


def some_act(rng: Random, key: Key) -> Act:
    text, values = rng.choice(CONDITIONS)
    condition = Check(f"{key.sk} {text}", text, values)
    match rng.choice(("put", "put", "put", "update", "update", "count", "check", "delete")):
        case "put":
            return put(key, some_attributes(rng), rng.choice((condition, None)))
        case "update":
            attributes = some_attributes(rng)
            gone = sorted({"state", "paused", "open_shard"} - attributes.keys())
            return update(key, condition=condition, remove=gone, **attributes)
        case "count":
            return count(key, "texts", rng.choice((1, -1)), rng.choice((condition, None)))
        case "check":
            return check(key, condition)
    return delete(key, rng.choice((condition, None)))


def some_attributes(rng: Random) -> dict[str, Any]:
    attributes = {
        "state": rng.choice(("planned", "scheduled", "claimed")),
        "version": rng.randint(1, 2),
        "paused": rng.choice((True, False)),
        "due_at": rng.choice(("2026-12-01", "2026-12-02")),
        "open_shard": rng.choice(SHARDS[:2]),
        "life": [{"reason": "quashed"}, 1],
    }
    return {name: attributes[name] for name in rng.sample(sorted(attributes), rng.randint(1, 6))}


def outcome(table: Table, acts: list[Act]) -> frozenset[str] | str:
    """What a caller learns of its transaction."""
    try:
        table.write(*acts)
    except ConditionFailedError as refusal:
        return refusal.failed
    except RejectedError as error:
        return str(error)
    return "done"


@pytest.mark.usefixtures("cloud")
def test_random_transactions_end_as_in_moto_and_leave_the_same_items() -> None:
    rng = Random(2027)  # noqa: S311 - to be repeated
    fake = Dynamo(straight, lambda _: None)
    ours, theirs = Table(fake, "trial"), Table(clients.dynamodb(), "trial")  # type: ignore[arg-type]
    outcomes = []
    for _ in range(CALLS):
        keys = rng.sample(KEYS, rng.randint(1, 3))
        acts = [some_act(rng, key) for key in keys]
        outcomes.append(outcome(ours, acts))
        assert outcomes[-1] == outcome(theirs, acts), acts
        asked = rng.sample(KEYS, 4)
        assert ours.read(*asked) == theirs.read(*asked)
    assert outcomes.count("done") > CALLS / 10
    assert len(set(outcomes)) > len(CONDITIONS)
    for pk in PARTITIONS:
        assert ours.partition(pk) == theirs.partition(pk)
        assert ours.newest(pk, 2) == theirs.newest(pk, 2)
        assert ours.partition(pk, "reminder#") == theirs.partition(pk, "reminder#")
    for shard in SHARDS[:2]:
        for until in ("2026-12-01", "2026-12-02"):
            due = list(ours.by_due(shard, until=until))
            assert sorted(due) == sorted(theirs.by_due(shard, until=until))
    assert len(list(fake.items())) == len(everything())


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("wrong", ["the same item twice", "more than a hundred acts"])
def test_a_transaction_that_dynamodb_refuses_is_refused(wrong: str) -> None:
    serials = [1, 1] if "twice" in wrong else range(101)
    acts = [put(Key(PARTITIONS[0], f"{each}"), {}) for each in serials]
    for client in (Dynamo(straight, lambda _: None), clients.dynamodb()):
        refused = outcome(Table(client, "trial"), acts)  # type: ignore[arg-type]
        assert refused == "the table refused it: ValidationException"


def test_only_changes_are_announced() -> None:
    told: list[list[tuple[Item | None, Item | None]]] = []
    table = Table(Dynamo(straight, told.append), "trial")  # type: ignore[arg-type]
    table.write(put(KEYS[0], {"version": 1}))
    table.write(put(KEYS[0], {"version": 1}), put(KEYS[1], {"version": 1}))
    table.write(delete(KEYS[0]))
    assert [[(bool(old), bool(new)) for old, new in each] for each in told] == [
        [(False, True)],
        [(False, True)],
        [(True, False)],
    ]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a",
        True,
        None,
        0,
        -7,
        Decimal("1.50"),
        b"\x00",
        {1, 2},
        ["a", [True, None]],
        {"a": {"b": [1]}},
    ],
)
def test_the_quick_conversion_of_values_is_that_of_boto3(value: object) -> None:
    wired = TypeSerializer().serialize(value)
    plain = TypeDeserializer().deserialize(wired)
    assert typed(value) == wired
    assert repr(untyped(wired)) == repr(plain)


def test_values_that_boto3_refuses_to_convert_are_refused() -> None:
    with pytest.raises(TypeError, match="Float"):
        typed({"a": [0.5]})


def test_short_pages_lose_nothing() -> None:
    rng = Random(1)  # noqa: S311
    short = Dynamo(straight, lambda _: None, lambda: rng.random() < 0.5)
    table = Table(short, "trial")  # type: ignore[arg-type]
    keys = [Key(PARTITIONS[0], f"reminder#{each:02}") for each in range(13)]
    table.write(*(put(key, {"open_shard": SHARDS[0], "due_at": "2026"}) for key in keys))
    assert None not in table.read(*keys)
    assert list(table.by_due(SHARDS[0], until="2027")) == keys


@pytest.mark.usefixtures("cloud")
def test_schedules_conflict_and_vanish_as_in_moto() -> None:
    created = []
    fake = Scheduler(straight, lambda name, at: created.append((name, at)))
    request = {
        "Name": "dvpo-1",
        "GroupName": "reminders",
        "ScheduleExpression": f"at({MORNING + timedelta(hours=1):%Y-%m-%dT%H:%M:%S})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {"Arn": "arn:aws:sqs:eu-west-2:1:q", "RoleArn": "arn:aws:iam::1:role/fire"},
    }
    place = {"Name": "dvpo-1", "GroupName": "reminders"}

    def story(client: Any) -> list[str]:
        codes = []
        for call, given in (
            (client.delete_schedule, place),
            (client.create_schedule, request),
            (client.create_schedule, request),
            (client.get_schedule, place),
            (client.delete_schedule, place),
            (client.get_schedule, place),
        ):
            codes.append("done")
            with suppress(ClientError):
                call(**given)
                continue
            codes[-1] = "refused"
        return codes

    assert story(fake) == story(clients.scheduler())
    assert created == [("dvpo-1", MORNING + timedelta(hours=1))]
