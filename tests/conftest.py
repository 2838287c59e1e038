"""What most tests need: the template, and AWS in memory with the template's own table."""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from io import StringIO
from logging import StreamHandler
from typing import Any

import pytest
import time_machine
from aws_lambda_powertools import Logger
from hypothesis import settings
from moto import mock_aws
from moto.kms.models import Key, KmsBackend, kms_backends
from samtranslator.yaml_helper import yaml_parse

from local.dashboard.metrics import RecordedMetrics, data
from tests.support import quick_moto
from tests.support.faults import starting_others
from tests.support.fixture_protocol import VERSION
from tests.support.samples import ACCOUNT, MORNING, REGION, ROOT, TABLE
from trial import config
from trial.aws import clients

# Those of `evaluation` need its environment, and `make test` runs them too; `make browser` and
# `make integrate` run the others.
collect_ignore = ["evaluation", "browser", "integrate"]

# A slow machine is not a failure, and the same code gives the same result on every run. For other
# examples: make test ARGS=--hypothesis-profile=explore
settings.register_profile("explore", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.load_profile("same")
quick_moto.install()

# Before any client is made: no test may find real credentials, or ask this machine for them.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106 - moto takes any
    AWS_SESSION_TOKEN="testing",  # noqa: S106
    AWS_DEFAULT_REGION=REGION,
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_METRICS_NAMESPACE="DvpoReminders",
)


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse((ROOT / "infra" / "template.yaml").read_text())
    return parsed


@pytest.fixture(autouse=True)
def _no_clock_is_left_moved() -> Iterator[None]:
    """Fail a test that leaves the clock moved: the next test would start with it."""
    moved_before = time_machine.escape_hatch.is_travelling()
    yield
    assert time_machine.escape_hatch.is_travelling() == moved_before, "the clock is left moved"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Time stands still, and moves when a test says so."""
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def cloud(
    template: dict[str, Any],
    clock: time_machine.Traveller,  # noqa: ARG001 - what is made is made in the morning
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, str]]:
    """
    AWS in memory: the template's table, keys and schedule group, and the functions' settings.

    Clients outlive it, for each takes a while to make: leave no hook on them.
    """
    with mock_aws(), starting_others():
        told = _made(template)
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        config.settings.cache_clear()
        yield told
    config.settings.cache_clear()


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that functions print: without a service's name they share one logger."""
    handler = Logger().registered_handler
    assert isinstance(handler, StreamHandler)
    printed = StringIO()
    previous = handler.setStream(printed)
    yield printed
    handler.setStream(previous or sys.stdout)


@pytest.fixture
def configure(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:  # noqa: ARG001
    """Change the settings of functions from now on."""

    def change(**told: str) -> None:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        config.settings.cache_clear()

    return change


@pytest.fixture
def emitted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, float]]:
    """The sum of each metric since the last look, by its name and its code."""

    def since() -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for line in capsys.readouterr().out.splitlines():
            for datum in data(line):
                codes = dict(datum.metric.dimensions)
                assert (datum.metric.namespace, codes.pop("service")) == ("DvpoReminders", "trial")
                assert json.loads(line).keys() == {"_aws", "service", datum.metric.name, *codes}
                sums[" ".join([datum.metric.name, *codes.values()])] += datum.value
        return dict(sums)

    return since


@pytest.fixture
def heard(
    cloud: dict[str, str],  # noqa: ARG001 - what is told is told of it
    capsys: pytest.CaptureFixture[str],
) -> Callable[[], RecordedMetrics]:
    """The metrics emitted so far."""
    return lambda: RecordedMetrics(
        datum for line in capsys.readouterr().out.splitlines() for datum in data(line)
    )


def _made(template: dict[str, Any]) -> dict[str, str]:
    table = template["Resources"]["Table"]["Properties"]
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    clients.dynamodb().create_table(
        TableName=TABLE,
        **{name: table[name] for name in kept if name in table},
    )  # without its stream: moto would copy all of it in every transaction
    clients.scheduler().create_schedule_group(Name="reminders")
    return {
        "TABLE_NAME": TABLE,
        "PROTOCOL": VERSION,
        "ALLOCATION_KEY_ID": _mac_key("allocation"),
        "IDENTITY_KEY_ID": _mac_key("identity"),
        "SEALING_KEY_ID": _sealing_key(),
        "RESEARCH_KEY_ID": _mac_key("research"),
        "EXTRACT_BUCKET": "extract",
        "AUDIT_BUCKET": "audit",
        "USD_TO_GBP": "0.75",
        "TEXTS_PER_DAY": "500",
        "ORDERS_PER_DAY": "1000",
        "TAKES_ORDERS": "true",
        "OUTLAST_CLAIMS_SECONDS": "0",
        "FORCE_NAME": "Durham Police",
        "FORCE_CONTACT": "101",
        "SENDER_ID": "Police",
        "STAFF_PHONE": "+447700900999",
        "ON_AWS": "true",
        "ENROLMENT_FUNCTION": "enrolment",
        "TOPIC_ARN": clients.sns().create_topic(Name="digests")["TopicArn"],
        "EVENT_BUS": _bus("outward"),
        "SCHEDULING_FUNCTION": "scheduling",
        "SCHEDULE_GROUP": "reminders",
        "SCHEDULE_PREFIX": "dvpo",
        "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/fire",
        "SCHEDULE_TARGET_ARN": "arn:aws:lambda:eu-west-2:123456789012:function:sending",
        "SCHEDULE_DEAD_LETTER_ARN": "arn:aws:sqs:eu-west-2:123456789012:failures",
    }


def _bus(name: str) -> str:
    clients.events().create_event_bus(Name=name)
    return name


def _mac_key(secret: str) -> str:
    """Not a random one: the same people get the same arms every time."""
    key = _made_key(secret)
    kms_backends[ACCOUNT][REGION].keys[key.id] = key
    return str(key.id)


def _sealing_key() -> str:
    key = _made_sealing_key()
    kms_backends[ACCOUNT][REGION].keys[key.id] = key
    return str(key.id)


@cache
def _made_sealing_key() -> Key:
    keys = KmsBackend(REGION, ACCOUNT)
    return keys.create_key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", None)


@cache
def _made_key(secret: str) -> Key:
    """Made once: beside every key moto makes an RSA key, which takes it longer than a test."""
    key = KmsBackend(REGION, ACCOUNT).create_key(None, "GENERATE_VERIFY_MAC", "HMAC_256", "", None)
    key.key_material = secret.encode()
    return key
