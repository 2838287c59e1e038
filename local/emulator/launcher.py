"""
Runs the emulator with eight changes.

It looks more often for due schedules and for new records of a stream, runs at most two copies of a
function at once, also of those invoked asynchronously, keeps every invocation's metrics in its
CloudWatch, applies transforms to nested
stacks too, gives policies the partitions that a request names, refuses requests in the words of the
template's API, and has a page that lists unfinished work.
"""

# ruff: noqa: SLF001 - pinned by hash, and without a public API for its schedules and streams

import asyncio
import importlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextvars import copy_context
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from local.emulator import leading_keys

WORK_PAGE = "/_local/work"
SWEEP_SECONDS = 0.02
WAIT_LOOKS, WAIT_SECONDS = 100, 0.01
RETRIED_AFTER = (0, 1, 2)  # seconds
WAITING = "execute_in_turn"
"""Part of the name that Python gives a thread in which an invocation waits for its turn."""
SWEEP = threading.Lock()
TURNS: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(2))
"""
Limits how many copies of a function run at once: otherwise the emulator would start a process for
each of a hundred schedules due together. Each function has its own limit, so that a flood of one
does not delay another.
"""

Application = Callable[..., Awaitable[None]]


def main() -> None:
    """Patch the emulator and run it."""
    app: Any = load("app")
    scheduler: Any = load("services.scheduler")
    lambdas: Any = load("services.lambda_svc")
    sweep, execute = scheduler._tick_schedules, lambdas._execute_function_with_config_scope

    def sweep_alone() -> None:
        with SWEEP:
            sweep()

    def execute_in_turn(function: dict[str, Any], *event: object) -> object:
        with TURNS[name_of(function)]:
            return execute(function, *event)

    scheduler._SCHEDULE_TICK_INTERVAL = SWEEP_SECONDS
    lambdas._ESM_IDLE_WAKE_GAP_SECONDS = SWEEP_SECONDS
    scheduler._tick_schedules = sweep_alone
    lambdas._execute_function_with_config_scope = execute_in_turn
    lambdas.invoke_async_with_retry = asynchronous(execute_in_turn, lambdas._route_async_failure)
    lambdas._execute_function = counted(lambdas._execute_function, lambdas._emit_lambda_metrics)
    lambdas._emit_lambda_metrics = lambda *_, **__: None  # else direct calls would count twice
    stacks: Any = load("services.cloudformation.provisioners")
    stacks._cfn_nested_stack_deploy = with_transforms(
        stacks._cfn_nested_stack_deploy, load("services.cloudformation.engine")
    )
    gateway: Any = load("services.apigateway_v1")
    gateway._import_rest_api = with_its_answers(gateway._import_rest_api, gateway)
    leading_keys.install(load("core.iam_actions"), load("core.iam_evaluator"))
    metrics: Any = load("services.cloudwatch")
    metrics._evict_old_metrics = lambda: None  # it would drop metrics after two weeks
    app.app = with_work_page(app.app)
    app.main()


def counted(execute: Callable[..., Any], emit: Callable[..., None]) -> Callable[..., Any]:
    """Execute a function and emit its metrics: the emulator does so for direct calls only."""

    def execute_and_count(function: dict[str, Any], event: object) -> dict[str, Any]:
        began = time.monotonic()
        result: dict[str, Any] = execute(function, event)
        emit(
            name_of(function),
            duration_ms=1000 * (time.monotonic() - began),
            error=bool(result.get("error")),
            throttle=bool(result.get("throttle")),
        )
        return result

    return execute_and_count


def asynchronous(
    execute: Callable[..., Any], leave: Callable[..., None]
) -> Callable[[dict[str, Any], object], None]:
    """
    Invoke a function later, in its turn and counted as work; after three errors, a dead letter.

    Lambda waits a minute and two before it tries again. The emulator's own invocation is neither
    limited nor counted.
    """

    def invoke(function: dict[str, Any], event: object) -> None:
        given = copy_context().run, (attempts, function, event)
        threading.Thread(target=given[0], args=given[1], name=WAITING, daemon=True).start()

    def attempts(function: dict[str, Any], event: object) -> None:
        for wait in RETRIED_AFTER:
            time.sleep(wait)
            result = execute(function, event)
            if not result.get("error"):
                return
        if target := (function.get("config") or function).get("DeadLetterConfig"):
            leave(target["TargetArn"], name_of(function), event, result)

    return invoke


def name_of(function: dict[str, Any]) -> str:
    """The name of a function in the emulator's record of it."""
    name: str = (function.get("config") or function)["FunctionName"]
    return name


def with_transforms(deploy: Callable[..., object], engine: Any) -> Callable[..., object]:  # noqa: ANN401 - a module
    """Deploy a nested stack after applying its transforms, which the emulator leaves out."""
    parse, apply = engine._parse_template, engine._apply_transforms

    def deploy_transformed(
        logical_id: str, properties: dict[str, Any], *rest: object, **more: object
    ) -> object:
        named = properties.get("Parameters", {}).items()
        given = [{"Key": name, "Value": str(value)} for name, value in named]
        engine._parse_template = lambda body: apply(parse(body), given)
        try:
            return deploy(logical_id, properties, *rest, **more)
        finally:
            engine._parse_template = parse

    return deploy_transformed


def with_its_answers(create: Callable[..., str], gateway: Any) -> Callable[..., str]:  # noqa: ANN401 - a module
    """Create an API with the answers of its definition to what the gateway refuses."""

    def create_with_answers(definition: dict[str, Any], *more: object) -> str:
        api = create(definition, *more)
        for kind, answer in definition.get("x-amazon-apigateway-gateway-responses", {}).items():
            gateway._put_gateway_response(api, kind, answer)
        return api

    return create_with_answers


def load(name: str) -> ModuleType:
    """One of the emulator's modules, which only this environment has."""
    return importlib.import_module(f"ministack.{name}")


def with_work_page(app: Application) -> Application:
    """The emulator's ASGI application with one more page."""

    async def application(scope: dict[str, Any], *channels: Application) -> None:
        if scope.get("path") != WORK_PAGE:
            await app(scope, *channels)
            return
        _, send = channels
        if scope.get("query_string") == b"wait":
            await no_longer_busy()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(work()).encode()})

    return application


async def no_longer_busy() -> None:
    """Wait, but not for long, while there is work: one request costs more than many looks."""
    for _ in range(WAIT_LOOKS):
        if not busy():
            return
        await asyncio.sleep(WAIT_SECONDS)


def busy() -> bool:
    """Whether a function runs or has yet to read something."""
    running: int = load("services.lambda_svc").executions_in_flight()[0]
    return bool(running or starting() or any(unread_records()))


def starting() -> int:
    """How many invocations wait for their turn or another attempt, or are just beginning."""
    return sum(WAITING in thread.name for thread in threading.enumerate())


def work() -> dict[str, Any]:
    """
    The unfinished work, counted between two sweeps of the schedules.

    Work that a schedule or a write starts shows in one of these counts until it is done. Two
    answers in a row without work mean that everything is done.
    """
    with SWEEP:
        return {
            "now": time.time(),
            "unread": sum(unread_records()),
            "starting": starting(),
            "running": load("services.lambda_svc").executions_in_flight()[0],
            "due": sorted(once_due()),
            "recurring": sorted(recurring_due()),
        }


def unread_records() -> Iterator[int]:
    """For each mapping of a stream to a function, how many records the function has yet to read."""
    lambdas, tables = load("services.lambda_svc"), load("services.dynamodb")
    for account, region, mapping in lambdas._iter_all_esms():
        table = mapping["EventSourceArn"].partition(":table/")[2].partition("/")[0]
        taken = lambdas._dynamodb_stream_positions._data.get((account, region, mapping["UUID"]))
        if table and taken is not None and mapping.get("Enabled", True):
            end = tables.stream_end_position(table, account_id=account, region=region)
            yield max(end - taken, 0)


def once_due() -> Iterator[float]:
    """When each one-off schedule is due."""
    scheduler = load("services.scheduler")
    for key, schedule in enabled_schedules():
        due = scheduler._at_time_epoch(schedule["ScheduleExpression"])
        if due is not None and key not in scheduler._schedule_last_fired:
            yield due


def recurring_due() -> Iterator[float]:
    """When each recurring schedule is next due, as the emulator computes it."""
    scheduler, events = load("services.scheduler"), load("services.eventbridge")
    for key, schedule in enabled_schedules():
        expression = schedule["ScheduleExpression"]
        fired = scheduler._schedule_last_fired.get(key)
        if (interval := events._parse_rate_seconds(expression)) is not None:
            yield (schedule["CreationDate"] if fired is None else fired) + interval
        elif fired is not None and (fields := events._parse_cron_fields(expression)):
            yield events._cron_next_fire(fields, datetime.fromtimestamp(fired, UTC)).timestamp()


def enabled_schedules() -> Iterator[tuple[object, dict[str, Any]]]:
    """Each enabled schedule, with the emulator's key for it."""
    for key, schedule in list(load("services.scheduler")._schedules._data.items()):
        if schedule["State"] == "ENABLED":
            yield key, schedule


if __name__ == "__main__":
    main()
