"""The emulator's page on what is still going on counts all of it, and once it is done, nothing."""

import asyncio
import json
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from local.emulator import launcher

# ruff: noqa: SLF001 - as in the launcher

HOUR = 3600.0


@pytest.fixture
def ministack(monkeypatch: pytest.MonkeyPatch) -> dict[str, SimpleNamespace]:
    """The parts of the emulator that the page looks at, at rest."""
    mapping = {"UUID": "m", "EventSourceArn": "arn:aws:dynamodb:r:1:table/trial/stream/2026"}
    parts = {
        "services.lambda_svc": SimpleNamespace(
            executions_in_flight=lambda: (0, {}),
            _iter_all_esms=lambda: [("1", "r", mapping)],
            _dynamodb_stream_positions=SimpleNamespace(_data={("1", "r", "m"): 7}),
        ),
        "services.dynamodb": SimpleNamespace(stream_end_position=lambda *_, **__: 7),
        "services.scheduler": SimpleNamespace(
            _schedules=SimpleNamespace(_data={}),
            _schedule_last_fired={},
            _at_time_epoch=lambda text: float(text[3:]) if text.startswith("at") else None,
        ),
        "services.eventbridge": SimpleNamespace(
            _parse_rate_seconds=lambda text: HOUR if text == "hourly" else None,
            _parse_cron_fields=lambda text: "at two" if text == "nightly" else None,
            _cron_next_fire=lambda _, after: after + timedelta(hours=2),
        ),
    }
    monkeypatch.setattr(launcher, "load", parts.__getitem__)
    return parts


def schedule(ministack: dict[str, SimpleNamespace], key: str, text: str, state: str) -> None:
    ministack["services.scheduler"]._schedules._data[key] = {
        "ScheduleExpression": text,
        "State": state,
        "CreationDate": 100.0,
    }


@pytest.mark.usefixtures("ministack")
def test_an_idle_system_has_no_work() -> None:
    work = launcher.work()
    assert {name: work[name] for name in work if name != "now"} == {
        "unread": 0,
        "starting": 0,
        "running": 0,
        "due": [],
        "recurring": [],
    }


def test_stream_records_not_read_yet_count_as_work(ministack: dict[str, SimpleNamespace]) -> None:
    ministack["services.dynamodb"].stream_end_position = lambda *_, **__: 12
    assert launcher.work()["unread"] == 5


@pytest.mark.usefixtures("ministack")
def test_a_waiting_invocation_counts_as_work() -> None:
    done = threading.Event()

    def execute_in_turn() -> None:
        done.wait(60)

    waiting = threading.Thread(target=execute_in_turn)
    waiting.start()
    counted = launcher.work()["starting"]
    done.set()
    waiting.join()
    assert (counted, launcher.work()["starting"]) == (1, 0)


def test_a_schedule_is_due_at_its_next_firing(ministack: dict[str, SimpleNamespace]) -> None:
    schedule(ministack, "once", "at 900", "ENABLED")
    schedule(ministack, "fired", "at 800", "ENABLED")
    schedule(ministack, "off", "at 700", "DISABLED")
    schedule(ministack, "new rate", "hourly", "ENABLED")
    schedule(ministack, "old rate", "hourly", "ENABLED")
    schedule(ministack, "new cron", "nightly", "ENABLED")
    schedule(ministack, "old cron", "nightly", "ENABLED")
    ministack["services.scheduler"]._schedule_last_fired |= {
        "fired": 801.0,
        "old rate": 200.0,
        "old cron": 300.0,
    }
    work = launcher.work()
    assert work["due"] == [900.0]
    assert work["recurring"] == [100 + HOUR, 200 + HOUR, 300 + 2 * HOUR]


@pytest.mark.parametrize("told", [{}, {"error": True}, {"throttle": True}])
def test_every_invocation_is_counted_with_its_result(told: dict[str, bool]) -> None:
    emitted: list[tuple[str, dict[str, Any]]] = []
    execute = launcher.counted(lambda *_: told, lambda name, **what: emitted.append((name, what)))
    assert execute({"config": {"FunctionName": "sending"}}, {}) is told
    ((name, what),) = emitted
    assert name == "sending"
    assert what.pop("duration_ms") >= 0
    assert what == {"error": False, "throttle": False} | told


@pytest.mark.parametrize(
    ("errors", "letters"), [([False], 0), ([True, True, False], 0), ([True, True, True], 1)]
)
def test_an_asynchronous_invocation_is_tried_three_times_and_then_goes_to_the_failure_queue(
    errors: list[bool], letters: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "RETRIED_AFTER", (0, 0, 0))
    left: list[tuple[object, ...]] = []
    outcomes = iter(errors)
    before = set(threading.enumerate())
    function = {"config": {"FunctionName": "scheduling", "DeadLetterConfig": {"TargetArn": "q"}}}
    started = threading.Event()

    def execute(*_: object) -> dict[str, bool]:
        started.wait(60)
        return {"error": next(outcomes)}

    launcher.asynchronous(execute, lambda *given: left.append(given))(function, {"id": 1})
    assert launcher.starting() == 1  # until it is done, it is work
    started.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert launcher.starting() == 0
    assert list(outcomes) == []
    assert [each[:3] for each in left] == [("q", "scheduling", {"id": 1})] * letters


@pytest.mark.usefixtures("ministack")
def test_the_launcher_serves_one_page_and_the_emulator_every_other() -> None:
    passed_on: list[str] = []
    sent: list[dict[str, Any]] = []

    async def emulator(scope: dict[str, Any], *_: object) -> None:
        passed_on.append(scope.get("path", scope["type"]))

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> None:
        """Nothing."""

    application = launcher.with_work_page(emulator)
    for scope in ({"type": "lifespan"}, {"type": "http", "path": "/v1/enrolments"}):
        asyncio.run(application(scope, receive, send))  # type: ignore[arg-type]
    assert (passed_on, sent) == (["lifespan", "/v1/enrolments"], [])
    ours = {"type": "http", "path": launcher.WORK_PAGE}
    asyncio.run(application(ours, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"])["running"] == 0
    assert len(passed_on) == 2


def test_an_api_is_created_with_the_gateway_responses_of_its_definition() -> None:
    put: list[tuple[str, str, dict[str, Any]]] = []
    gateway = SimpleNamespace(_put_gateway_response=lambda *given: put.append(given))
    answer = {"statusCode": "403"}
    definition = {"x-amazon-apigateway-gateway-responses": {"ACCESS_DENIED": answer}}
    create = launcher.with_its_answers(lambda *_: "an id", gateway)
    assert (create(definition, {}), create({})) == ("an id", "an id")
    assert put == [("an id", "ACCESS_DENIED", answer)]


@pytest.mark.usefixtures("ministack")
@pytest.mark.parametrize(("query", "looks"), [(b"wait", 3), (b"", 0)])
def test_a_request_to_wait_is_answered_once_the_system_is_idle(
    query: bytes, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []

    def busy() -> bool:
        looked.append(len(looked) < 2)
        return looked[-1]

    async def send(_: dict[str, Any]) -> None:
        assert len(looked) == looks

    monkeypatch.setattr(launcher, "busy", busy)
    monkeypatch.setattr(launcher, "WAIT_SECONDS", 0)
    application = launcher.with_work_page(send)
    scope = {"type": "http", "path": launcher.WORK_PAGE, "query_string": query}
    asyncio.run(application(scope, send, send))  # type: ignore[arg-type]
    assert len(looked) == looks


@pytest.mark.usefixtures("ministack")
def test_a_request_to_wait_for_a_busy_system_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(range(launcher.WAIT_LOOKS + 1))
    monkeypatch.setattr(launcher, "busy", lambda: next(looks) >= 0)
    monkeypatch.setattr(launcher, "WAIT_SECONDS", 0)
    asyncio.run(launcher.no_longer_busy())
    assert list(looks) == [launcher.WAIT_LOOKS]


def test_a_nested_template_is_transformed_before_it_is_deployed() -> None:
    engine = SimpleNamespace(
        _parse_template=str.split,
        _apply_transforms=lambda parsed, given: {"of": parsed, "given": given},
    )
    parse = engine._parse_template

    def deploy(logical_id: str, properties: dict[str, Any]) -> tuple[str, Any]:
        return logical_id, engine._parse_template(properties["TemplateURL"])

    transformed = launcher.with_transforms(deploy, engine)
    properties = {"TemplateURL": "a b", "Parameters": {"Name": 1}}
    assert transformed("Nested", properties) == (
        "Nested",
        {"of": ["a", "b"], "given": [{"Key": "Name", "Value": "1"}]},
    )
    assert engine._parse_template is parse
