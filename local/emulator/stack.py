"""
Starts and stops the whole system on this machine.

`up` starts the emulator, packages the functions and deploys the template through CloudFormation's
own API. If the stack is already up, it deploys what has changed; the open trial stays open, and a
closed one closed, unless you say otherwise.
"""

import argparse
import hashlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
from botocore.exceptions import ClientError

from commands import moved_clock
from commands.deploy import package
from commands.deployed_stack import (
    DESCRIPTION,
    STATE,
    DeployedStack,
    LocalStack,
    failures,
    outputs_of,
    owner_access,
)
from local.emulator import emulator
from local.emulator.launcher import WORK_PAGE
from trial.protocol.load import CURRENT, ProtocolError, load, versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

LIBRARIES = STATE / "layer"
NAME, BUCKET, UPSTREAM = "dvpo-reminders", "packages", "upstream"
PARAMETERS = {
    "OnAws": "false",
    "ForceContact": "101",
    "StaffPhone": "+447700900999",
    "OrdersPerDay": "1000",  # so that nobody hits the limit by accident on one machine
    "TextsPerDay": "500",
}
DEPLOY_SECONDS = 120
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def access(port: int) -> dict[str, Any]:
    """A boto3 client's arguments for the emulator; its process must follow the moved clock."""
    return owner_access(f"http://{emulator.HOST}:{port}", emulator.REGION)


def up(port: int, protocol: str | None = None, *, close: bool = False) -> None:
    """
    Start the stack or bring it up to date; on failure, stop whatever this call started.

    A protocol opens its trial; `close` closes the open one. Without either a running stack keeps
    what it has, and a new one opens the trial of the default protocol.
    """
    with ExitStack() as undo:
        if emulator.running():
            if (asked := port) != (port := LocalStack.load().port):
                print(f"The stack already runs on port {port}, not {asked}: make down first.")
        else:
            DESCRIPTION.unlink(missing_ok=True)
            refuse_taken(port)
            print(f"Starting the emulator on port {port} ...", flush=True)
            emulator.start(port)
            undo.callback(emulator.stop)
        moved_clock.follow(str(emulator.CLOCK))
        running = LocalStack.load() if DESCRIPTION.exists() else None
        wanted = protocol or (running.protocol if running else CURRENT)
        takes = not close and bool(protocol or not running or running.takes_orders)
        deploy(port, wanted, takes_orders=takes)
        undo.pop_all()


def refuse_taken(port: int) -> None:
    """Exit if the port is taken: its owner, perhaps another checkout, is not ours to stop."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((emulator.HOST, port))
        except OSError as error:
            sys.exit(f"Port {port}: {error.strerror}. Choose another, such as PORT={port + 1}.")


def refuse_unknown(protocol: str) -> None:
    """Exit if the protocol cannot be used, before anything is started."""
    try:
        load(protocol)
    except ProtocolError as error:
        sys.exit(f"The protocol cannot be used: {error}. There are: {', '.join(versions())}")


def deploy(port: int, protocol: str, *, takes_orders: bool) -> None:
    """Deploy the template and the code, and write down how to reach the stack."""
    libraries = package.linked_libraries(LIBRARIES)
    place = f"http://{emulator.HOST}:{port}/{BUCKET}/"
    template, files = package.build(libraries, archives_at=f"s3://{BUCKET}/", templates_at=place)
    sha256 = hashlib.sha256(template.encode()).hexdigest()
    if DESCRIPTION.exists():
        running = LocalStack.load()
        now = running.template_sha256, running.protocol, running.takes_orders
        if now == (sha256, protocol, takes_orders):
            print(f"Up already, and up to date: {running.api_url}")
            print(_open_trial(running))
            return
    began = time.monotonic()
    storage = boto3.client("s3", **access(port))
    if not DESCRIPTION.exists():
        storage.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
        )
    # The template too: it exceeds the 51,200 bytes that a request may carry.
    for name, data in {**files, package.TEMPLATE.name: template.encode()}.items():
        storage.put_object(Bucket=BUCKET, Key=name, Body=data)
    address = place + package.TEMPLATE.name
    cloudformation = boto3.client("cloudformation", **access(port))
    try:
        takes = {"Protocol": protocol, "TakesOrders": "true" if takes_orders else "false"}
        change(cloudformation, address, PARAMETERS | takes)
    except ClientError as error:
        sys.exit(f"CloudFormation refused the template: {error}")
    description = describe(cloudformation, port, sha256, protocol, takes_orders=takes_orders)
    emulator.write(DESCRIPTION, json.dumps(asdict(description), indent=2) + "\n")
    seconds = time.monotonic() - began
    print(f"Deployed in {seconds:.1f} s: {description.api_url} (see {DESCRIPTION})")
    print(_open_trial(description))
    print("Post an order: make order. Worklist: make worklist. Live dashboard: make panels.")
    print(f"For a client of your own: API_URL={description.client_url}")


def _open_trial(running: LocalStack) -> str:
    trial = f"The trial {load(running.protocol).trial} (protocol {running.protocol})"
    return f"{trial} is {'open' if running.takes_orders else 'closed: no order is taken'}."


def change(
    cloudformation: "CloudFormationClient", address: str, parameters: "Mapping[str, str]"
) -> None:
    """Create or update the stack from the template at an address, and wait until it is done."""
    summary = cloudformation.get_template_summary(TemplateURL=address)
    declared = {parameter["ParameterKey"] for parameter in summary["Parameters"]}
    act = cloudformation.update_stack if DESCRIPTION.exists() else cloudformation.create_stack
    act(
        StackName=NAME,
        TemplateURL=address,
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": parameters[name]}
            for name in parameters.keys() & declared
        ],
    )
    deadline = time.monotonic() + DEPLOY_SECONDS
    while (status := deployed(cloudformation)["StackStatus"]).endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            sys.exit(f"Still {status} after {DEPLOY_SECONDS} s: see {emulator.LOG}")
        time.sleep(0.05)
    if status not in DONE:
        sys.exit("\n".join([f"The stack is {status}:", *failures(cloudformation, NAME)]))


def deployed(cloudformation: "CloudFormationClient") -> "StackTypeDef":
    """The stack as CloudFormation describes it."""
    return cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]


def describe(
    cloudformation: "CloudFormationClient",
    port: int,
    sha256: str,
    protocol: str,
    *,
    takes_orders: bool,
) -> LocalStack:
    """How to reach the deployed stack."""
    deployed_stack = DeployedStack.found(NAME, access(port))
    (stage,) = deployed_stack.of_type("AWS::ApiGateway::Stage").values()
    (rest_api,) = deployed_stack.of_type("AWS::ApiGateway::RestApi").values()
    key_id, secret = upstream(port)
    endpoint_url = f"http://{emulator.HOST}:{port}"
    return LocalStack(
        endpoint_url=endpoint_url,
        api_url=f"{endpoint_url}/{stage}",
        api_host=f"{rest_api}.execute-api.localhost:{port}",
        region=emulator.REGION,
        access_key_id=key_id,
        secret_access_key=secret,
        stack_name=NAME,
        clock_file=str(emulator.CLOCK),
        port=port,
        template_sha256=sha256,
        protocol=protocol,
        takes_orders=takes_orders,
        outputs=outputs_of(deployed(cloudformation)),
    )


def upstream(port: int) -> tuple[str, str]:
    """An access key with every right. The emulator verifies no signature under its own key."""
    if DESCRIPTION.exists():
        stack = LocalStack.load()
        return stack.access_key_id, stack.secret_access_key
    iam = boto3.client("iam", **access(port))
    iam.create_user(UserName=UPSTREAM)
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": anything})
    iam.put_user_policy(UserName=UPSTREAM, PolicyName="anything", PolicyDocument=document)
    key = iam.create_access_key(UserName=UPSTREAM)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def down() -> None:
    """Stop what `up` started, and nothing else."""
    stopped = emulator.stop()
    DESCRIPTION.unlink(missing_ok=True)
    print("Down." if stopped else "Nothing was running.")


def status() -> None:
    """Print what is up, its clock, and its unfinished work."""
    stack = LocalStack.load()
    work = emulator.read_page(stack.port, WORK_PAGE)
    now = datetime.fromtimestamp(work["now"], UTC)
    print(f"Up, on port {stack.port}: {stack.api_url} with Host: {stack.api_host}")
    print(f"For a client of your own: API_URL={stack.client_url}")
    print(_open_trial(stack))
    print(f"It lives at {now:%a %d %b %Y %H:%M:%S} UTC; {len(work['due'])} schedules due once.")
    print(f"Invocations running: {work['running']}; stream records not yet read: {work['unread']}")


def a_port(text: str) -> int:
    """A port that does not need root."""
    if not text.isdecimal() or int(text) not in range(1024, 65536):
        raise argparse.ArgumentTypeError("is a number from 1024 to 65535")
    return int(text)


def add_port(parser: argparse.ArgumentParser) -> None:
    """Let the command line name the port of the stack that a command starts."""
    default = os.environ.get("PORT", "4566")
    parser.add_argument("--port", type=a_port, default=default, help="default: $PORT or 4566")


@contextmanager
def for_one_run(port: int, protocol: str | None = None) -> "Iterator[LocalStack]":
    """A stack of the run's own, stopped after it; exits if a call fails."""
    unwind_on_signals()
    if emulator.running():
        sys.exit("A stack is already up, and the demo needs its own. Stop it with: make down")
    with ExitStack() as undo:
        undo.callback(lambda: down() if emulator.running() else None)
        up(port, protocol)
        try:
            yield LocalStack.load()
        except (OSError, RuntimeError) as error:
            sys.exit(f"The run was interrupted: {error}. See {emulator.LOG}")


def unwind_on_signals() -> None:
    """
    Unwind on Ctrl-C, hang-up and termination, so that nothing is left running.

    A signal already ignored, such as a hang-up under nohup, stays ignored.
    """
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupted)
    if sys.stdout.isatty() and signal.getsignal(signal.SIGHUP) is _interrupted:
        hangup_watch(sys.stdout.fileno()).start()


def hangup_watch(terminal: int) -> threading.Thread:
    """
    A thread that raises SIGHUP when the terminal is closed.

    The kernel signals only the session leader. Under `ssh -t host make demo` that is make, which
    does not pass the signal on.
    """
    hangups = select.poll()
    hangups.register(terminal, 0)  # a hang-up is always reported

    def wait() -> None:
        hangups.poll()
        os.kill(os.getpid(), signal.SIGHUP)

    return threading.Thread(target=wait, daemon=True)


def _interrupted(*_: object) -> NoReturn:
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the unwinding
    sys.exit("Interrupted.")


def main() -> None:
    """Run the command: up, down or status."""
    parser = argparse.ArgumentParser(prog="python -m local.emulator.stack", description=__doc__)
    commands = {"down": down, "status": status}
    parser.add_argument("command", choices=["up", *commands])
    add_port(parser)
    parser.add_argument(
        "--protocol", help=f"open this protocol's trial; a new stack's default: {CURRENT}"
    )
    parser.add_argument("--close", action="store_true", help="close the open trial, open no other")
    options = parser.parse_args()
    unwind_on_signals()
    if options.command == "up":
        if options.protocol:
            refuse_unknown(options.protocol)
        if options.protocol and options.close:
            parser.error("--protocol opens a trial, --close closes one: say one of them")
        up(options.port, options.protocol, close=options.close)
    else:
        commands[options.command]()


if __name__ == "__main__":
    main()
