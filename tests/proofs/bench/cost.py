"""What a treated order costs, by service, beside its texts and other ways to time them."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.proofs.bench.acts import LONG, SHORT, MeteredOrder
from tests.proofs.bench.meter import Work
from tests.support.deployed import Deployed
from tests.support.fixture_protocol import AGREED

PRICES: Final = Path(__file__).with_name("prices.toml")
GOAL: Final = 0.0015  # of what the texts cost, without keeping the data

FUNCTIONS: Final = Deployed().of_type("AWS::Lambda::Function")
BARE_SECONDS: Final = 0.424
"""
What Lambda bills for the start of a bare handler with boto3 and one client.

Python 3.13, arm64, 512 MB: the mean of 125 cold starts in us-east-2, published in November 2025;
0.416 for 20 in December. https://github.com/cebert/aws-lambda-performance-benchmarks, read on
2026-11-30, published-results/november-2025/tables/light/cold.md. There it is the same from 128 to
2,048 MB: a start has a whole processor.
"""
OURS: Final = 1.55
"""
What ours takes of a bare one's processor time, with its clients and the protocol.

Measured on an idle machine on 2026-11-30: enrolment 1.91, allocation 1.73, scheduling 1.69, sending
1.68, receipts 1.42, the export 1.40. This is the average of an order's invocations.
"""
CONNECTING_GB_SECONDS: Final = 0.036
"""
What opening a connection adds to a first event.

There a cold handler of two calls takes 0.353, 0.165 and 0.09 seconds at 128, 256 and 512 MB: the
processor's time, of which memory decides the share, so that its price does not depend on it.
"""
CALL_SECONDS: Final = 0.01
"""What a call of AWS takes there. An assumption."""
PLATFORM_BYTES: Final = 900  # what Lambda itself logs of an invocation, if it does
RECEIPT_BYTES: Final = 700  # what SNS logs of a text
LOGS_MONTHS, RECEIPTS_MONTHS = 400 / 30, 14 / 30
ORDERS_A_MONTH: Final = 42  # of one force, treated: the protocol's own assumption
HOURS_A_MONTH, MINUTES_A_MONTH = 730, 43_800
GB: Final = 10**9


@cache
def prices() -> dict[str, dict[str, Any]]:
    return tomllib.loads(PRICES.read_text())


def price(name: str) -> float:
    return float(prices()[name]["usd"])


def of_order(life: MeteredOrder) -> dict[str, float]:
    """US dollars by service, of which none depends on how many orders there are."""
    works = life.all_works
    texts = sum(work.count("sns.") for work in works)
    logged = sum(work.logged + _platform_bytes(work.function) for work in works)
    events = sum(work.count("events.put_events") for work in works)
    schedules = sum(work.count("scheduler.create_schedule") for work in works)
    units = sum(work.reads for work in works) * price("read_unit")
    units += sum(work.writes for work in works) * price("write_unit")
    kept = AGREED.retention.trial_data_days / 30
    return {
        "API Gateway": price("api_request"),
        "Lambda": sum(map(_invocation, works)),
        "X-Ray": sum(_is_traced(work.function) for work in works) * price("trace"),
        "DynamoDB, units": units,
        f"DynamoDB, kept {kept:.0f} months": life.stored / GB * price("table_gb_month") * kept,
        "EventBridge": events * price("event"),
        "EventBridge Scheduler": schedules * price("scheduler_invocation"),
        "audit trail's export": links(life) * _link(),
        "KMS": sum(work.count("kms.") for work in works) * price("kms_request"),
        "CloudWatch Logs": _logs(logged, LOGS_MONTHS)
        + _logs(texts * RECEIPT_BYTES, RECEIPTS_MONTHS),
    }


def links(life: MeteredOrder) -> int:
    """
    Links of the audit trail that an order's entries come in.

    The export waits a minute for more, in each shard of the stream: the entries of an order's
    history come together, and so do those of a text with its receipt, which is there within the
    minute as a rule. The slot drawn is an entry of another partition, so of another shard.
    """
    return 2 + len(life.works["sending"])


def of_texts(life: MeteredOrder) -> float:
    return sum(work.count("sns.") for work in life.all_works) * price("text_part")


def of_timing(life: MeteredOrder, days: int) -> dict[str, float]:
    """US dollars for bringing each of an order's texts to its time, in other ways than ours."""
    (scheduling,) = life.works["scheduling"]
    reminders = len(life.works["sending"])
    ours = (
        _invocation(scheduling)
        + scheduling.reads * price("read_unit")
        + scheduling.writes * price("write_unit")
        + reminders * price("scheduler_invocation")
    )
    live = ORDERS_A_MONTH * days / 30  # at any moment
    share = days / 30 / live
    # Eight shards' index is asked every minute: half a unit each, by an invocation that is warm.
    warm = 0.5 * 8 * CALL_SECONDS * price("lambda_gb_second")  # at 512 MB
    minute = 8 * 0.5 * price("read_unit") + price("lambda_request") + warm
    return {
        "EventBridge Scheduler (ours)": ours,
        "Step Functions, a wait a reminder": (2 + 3 * reminders) * price("step_transition"),
        f"a poller each minute, {ORDERS_A_MONTH} orders a month": MINUTES_A_MONTH * minute * share,
        f"a container, {ORDERS_A_MONTH} orders a month": (
            HOURS_A_MONTH * price("container_hour") * share
        ),
    }


def table(short: MeteredOrder, long: MeteredOrder) -> dict[str, Any]:
    """All of it, for an order of each length."""
    found: dict[str, Any] = {}
    for days, life in ((SHORT, short), (LONG, long)):
        services, texts = of_order(life), of_texts(life)
        total = sum(services.values())
        running = sum(each for name, each in services.items() if "kept" not in name)
        found[f"{days} days"] = {
            "services": services,
            "running": running,
            "running_share": running / texts,
            "infrastructure": total,
            "infrastructure_share": total / texts,
            "texts": texts,
            "timing": of_timing(life, days),
        }
    return found


def unconfirmed() -> list[str]:
    return [name for name, each in prices().items() if each["status"] != "confirmed"]


def _invocation(work: Work) -> float:
    services = {call.name.partition(".")[0] for call in work.calls}
    return _billed(work.function, calls=len(work.calls), connections=len(services))


def _link() -> float:
    """One link of the audit trail's chain: what it is appended to is found, and then it is put."""
    return _billed("audit", calls=2, connections=1) + 2 * price("s3_put")


def _billed(function: str, *, calls: int, connections: int) -> float:
    """A cold start and one event. Few orders a day, so every invocation is one."""
    memory = _own(function)["MemorySize"] / 1024
    billed = memory * (BARE_SECONDS * OURS + calls * CALL_SECONDS)
    billed += connections * CONNECTING_GB_SECONDS
    return price("lambda_request") + float(billed) * price("lambda_gb_second")


def _logs(logged: float, months: float) -> float:
    return logged / GB * (price("log_gb") + months * price("log_gb_month"))


def _platform_bytes(function: str) -> int:
    """Lambda logs each invocation at the level INFO."""
    return 0 if _own(function)["LoggingConfig"].get("SystemLogLevel") == "WARN" else PLATFORM_BYTES


def _is_traced(function: str) -> bool:
    return bool(_own(function)["TracingConfig"]["Mode"] == "Active")


def _own(function: str) -> dict[str, Any]:
    return FUNCTIONS[f"{function.capitalize()}Function"]
