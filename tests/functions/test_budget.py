"""
The AWS calls, units and bytes that an order may use. A change that costs more must change a figure
here.

Times are for `make bench`; these are counts, and the same on every machine.
"""

from collections import Counter

import pytest

from tests.proofs.bench import capacity, cost, scale
from tests.proofs.bench.acts import LONG, SHORT, MeteredOrder, life

REMINDERS = {SHORT: 7, LONG: 13}
READ, ASK, WRITE = (
    f"dynamodb.{each}" for each in ("batch_get_item", "query", "transact_write_items")
)


@pytest.fixture(scope="module", params=[SHORT, LONG])
def lived(request: pytest.FixtureRequest) -> tuple[int, MeteredOrder]:
    """An order of each length, treated to its end."""
    return REMINDERS[request.param], life(request.param)


def test_every_act_makes_as_many_calls_as_it_must(lived: tuple[int, MeteredOrder]) -> None:
    reminders, found = lived
    calls = {
        act: {tuple(sorted(Counter(call.name for call in work.calls).items())) for work in works}
        for act, works in found.works.items()
    }
    assert calls == {
        "enrolment": {((READ, 1), (WRITE, 1), ("kms.encrypt", 2), ("kms.generate_mac", 4))},
        "allocation": {((READ, 1), (WRITE, 1), ("kms.generate_mac", 1))},
        "hand over": {(("lambda.invoke", 1),)},
        "announce": {(("events.put_events", 1),)},
        "scheduling": {((READ, 1), (ASK, 1), (WRITE, 1), ("scheduler.create_schedule", reminders))},
        "sending": {((READ, 2), (WRITE, 2), ("kms.decrypt", 1), ("sns.publish", 1))},
        "receipts": {((READ, 2), (WRITE, 1))},
    }
    assert len(found.works["sending"]) == len(found.works["receipts"]) == reminders


def test_units_and_bytes_stay_within_their_budgets(lived: tuple[int, MeteredOrder]) -> None:
    reminders, found = lived
    reads = sum(work.reads for work in found.all_works)
    writes = sum(work.writes for work in found.all_works)
    assert reads <= 14 + 10 * reminders
    assert writes <= 48 + 25 * reminders
    assert found.stored <= 6_000 + 1_600 * reminders  # whatever makes each text again is kept


def test_an_act_logs_few_bytes(lived: tuple[int, MeteredOrder]) -> None:
    _, found = lived
    assert max(work.logged for work in found.all_works) <= 2_000


def test_running_an_order_costs_far_less_than_its_texts(lived: tuple[int, MeteredOrder]) -> None:
    _, found = lived
    assert sum(cost.of_order(found).values()) < 0.01 * cost.of_texts(found)
    assert cost.table(found, found)[f"{SHORT} days"]["running_share"] <= cost.GOAL


def test_an_act_costs_the_same_however_many_orders_there_are() -> None:
    few, many = (scale.taken_at(size) for size in (50, 2_000))
    for taken in (few, many):
        for act in taken.values():
            act.pop("ms")
    assert few == many


def test_due_times_do_not_cluster_at_the_hour_or_in_any_part_of_the_day() -> None:
    spread = capacity.spread(2_000)
    assert len(spread["minute"]) == 60
    for counted, share in ((spread["minute"], 0.35), (spread["hour"], 0.25)):
        average = sum(counted.values()) / len(counted)
        assert all(abs(count - average) < share * average for count in counted.values())


def test_only_sns_s_default_rate_is_below_a_million_reminders_an_hour() -> None:
    """A million an hour needs higher quotas, and a redesign of nothing but the count of texts."""
    below = {
        each["name"]
        for each in capacity.table(life(SHORT))
        if each["texts_a_second"] and each["texts_a_second"] < capacity.A_MILLION_AN_HOUR
    }
    assert below == {"texts by SNS, before any raise"}
