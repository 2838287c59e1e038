"""No personal data leaks, whatever invalid input it comes in."""

import base64
import copy
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from allocation.handler import lambda_handler as allocation
from commands.repository.openapi import contract
from enrolment.handler import lambda_handler as enrolment
from extract.handler import lambda_handler as extract
from local.demo import orders
from local.demo.checks import verdicts
from local.demo.page.render import render
from receipts.handler import lambda_handler as receipts
from scheduling.handler import lambda_handler as scheduling
from sending.handler import lambda_handler as sending
from tests.local.demo.demo_run import good_run
from tests.support import canaries
from tests.support.buckets import make_bucket
from tests.support.canaries import BORN, FIRST, NAME, ORDER, PERSON, Sinks, Watch, searched
from tests.support.delivery_lines import packed, unpacked
from tests.support.extracts import BUCKET, objects
from tests.support.fixture_protocol import VERSION
from tests.support.life import ARREST, CUSTODY, RELEASE, follow
from tests.support.memory import Memory
from tests.support.samples import MORNING, sample
from tests.support.steps import UNHURRIED, Context, HttpAnswer, call, post, stream
from trial.aws import clients
from trial.aws.kms import MacKey

SALT = "2"
BY = ORDER[3]
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/enrolments"): canaries.body(),
    ("put", "/enrolments/{enrolment_id}/mobile"): {"number": FIRST, "recorded_by": BY},
    ("put", "/enrolments/{enrolment_id}/service"): {"served_on": "2026-12-01"},
    ("put", "/enrolments/{enrolment_id}/order"): canaries.body()["order"],
    ("post", "/enrolments/{enrolment_id}/variation"): {
        "order": canaries.body()["order"],
        "varied_on": "2026-12-01",
        "by": BY,
    },
    ("post", "/enrolments/{enrolment_id}/end"): CUSTODY | {"by": BY},
    ("post", "/enrolments/{enrolment_id}/resume"): RELEASE | {"by": BY},
    ("post", "/enrolments/{enrolment_id}/admit"): {"by": BY},
    ("post", "/enrolments/{enrolment_id}/hold"): {"reason": "proceedings", "by": BY},
    ("post", "/enrolments/{enrolment_id}/release"): {"by": BY},
    ("post", "/enrolments/{enrolment_id}/outcomes"): ARREST | {"reference": PERSON},
    ("put", "/sending"): {"paused": True, "reason": NAME, "by": BY},
    ("post", "/suppressions"): {"number": FIRST, "reason": "wrong_number", "by": BY},
}
WRONG: tuple[Any, ...] = (
    NAME,
    f" {FIRST}",
    int(FIRST),
    [FIRST, PERSON],
    {FIRST: BORN},
    None,
    FIRST * 50,
    f"{BORN}T{PERSON}",
    f"\x00{NAME}",
)


def spoiled(good: Any) -> Iterator[Any]:
    """Every variant of it with one part wrong, missing or added."""
    yield from WRONG
    if isinstance(good, dict):
        yield good | {NAME: FIRST}
        yield good | {"name": NAME}
        for key, value in good.items():
            yield {name: each for name, each in good.items() if name != key}
            yield from (good | {key: each} for each in spoiled(value))
    if isinstance(good, list):
        yield from ([each] for one in good for each in spoiled(one))


RAW = (
    f'{{"order": "{NAME}',
    NAME,
    f"[{FIRST}]",
    f'{{"number": {FIRST}}}',
    f'["{NAME}"' * 20_000,
    "9" * 5_000,
    json.dumps(canaries.body() | {"more": NAME * 10_000}),
    base64.b64encode(NAME.encode()).decode(),
    "",
    "null",
)


@pytest.fixture
def sinks(clock: Traveller) -> Iterator[Sinks]:
    clock.move_to(MORNING.replace(hour=12))
    with searched(SALT) as opened:
        yield opened


@pytest.fixture
def memory() -> Memory:
    return Memory(SALT)


def test_bad_input_on_any_route_reveals_no_number_or_name(sinks: Sinks, memory: Memory) -> None:
    described = contract()["paths"].items()
    taking = {(m, path) for path, each in described for m in each if "requestBody" in each[m]}
    assert taking == BODIES.keys()
    with memory.lived_in(), sinks.open():
        ident = post(canaries.body()).body["enrolment_id"]
        for (method, path), good in BODIES.items():
            shown = path.format(enrolment_id=ident)
            for body in spoiled(good):
                sinks.attempt(lambda: call(method.upper(), shown, json.dumps(body)))  # noqa: B023
            for raw in RAW:
                sinks.attempt(lambda: call(method.upper(), shown, raw))  # noqa: B023
            sinks.attempt(lambda: call(method.upper(), shown, NAME, kind=f"text/{FIRST}"))  # noqa: B023
    # A court and a reason are free text, shown as they came to whoever may see them.
    sinks.answers = [answer for answer in sinks.answers if answer.status >= 400]
    assert {answer.status for answer in sinks.answers} >= {409, 413, 415, 422}
    print(f"{sinks.errors} error paths by bad bodies")  # noqa: T201 - shown by pytest -rP
    assert sinks.errors > 500


def test_paths_and_queries_are_not_repeated(sinks: Sinks, memory: Memory) -> None:
    with memory.lived_in(), sinks.open():
        for path in contract()["paths"]:
            for canary in (NAME, FIRST, PERSON, f"{BORN}%00"):
                shown = path.replace("{enrolment_id}", canary)
                for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
                    sinks.attempt(lambda: call(method, f"{shown}/{canary}"))  # noqa: B023
                    sinks.attempt(lambda: asked(method, shown, canary))  # noqa: B023
    print(f"{sinks.errors} error paths by bad paths and queries")  # noqa: T201
    assert sinks.errors > 200


def asked(method: str, path: str, canary: str) -> HttpAnswer:
    event = sample("api-enrol") | {"httpMethod": method, "path": path, "resource": path}
    names = ("made_on", "expires_on", "conditions", "enrolment_id", canary)
    event["queryStringParameters"] = dict.fromkeys(names, canary)
    event["multiValueQueryStringParameters"] = {key: [canary, NAME] for key in names}
    event["body"] = None
    answer = enrolment(event, Context())
    return HttpAnswer(answer["statusCode"], answer["body"], answer["headers"])


def test_invalid_stream_records_reveal_no_number_or_name(sinks: Sinks, memory: Memory) -> None:
    with memory.lived_in():
        post(canaries.body())
    with memory.lived_in(), sinks.open():
        for good in (memory.stream[0], memory.changes[0].record):
            for image in poisoned(good["dynamodb"]["NewImage"]):
                record = copy.deepcopy(good)
                record["dynamodb"]["NewImage"] = image
                sinks.attempt(lambda: allocation(stream(record), Context()))  # noqa: B023
        for wrong in WRONG:
            sinks.attempt(lambda: scheduling({"enrolment_id": wrong}, Context()))  # noqa: B023
    print(f"{sinks.errors} error paths by poison in the stream")  # noqa: T201
    assert sinks.errors > 100


def poisoned(image: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in image:
        yield {name: each for name, each in image.items() if name != key}
        for wrong in ({"S": NAME}, {"N": "44"}, {"L": [{"S": FIRST}]}, {"M": {BY: {"S": BORN}}}):
            yield image | {key: wrong}
    yield image | {"name": {"S": NAME}}


def test_invalid_receipts_reveal_no_number_or_name(sinks: Sinks, memory: Memory) -> None:
    log, line = unpacked(sample("receipts-undelivered"))
    line["delivery"] |= {"destination": FIRST, "providerResponse": f"{NAME} at {FIRST}"}
    with memory.lived_in(), sinks.open():
        for bad in (*spoiled(line), *RAW):
            log["logEvents"][0]["message"] = bad if isinstance(bad, str) else json.dumps(bad)
            sinks.attempt(lambda: receipts(packed(log), Context()))
        for bad in (NAME.encode(), gzip.compress(NAME.encode())[:20], gzip.compress(b"{")):
            data = base64.b64encode(bad)
            sinks.attempt(lambda: receipts({"awslogs": {"data": data}}, Context()))  # noqa: B023
    print(f"{sinks.errors} error paths by poison in receipts")  # noqa: T201
    assert sinks.errors > 50


def test_an_invalid_schedule_input_reveals_no_number_or_name(sinks: Sinks, memory: Memory) -> None:
    with memory.lived_in(), sinks.open():
        for wrong in WRONG:
            for event in ({"enrolment_id": wrong, "number": 1}, {"number": wrong}):
                sinks.attempt(lambda: sending(event, Context()))  # noqa: B023
    assert sinks.errors == 2 * len(WRONG)


def test_the_extract_holds_pseudonyms_only(cloud: dict[str, str], clock: Traveller) -> None:
    make_bucket(BUCKET)
    answer = post(canaries.body())
    follow(answer.body["enrolment_id"])
    clock.shift(timedelta(days=20))

    assert extract(sample("extract-nightly"), UNHURRIED)["became"] == "published"
    watch = Watch(MacKey(clients.kms(), cloud["IDENTITY_KEY_ID"]).mac)
    files = objects()
    assert len(files) > 5
    for path, data in files.items():
        text = gzip.decompress(data) if path.endswith(".gz") else data
        assert watch.traces(f"{path} {text.decode()}") == []


def test_the_demo_s_page_shows_no_number_or_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "CURRENT", VERSION)
    run = good_run()
    page = render(run, verdicts(run))
    for case in run.cases:
        respondent = case.order.body["respondent"]
        marks = [respondent["person_id"], respondent["date_of_birth"]]
        if number := case.order.body["mobile"].get("number"):
            marks += [number.removeprefix("+44"), number[-6:]]
        assert [mark for mark in marks if mark in page] == []
