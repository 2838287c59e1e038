"""The stack comes up whole or not at all, and says what to do when it cannot."""

import hashlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from commands import deployed_stack, moved_clock
from commands.deploy import package
from commands.deployed_stack import DeployedStack, LocalStack, Resource
from local.demo import demo
from local.emulator import emulator, stack

CURRENT = "dapo-1"
STACK = LocalStack(
    endpoint_url="http://127.0.0.1:4711",
    api_url="http://127.0.0.1:4711/v1",
    api_host="abc.execute-api.localhost:4711",
    region="eu-west-2",
    access_key_id="test",
    secret_access_key="test",  # noqa: S106 - the emulator's
    stack_name="dvpo-reminders",
    clock_file="clock",
    port=4711,
    template_sha256="",
    outputs={"TableName": "trial"},
    protocol=CURRENT,
)


class FakeCloudFormation:
    """Takes a stack through the given states."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def create_stack(self, **request: Any) -> None:
        self.asked.append(("create", request))

    def update_stack(self, **request: Any) -> None:
        self.asked.append(("update", request))

    def get_template_summary(self, **_: str) -> dict[str, Any]:
        return {"Parameters": [{"ParameterKey": "OnAws"}, {"ParameterKey": "ForceName"}]}

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        outputs = [{"OutputKey": "TableName", "OutputValue": "trial"}]
        return {"Stacks": [{"StackStatus": self.states.pop(0), "Outputs": outputs}]}

    def describe_stack_events(self, **_: str) -> dict[str, Any]:
        def event(name: str, status: str, **reason: str) -> dict[str, str]:
            return {"LogicalResourceId": name, "ResourceType": "T", "ResourceStatus": status} | {
                f"ResourceStatus{key}": value for key, value in reason.items()
            }

        return {
            "StackEvents": [
                event("Second", "CREATE_FAILED"),
                event("Table", "CREATE_FAILED", Reason="no key"),
                event("Fine", "CREATE_COMPLETE"),
            ]
        }

    def describe_events(self, **_: str) -> dict[str, Any]:
        found = {"LogicalResourceId": "Bucket", "ValidationStatusReason": "name taken"}
        return {"OperationEvents": [{"LogicalResourceId": "Fine"}, found]}


@pytest.fixture(autouse=True)
def description(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "stack.json"
    for module in (deployed_stack, stack):
        monkeypatch.setattr(module, "DESCRIPTION", file)
    return file


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The emulator's starts and stops."""
    seen: list[str] = []
    monkeypatch.setattr(emulator, "running", lambda: 1 if seen[-1:] == ["start"] else None)
    monkeypatch.setattr(emulator, "start", lambda _: seen.append("start"))
    monkeypatch.setattr(emulator, "stop", lambda: seen.append("stop"))
    monkeypatch.setattr(moved_clock, "follow", lambda _: None)
    monkeypatch.setattr(stack, "refuse_taken", lambda _: None)
    monkeypatch.setattr(deployed_stack, "_listens", lambda _: True)
    return seen


def test_a_stack_that_is_not_up_says_how_to_start_it() -> None:
    with pytest.raises(SystemExit, match="make up"):
        LocalStack.load()


def test_a_stack_whose_emulator_died_points_at_its_log(description: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    gone = replace(STACK, endpoint_url=f"http://127.0.0.1:{port}")
    description.write_text(json.dumps(asdict(gone)))
    with pytest.raises(SystemExit, match=r"has stopped: see .*emulator\.log"):
        LocalStack.load()


def test_a_saved_stack_loads_as_it_was(description: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        listening = replace(STACK, endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        description.write_text(json.dumps(asdict(listening)))
        assert LocalStack.load() == listening


def test_a_deployment_that_fails_leaves_no_emulator(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "deploy", fail)
    with pytest.raises(KeyboardInterrupt):
        stack.up(4711)
    assert calls == ["start", "stop"]


def test_a_deployed_stack_stays_up(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    deployed: list[tuple[int, str, bool]] = []
    monkeypatch.setattr(stack, "deploy", noting(deployed))
    stack.up(4711, "dapo-1")
    assert (calls, deployed) == (["start"], [(4711, "dapo-1", True)])


def no_emulator(port: int) -> None:
    raise ConnectionError(f"nothing listens on {port}")


def noting(deployed: list[tuple[int, str, bool]]) -> Callable[..., None]:
    """In place of a deployment."""
    return lambda port, protocol, *, takes_orders: deployed.append((port, protocol, takes_orders))


@pytest.mark.parametrize("takes_orders", [True, False])
def test_a_stack_keeps_its_trial_open_or_closed_unless_a_change_is_asked_for(
    calls: list[str],
    description: Path,
    monkeypatch: pytest.MonkeyPatch,
    takes_orders: bool,  # noqa: FBT001 - a parameter of pytest's
) -> None:
    calls.append("start")
    running = replace(STACK, protocol="dapo-1", takes_orders=takes_orders)
    description.write_text(json.dumps(asdict(running)))
    deployed: list[tuple[int, str, bool]] = []
    monkeypatch.setattr(stack, "deploy", noting(deployed))
    stack.up(4711)
    stack.up(4711, close=True)
    stack.up(4711, "fixture-1")
    assert deployed == [
        (4711, "dapo-1", takes_orders),
        (4711, "dapo-1", False),
        (4711, "fixture-1", True),
    ]


def test_a_trial_is_not_opened_and_closed_at_once(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["stack", "up", "--protocol", "dapo-1", "--close"])
    with pytest.raises(SystemExit):
        stack.main()
    assert calls == []


def test_an_invalid_protocol_is_refused_before_anything_starts(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["stack", "up", "--protocol", "dapo-9"])
    with pytest.raises(SystemExit, match=r"cannot be used: .*There are: .*dapo-1"):
        stack.main()
    assert calls == []


def test_a_failed_change_leaves_the_stack_that_was_up(
    calls: list[str], description: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(port: int, _: str, *, takes_orders: bool) -> None:
        raise SystemExit(f"no, on {port}: {takes_orders}")

    calls.append("start")
    description.write_text(json.dumps(asdict(STACK)))
    monkeypatch.setattr(stack, "deploy", fail)
    with pytest.raises(SystemExit, match="no, on 4711"):
        stack.up(4999)
    assert calls == ["start"]


def test_make_down_forgets_the_stack_even_if_its_emulator_died(
    description: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    description.write_text("{}")
    monkeypatch.setattr(emulator, "stop", lambda: False)
    stack.down()
    assert not description.exists()
    assert capsys.readouterr().out == "Nothing was running.\n"


def test_a_port_in_use_is_named_with_the_remedy() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"Port {port}: .* PORT={port + 1}"):
            stack.refuse_taken(port)
    stack.refuse_taken(port)


def test_an_unchanged_stack_is_not_redeployed(
    calls: list[str],
    description: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls.append("start")
    known = {"template_sha256": hashlib.sha256(b"hello").hexdigest(), "protocol": "dapo-1"}
    description.write_text(json.dumps(asdict(STACK) | known))
    monkeypatch.setattr(package, "linked_libraries", lambda _: {})
    monkeypatch.setattr(package, "build", lambda *_, **__: ("hello", {}))
    monkeypatch.setattr(stack, "access", no_emulator)
    before = description.stat()
    stack.deploy(4711, "dapo-1", takes_orders=True)
    assert description.stat() == before
    assert capsys.readouterr().out.endswith("The trial dapo (protocol dapo-1) is open.\n")
    for protocol, takes in (("fixture-1", True), ("dapo-1", False)):
        with pytest.raises(ConnectionError):  # what has changed is deployed
            stack.deploy(4711, protocol, takes_orders=takes)


def test_the_stack_is_created_once_and_then_updated(description: Path) -> None:
    fake = FakeCloudFormation(
        "CREATE_IN_PROGRESS", "CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"
    )
    stack.change(fake, "template", stack.PARAMETERS)  # type: ignore[arg-type]
    description.touch()
    stack.change(fake, "template", stack.PARAMETERS)  # type: ignore[arg-type]
    assert [name for name, _ in fake.asked] == ["create", "update"]
    given = [{"ParameterKey": "OnAws", "ParameterValue": "false"}]
    assert [request["Parameters"] for _, request in fake.asked] == [given, given]


def test_a_failed_deployment_names_the_resources_and_reasons() -> None:
    fake = FakeCloudFormation("CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE")
    with pytest.raises(SystemExit) as failure:
        stack.change(fake, "template", stack.PARAMETERS)  # type: ignore[arg-type]
    assert str(failure.value).splitlines() == [
        "The stack is ROLLBACK_COMPLETE:",
        "  Table (T): no key",
        "  Second (T): no reason given",
        "  Bucket: name taken",
    ]


def test_a_deployment_that_never_ends_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "DEPLOY_SECONDS", -1)
    with pytest.raises(SystemExit, match="Still CREATE_IN_PROGRESS after"):
        stack.change(FakeCloudFormation("CREATE_IN_PROGRESS"), "template", stack.PARAMETERS)  # type: ignore[arg-type]


def test_the_api_is_found_by_its_stage_and_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "CLOCK", Path("clock"))
    resources = (
        Resource("Api", "abc", "AWS::ApiGateway::RestApi"),
        Resource("ApiStage", "v1", "AWS::ApiGateway::Stage"),
        Resource("Table", "trial", "AWS::DynamoDB::Table"),
    )
    found = DeployedStack("dvpo-reminders", {}, resources)
    monkeypatch.setattr(DeployedStack, "found", lambda *_: found)
    monkeypatch.setattr(stack, "upstream", lambda _: ("test", "test"))
    fake = FakeCloudFormation("CREATE_COMPLETE")
    assert stack.describe(fake, 4711, "", CURRENT, takes_orders=True) == STACK  # type: ignore[arg-type]


@pytest.fixture
def handlers() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in stack.ENDING}
    for number in kept:
        signal.signal(number, signal.SIG_DFL)  # the tests' own process may ignore some
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_a_closed_terminal_and_a_termination_clean_up_once(first: signal.Signals) -> None:
    stack.unwind_on_signals()
    with pytest.raises(SystemExit, match="Interrupted"):
        signal.raise_signal(first)
    for second in stack.ENDING:
        signal.raise_signal(second)


@pytest.mark.usefixtures("handlers")
def test_a_closed_terminal_that_only_make_notices_cleans_up_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        before = set(threading.enumerate())
        stack.unwind_on_signals()
        (watch,) = set(threading.enumerate()) - before
        with pytest.raises(SystemExit, match="Interrupted"):
            _close_and_join(ours, watch)


def _close_and_join(master: int, watch: threading.Thread) -> None:
    os.close(master)
    watch.join()


@pytest.mark.usefixtures("handlers")
def test_under_nohup_a_closed_terminal_changes_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stack.unwind_on_signals()
    signal.raise_signal(signal.SIGHUP)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("command", [stack.main, demo.main])
def test_the_commands_that_start_a_stack_clean_up_on_signals(
    command: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["command", *(["up"] if command is stack.main else [])])
    monkeypatch.setattr(emulator, "running", lambda: None)
    monkeypatch.setattr(stack, "up", lambda *_, **__: signal.raise_signal(signal.SIGHUP))
    with pytest.raises(SystemExit, match="Interrupted"):
        command()


def test_status_shows_the_time_and_the_current_work(
    description: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    description.write_text(json.dumps(asdict(replace(STACK, takes_orders=False))))
    work = SimpleNamespace(now=1796461200.0, running=2, unread=3, due=[1.0, 2.0])
    monkeypatch.setattr(deployed_stack, "_listens", lambda _: True)
    monkeypatch.setattr(emulator, "read_page", lambda *_: vars(work))
    stack.status()
    told = capsys.readouterr().out
    assert f"(protocol {CURRENT}) is closed: no order is taken." in told
    assert "Sat 05 Dec 2026 09:00:00 UTC; 2 schedules due once" in told
    assert "running: 2; stream records not yet read: 3" in told
