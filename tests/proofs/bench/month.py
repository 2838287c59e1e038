"""
The monthly cost of a deployment: the fixed part, what orders add, and their texts.

List prices, and what is billed in an account of its own: CloudWatch's first ten alarms and metrics
cost nothing there, for good (https://aws.amazon.com/cloudwatch/pricing/, "free tier").
"""

from typing import Any, Final

from commands.repository.deployed import Deployed
from tests.proofs.bench.acts import MeteredOrder
from tests.proofs.bench.cost import HOURS_A_MONTH, of_order, of_texts, price
from trial.metrics import Metric

SIZES: Final = {
    "a force with 82 orders a year": (82, {"Dashboard": "false"}),
    "a force with 1,000 orders a year": (1_000, {}),
    "a region with 9,000 orders a year": (9_000, {"Firewall": "true"}),
}
"""Orders a year, and the parameters that are advised at that size."""

TREATED: Final = 0.5
GOAL: Final = 12.0  # for the smallest, billed in the first year
FREE_ALARMS, FREE_METRICS = 10, 10
NIGHTLY: Final = 4  # metrics emitted once a night, and two every hour
HOURLY: Final = 2


def fixed(stack: Deployed, *, year: int = 1) -> dict[str, float]:
    """US dollars a month, orders or none; each of a key's first two rotations costs one more."""
    keys = stack.of_type("AWS::KMS::Key").values()
    rotated = sum(
        min((year - 1) * 365 // key["RotationPeriodInDays"], 2)
        for key in keys
        if key.get("EnableKeyRotation")
    )
    firewalls = stack.of_type("AWS::WAFv2::WebACL").values()
    rules = sum(len(each["Rules"]) for each in firewalls)
    composites = len(stack.of_type("AWS::CloudWatch::CompositeAlarm"))
    return {
        "keys": (len(keys) + rotated) * price("kms_key_month"),
        "alarms, by their metrics": alarms(stack) * price("alarm_month"),
        "composite alarm": composites * price("composite_alarm_month"),
        "dashboard": len(stack.of_type("AWS::CloudWatch::Dashboard")) * price("dashboard_month"),
        "firewall": len(firewalls) * price("firewall_month") + rules * price("firewall_rule_month"),
        "hourly and nightly work": (HOURS_A_MONTH + 10 * 30) * 0.5 * 3 * price("lambda_gb_second"),
    }


def alarms(stack: Deployed) -> int:
    """Each metric that an alarm looks at is billed as an alarm."""
    return sum(
        sum("MetricStat" in part for part in alarm["Metrics"]) if "Metrics" in alarm else 1
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
    )


def metrics(life: MeteredOrder, orders_a_month: float) -> float:
    """
    Custom metrics, as months of one: billed by the hour in which they have a value.

    At most, each in every hour; at least, those that are emitted hourly and nightly.
    """
    texts = len(life.works["sending"])
    told = 6 + 8 * texts  # in hours of their own, of an order that is treated
    hours = HOURLY * HOURS_A_MONTH + NIGHTLY * 30 + orders_a_month * TREATED * told
    return min(hours / HOURS_A_MONTH, 2.0 * len(Metric))


def month(
    life: MeteredOrder, orders_a_year: int, parameters: dict[str, str], *, year: int = 1
) -> Any:
    """US dollars a month by line: list prices, what is billed, and the texts beside them."""
    stack, orders = Deployed(**parameters), orders_a_year / 12
    services, texts = of_order(life), of_texts(life)
    running = sum(usd for name, usd in services.items() if "kept" not in name)
    calls = sum(len(work.calls) for work in life.all_works)
    told = metrics(life, orders)
    lines = fixed(stack, year=year) | {
        "metrics, with their dimensions": told * price("metric_month"),
        "running the orders": running * orders * TREATED,
        "keeping them ten years": (sum(services.values()) - running) * orders * TREATED,
        "CloudTrail's data events": calls * orders * TREATED * price("trail_data_event"),
    }
    free = min(FREE_ALARMS, alarms(stack)) * price("alarm_month")
    free += min(FREE_METRICS, told) * price("metric_month")
    total = sum(lines.values())
    return {
        "lines": lines,
        "list": total,
        "billed": total - free,
        "texts": texts * orders * TREATED,
        "running_share": running / texts,
    }


def at_sizes(life: MeteredOrder) -> dict[str, Any]:
    """A month at each size."""
    return {name: month(life, *size) for name, size in SIZES.items()}
