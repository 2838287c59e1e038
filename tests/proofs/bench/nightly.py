"""
What the extract and the proof use, by the number of orders.

Each extract is in a new process. Its input is generated page by page, and its output goes to a
folder: neither is in memory. The proof gets as many old orders again, which it must not read.
"""

import gc
import json
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import time_machine
from botocore.exceptions import ClientError

from extract.extract import Became, extract
from extract.store import ExtractStore
from tests.proofs.bench.made_up import MadeUpSchedules, MadeUpTable, examples, open_gate
from tests.proofs.bench.meter import MeteredCall, MeteredFunctions
from tests.proofs.simulation.cloud import Kms
from tests.support.fixture_protocol import AGREED
from tests.support.samples import MORNING, ROOT
from trial.aws.kms import MacKey
from trial.aws.table import Table

SIZES = (1_000, 10_000, 100_000)
PROVEN = (100, *SIZES)
AT_LEAST = 10_000  # orders of each size, in as many rounds as that takes


class CountedCalls(list[MeteredCall]):
    """Calls without their content, because hundreds of thousands would not fit into memory."""

    def append(self, call: MeteredCall) -> None:
        super().append(replace(call, request={}, answer={}))


class Folder:
    """A bucket on this machine's disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get_object(self, **request: Any) -> dict[str, Any]:
        """As S3's."""
        path = self._root / request["Key"]
        if not path.exists():
            answer: Any = {"Error": {"Code": "NoSuchKey"}}
            raise ClientError(answer, "GetObject")
        return {"Body": BytesIO(path.read_bytes()), "ETag": "1"}

    def put_object(self, **request: Any) -> dict[str, Any]:
        """As S3's."""
        path, body = self._root / request["Key"], request["Body"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.read())
        return {"ETag": "1"}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        """As S3's."""
        return {"KeyCount": int((self._root / request["Prefix"]).exists())}


def at_sizes(progress: Callable[[], None]) -> dict[int, dict[str, float]]:
    """Seconds and megabytes of an extract, by its number of orders."""
    found = {}
    for size in SIZES:
        works = [_in_new_process(size) for _ in range(_rounds(size))]
        found[size] = {
            "seconds": statistics.median(work["seconds"] for work in works),
            "megabytes": max(work["megabytes"] for work in works),
        }
        progress()
    return found


def _in_new_process(size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.proofs.bench.nightly", f"{size}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _rounds(orders: int) -> int:
    """How often to measure so many, so that few take as long as many."""
    return max(1, AT_LEAST // orders)


def proven_at_sizes(progress: Callable[[], None]) -> dict[int, dict[str, float]]:
    """Calls, units and milliseconds of the proof for each order of this month and the last."""
    found = {}
    for size in PROVEN:
        found[size] = proven(size)
        progress()
    return found


def proven(orders: int) -> dict[str, float]:
    """The proof's resources for each of so many orders."""
    kept = examples()
    reminders = sum(item["kind"] == {"S": "reminder"} for each in kept for item in each.values())
    deployment = MeteredFunctions(calls=CountedCalls())
    deployment.memory.dynamo = table = MadeUpTable(kept, orders)
    deployment.memory.scheduler = MadeUpSchedules(table)
    table.index_all()
    seconds = []
    with time_machine.travel(MORNING, tick=False), deployment.lived_in():
        gc.collect()
        gc.freeze()  # filling the index is not the functions' work
        for _ in range(_rounds(orders)):
            work = deployment.invoke("reconciliation", {"proof": "control"})
            seconds.append(work.seconds)
        gc.unfreeze()
    looked_at = orders + orders * reminders // len(kept)
    assert work.answer == {"looked_at": looked_at, "finished": True, "gaps": {}}
    return {
        "calls": len(work.calls) / orders,
        "reads": work.reads / orders,
        "ms": 1000 * statistics.median(seconds) / orders,
    }


def taken(orders: int) -> dict[str, float]:
    """The extract's use of this process for so many orders."""
    table = Table(cast("Any", MadeUpTable(examples(), orders)), "trial")
    protocol = AGREED
    gc.collect()
    with TemporaryDirectory() as folder:
        store = ExtractStore(table, cast("Any", Folder(Path(folder))), "extract")
        began = time.process_time()
        became = extract(
            "2027-01-01",
            store=store,
            protocols=[protocol],
            research=MacKey(cast("Any", Kms(open_gate, "bench")), "research"),
            now=MORNING.astimezone(UTC) + timedelta(days=30),
            in_time=lambda: True,
        )
        seconds = time.process_time() - began
        assert became is Became.PUBLISHED
    return {"seconds": seconds, "megabytes": _most_memory()}


def _most_memory() -> float:
    """Megabytes that this process has ever held at once."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage on Linux may report the process that started this one
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # as macOS counts


if __name__ == "__main__":
    print(json.dumps(taken(int(sys.argv[1]))))  # noqa: T201 - what it was started for
