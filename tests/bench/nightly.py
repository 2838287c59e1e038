"""
The extract's processor time and memory by how many orders there are, each in a new process.

What is read is made up page by page, and what is written goes to a folder: neither is in memory.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import subprocess
import sys
import time
from datetime import UTC, timedelta
from io import BytesIO
from itertools import count, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import time_machine
from botocore.exceptions import ClientError

from extract.extract import Became, extract
from extract.store import ExtractStore
from tests.bench.acts import begun, treated
from tests.bench.meter import Deployment
from tests.simulation.cloud import Kms
from tests.support.samples import MORNING, ROOT
from trial.keys import MacKey
from trial.protocol import load
from trial.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulation.conditions import Item

SIZES = (1_000, 10_000, 100_000)
PAGE = 60  # orders in a megabyte

Partition = dict[str, "Item"]


class MadeUp:
    """A table that is made while it is scanned: these orders over and over, each another's."""

    def __init__(self, examples: list[Partition], orders: int) -> None:
        self._examples, self._orders = examples, orders

    def scan(self, **request: Any) -> dict[str, Any]:
        """One page of it."""
        after = request.get("ExclusiveStartKey")
        first = UUID(after["pk"]["S"].partition("#")[2]).int + 1 if after else 0
        end = min(first + PAGE, self._orders)
        items = [item for serial in range(first, end) for item in self._order(serial)]
        if end == self._orders:
            return {"Items": items}
        return {"Items": items, "LastEvaluatedKey": _key(items[-1])}

    def _order(self, serial: int) -> Iterator[Item]:
        ident = UUID(int=serial)
        for item in self._examples[serial % len(self._examples)].values():
            changed = item | {"pk": {"S": f"ENROLMENT#{ident}"}}
            for name, value in (("enrolment_id", str(ident)), ("person_hash", f"{serial:064x}")):
                if name in item:
                    changed[name] = {"S": value}
            yield changed


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


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
    """Seconds and megabytes of an extract, by how many orders it tells of."""
    found = {}
    for size in SIZES:
        command = [sys.executable, "-m", "tests.bench.nightly", f"{size}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found[size] = json.loads(done.stdout)
        progress()
    return found


def taken(orders: int) -> dict[str, float]:
    """What the extract of so many orders takes of this process."""
    with time_machine.travel(MORNING, tick=False):
        deployment = Deployment()
        with deployment.lived_in():
            lives = [begun(deployment, serial) for serial in islice(count(1), 8)]
            by_arm = {treated(deployment, life): life.enrolment_id for life in lives}
        kept = [
            deployment.memory.dynamo.partitions[f"ENROLMENT#{each}"] for each in by_arm.values()
        ]
    table = Table(cast("Any", MadeUp(kept, orders)), "trial")
    protocol = load("dvpo-2026-1")
    gc.collect()
    with TemporaryDirectory() as folder:
        store = ExtractStore(table, cast("Any", Folder(Path(folder))), "extract")
        began = time.process_time()
        became = extract(
            "2027-01-01",
            store=store,
            protocol=protocol,
            research=MacKey(cast("Any", Kms(lambda _, call, *__: call(), "bench")), "research"),
            now=MORNING.astimezone(UTC) + timedelta(days=30),
            in_time=lambda: True,
        )
        seconds = time.process_time() - began
        assert became is Became.PUBLISHED
    return {"seconds": seconds, "megabytes": _most_memory()}


def _most_memory() -> float:
    """Megabytes that this process has ever held at once."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells on Linux may be of the process that started this one
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # as macOS counts


if __name__ == "__main__":
    print(json.dumps(taken(int(sys.argv[1]))))  # noqa: T201 - what it was started for
