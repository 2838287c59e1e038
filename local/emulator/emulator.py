"""Starts, finds and stops this checkout's AWS emulator, which is one process."""

import fcntl
import http.client
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from commands import moved_clock
from commands.deployed_stack import OWNER_KEY, ROOT, STATE

CLOCK = STATE / "clock"
LOCK = STATE / "emulator.lock"
LOG = STATE / "emulator.log"
TEMPORARY = STATE / "tmp"

HOST, REGION = "127.0.0.1", "eu-west-2"
TEXTS_PAGE = "/_ministack/sns/sms-messages"
SERVICES = (
    "apigateway,cloudformation,dynamodb,dynamodbstreams,events,iam,kms,lambda,logs,monitoring,s3,"
    "scheduler,secretsmanager,sns,sqs,ssm,sts,wafv2"
)
SPACE_MB = 200
"""The disk space for the layer's libraries, the functions' folders and a month's log."""

START_SECONDS, STOP_SECONDS, ANSWER_SECONDS = 60, 10, 30
PTH = (
    f'import os; "{moved_clock.VARIABLE}" in os.environ and '
    f'__import__("dvpo_moved_clock").follow(os.environ["{moved_clock.VARIABLE}"])\n'
)


def start(port: int) -> None:
    """Start the emulator in the background at the real time, and wait until it answers."""
    require_emulator()
    require_space()
    STATE.mkdir(exist_ok=True)
    with ExitStack() as undo, LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("This checkout's emulator is running, or being started, already.")
        shutil.rmtree(TEMPORARY, ignore_errors=True)
        TEMPORARY.mkdir()
        write(CLOCK, "0")
        install_clock(Path(sysconfig.get_path("purelib")))
        with LOG.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "local.emulator.launcher"],
                cwd=ROOT,
                env=environment(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
        undo.callback(process.wait)
        undo.callback(stop)
        lock.truncate(0)
        lock.write(str(process.pid))
        lock.flush()
        wait_until_healthy(process, port)
        undo.pop_all()
        process.returncode = 0  # it outlives this process: this silences Python's warning


def require_emulator() -> None:
    """Exit if this environment has no emulator: nothing may be changed or started in it."""
    if importlib.util.find_spec("ministack") is None:
        sys.exit(f"{sys.executable} has no emulator: use `make`, or .venv-local/bin/python.")


def require_space() -> None:
    """Exit if the disk is nearly full: later the emulator would fail in obscure ways."""
    free = shutil.disk_usage(ROOT).free // 1_000_000
    if free < SPACE_MB:
        sys.exit(f"The disk is full: {STATE} needs about {SPACE_MB} MB, and {free} MB are free.")


def running() -> int | None:
    """
    The emulator's process id, while that process is alive.

    The emulator holds a lock until it ends, however it ends, so a process id that the system has
    reused is never mistaken for it.
    """
    with suppress(FileNotFoundError), LOCK.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(lock.read())
    return None


def stop() -> bool:
    """Kill the emulator and its functions, which save nothing; False if none was running."""
    pid = running()
    if pid is None:
        return False
    os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + STOP_SECONDS
    while running():
        if time.monotonic() > deadline:
            sys.exit(f"Process {pid} cannot be ended.")
        time.sleep(0.01)
    shutil.rmtree(TEMPORARY, ignore_errors=True)
    return True


def wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until the emulator answers; exit with its last output if it does not."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError):
            read_page(port, "/_ministack/health")
            return
        time.sleep(0.05)
    last = "\n".join(LOG.read_text(errors="replace").splitlines()[-20:])
    sys.exit(f"{last}\nThe emulator did not start: see {LOG}")


def read_page(port: int, path: str) -> dict[str, Any]:
    """One of the emulator's own pages, which are JSON and need no signature."""
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        page: dict[str, Any] = json.load(connection.getresponse())
    finally:
        connection.close()
    return page


def texts(port: int) -> list[dict[str, Any]]:
    """Every text that the emulator has taken: grouped by number, each group in the order sent."""
    by_number = read_page(port, TEXTS_PAGE)["sms_messages"]
    return [text for number in by_number.values() for text in number]


def environment(port: int) -> dict[str, str]:
    """
    The environment variables of the emulator and, through it, of every function.

    Nothing else of this machine's gets in: no proxy, no module path, no real AWS credentials.
    """
    return {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": OWNER_KEY,
        "AWS_SECRET_ACCESS_KEY": OWNER_KEY,
        "BIND_HOST": HOST,
        "DOCKER_HOST": f"unix://{TEMPORARY}/none",  # else it would look after containers
        "GATEWAY_PORT": str(port),
        "HOME": str(TEMPORARY),
        "IOT_MTLS_ENABLED": "0",  # else it would listen on a fixed port as well
        "MINISTACK_REGION": REGION,
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "SERVICES": SERVICES,
        "TMPDIR": str(TEMPORARY),
        "TZ": "UTC",
        moved_clock.VARIABLE: str(CLOCK),
    }


def install_clock(site_packages: Path) -> None:
    """Make every process of this environment follow the clock that its variables name."""
    code = Path(moved_clock.__file__).read_text()
    for name, content in {"dvpo_moved_clock.py": code, "dvpo_moved_clock.pth": PTH}.items():
        file = site_packages / name
        if not file.exists() or file.read_text() != content:
            write(file, content)


def write(file: Path, content: str) -> None:
    """Replace the file atomically, so that nobody reads half of it."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.write_text(content)
    unfinished.replace(file)
