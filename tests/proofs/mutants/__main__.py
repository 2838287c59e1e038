"""
Delete each guard in a copy of the tree, and see which test notices.

`python -m tests.proofs.mutants [WORD...]`, the words choosing guards by what they prevent. First
runs the test that `witnesses.json` names for the guard, which takes seconds. If that passes, or
none is named, the guard's own tests and then the simulator look for it; `--learn` writes down who
noticed. Ends with 1 if nobody notices that a guard is missing, or its code is not found.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from tests.proofs.mutants.guards import GUARDS, Guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[3]
WITNESSES = Path(__file__).with_name("witnesses.json")

_LEFT = (".*", "build", "__pycache__")
_SEEDS = 100
_SIMULATOR = ("-m", "tests.proofs.simulation", "--seeds", f"{_SEEDS}")
_PYTEST = ("-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider")
_ALSO = {
    "functions/allocation": ("commands/repair",),
    "functions/enrolment": ("functions/allocation/test_concurrency.py", "functions/retention"),
    "functions/retention": ("commands/audit/test_subject_access.py",),
    "layers/common": (
        "functions/sending",
        "functions/audit",
        "functions/enrolment",
        "functions/reconciliation",
        "commands/repair",
    ),
}
"""Which tests look at a folder's code, besides those in the folder of the same name."""
_TELLING = re.compile(
    r"^(?:seed \d+: .*|never injected: .*|(?:FAILED|ERROR) tests/.*)", re.MULTILINE
)
_TEST = re.compile(r"^FAILED (tests/\S+\.py::.+?)(?: - |$)")


class Caught(NamedTuple):
    """The test that noticed a missing guard, how, and after how many seconds."""

    by: str | None
    what: str
    seconds: float


def witnesses() -> dict[str, str]:
    """The test that noticed the absence of each guard, by what the guard prevents."""
    found: dict[str, str] = json.loads(WITNESSES.read_text())
    return found


def _tests_of(file: str) -> list[str]:
    """The tests mirror the tree: those of a function lie in the folder of its name."""
    folder = "/".join(Path(file).parts[:2])
    own = {"layers/common": "layers", "infra/template.yaml": "infra"}.get(folder, folder)
    return [f"tests/{each}" for each in (own, *_ALSO.get(folder, ()))]


class Trees:
    """Copies of the tree, one for each worker, and reused."""

    def __init__(self, folder: Path, count: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(count):
            tree = folder / f"tree-{number}"
            shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT))
            self._free.put(tree)

    @contextmanager
    def without(self, guard: Guard) -> Iterator[Path]:
        """A copy in which the guard is missing, and put back afterwards."""
        tree = self._free.get()
        file = tree / guard.file
        text = file.read_text()
        try:
            file.write_text(text.replace(guard.snippet, guard.replacement))
            yield tree
        finally:
            file.write_text(text)
            self._free.put(tree)


def tried(guard: Guard, trees: Trees, witness: str | None) -> Caught:
    """Try the tree without this guard."""
    began = time.monotonic()
    if (ROOT / guard.file).read_text().count(guard.snippet) != 1:
        return Caught(None, "its code is not there, or not once", 0)
    looking = [("tests", (*_PYTEST, *_tests_of(guard.file))), ("simulator", _SIMULATOR)]
    if witness:
        looking.insert(0, ("its test", (*_PYTEST, witness)))
    with trees.without(guard) as tree:
        for by, command in looking:
            ended = _ran(command, tree)
            said = _TELLING.findall(ended.stdout)
            # The named test may no longer exist; then others look.
            if ended.returncode and (said or by != "its test"):
                told = said or (ended.stderr or ended.stdout).splitlines() or ["?"]
                return Caught(by, told[-1], time.monotonic() - began)
    return Caught(None, "NOBODY", time.monotonic() - began)


def _ran(command: Sequence[str], tree: Path) -> subprocess.CompletedProcess[str]:
    # A copy keeps its bytecode, which halves the time of a short test; a changed file is compiled
    # again, since its time of change differs.
    kept = {"PYTHONDONTWRITEBYTECODE": "1" if tree == ROOT else ""}
    return subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": "functions:layers/common:."} | kept,
        capture_output=True,
        text=True,
        check=False,
    )


def _learned(caught: Caught) -> str | None:
    """The test that noticed, unless it fails in the whole tree too."""
    test = _TEST.match(caught.what)
    return test[1] if test and not _ran((*_PYTEST, test[1]), ROOT).returncode else None


def main(arguments: Sequence[str]) -> int:
    """Try every guard, as many at once as there are cores; 0 if every removed one was detected."""
    parser = argparse.ArgumentParser(prog="tests.proofs.mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only guards that prevent what has these words")
    parser.add_argument("--learn", action="store_true", help="write down which test noticed")
    given = parser.parse_args(arguments)
    guards = [guard for guard in GUARDS if all(word in guard.prevents for word in given.words)]
    named, cores = witnesses(), os.cpu_count() or 1
    console = Console(file=sys.stdout, highlight=False)
    table = Table("prevents", "noticed by", "as", "seconds", title="Without each guard")
    survived, began = 0, time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as folder,
        ThreadPoolExecutor(cores) as pool,
    ):
        trees = Trees(Path(folder), cores)
        found = pool.map(lambda guard: tried(guard, trees, named.get(guard.prevents)), guards)
        for guard, caught in track(
            zip(guards, found, strict=True),
            "without each guard",
            total=len(guards),
            console=console,
            disable=not console.is_terminal,
        ):
            survived += caught.by is None
            if not console.is_terminal:
                line = f"{guard.prevents}: {caught.by or 'nobody'}: {caught.what}"
                console.print(line, markup=False, soft_wrap=True)
            if given.learn and caught.by == "tests" and (test := _learned(caught)):
                named[guard.prevents] = test
                _keep(named)
            table.add_row(
                guard.prevents,
                caught.by or "[bold red]nobody",
                escape(caught.what),
                f"{caught.seconds:.0f}",
            )
    console.print(table)
    console.print(
        f"{len(guards) - survived} of {len(guards)} removed guards were detected; "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if survived else 0


def _keep(named: dict[str, str]) -> None:
    known = {guard.prevents: named[guard.prevents] for guard in GUARDS if guard.prevents in named}
    WITNESSES.write_text(f"{json.dumps(known, indent=2)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
