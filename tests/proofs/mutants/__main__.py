"""
Delete each guard in a copy of the tree, and see who notices.

`python -m tests.proofs.mutants [WORD...]`, the words choosing guards by what they prevent. First
the simulator looks, then the tests. Ends with 1 if a guard is missed by both, or is not found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from tests.proofs.mutants.guards import GUARDS, Guard

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]

_LEFT = (".*", "build", "__pycache__")
_SEEDS = 100
_SIMULATOR = ("-m", "tests.proofs.simulation", "--seeds", f"{_SEEDS}")
_PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:randomly", "-p", "no:cacheprovider")
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
    r"^(?:seed \d+: .*|never injected: .*|(?:FAILED|ERROR) \S+::\S+)", re.MULTILINE
)


class Caught(NamedTuple):
    """Who noticed that a guard was missing, by what, after how many seconds."""

    by: str | None
    what: str
    seconds: float


def _tests_of(file: str) -> list[str]:
    """The tests mirror the tree: those of a function lie in the folder of its name."""
    folder = "/".join(Path(file).parts[:2])
    own = {"layers/common": "layers", "infra/template.yaml": "infra"}.get(folder, folder)
    return [f"tests/{each}" for each in (own, *_ALSO.get(folder, ()))]


def without(guard: Guard) -> Caught:
    """Try the tree without this guard."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT))
        mutated = tree / guard.file
        text = mutated.read_text()
        if text.count(guard.snippet) != 1:
            return Caught(None, "its code is not there, or not once", 0)
        mutated.write_text(text.replace(guard.snippet, guard.replacement))
        tests = _tests_of(guard.file)
        for by, command in (("simulator", _SIMULATOR), ("tests", (*_PYTEST, *tests))):
            ended = subprocess.run(
                [sys.executable, *command],
                cwd=tree,
                env=os.environ | {"PYTHONPATH": "functions:layers/common:."},
                capture_output=True,
                text=True,
                check=False,
            )
            if ended.returncode:
                told = _TELLING.findall(ended.stdout) or (ended.stderr or ended.stdout).splitlines()
                return Caught(by, told[-1] if told else "?", time.monotonic() - began)
    return Caught(None, "NOBODY", time.monotonic() - began)


def main(words: Sequence[str]) -> int:
    """Try every guard, as many at once as there are cores; 0 if all were missed by somebody."""
    guards = [guard for guard in GUARDS if all(word in guard.prevents for word in words)]
    console = Console(file=sys.stdout, highlight=False)
    table = Table("prevents", "noticed by", "as", "seconds", title="Without each guard")
    survived = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        trials = track(
            zip(guards, pool.map(without, guards), strict=True),
            "without each guard",
            total=len(guards),
            console=console,
            disable=not console.is_terminal,
        )
        for guard, caught in trials:
            survived += caught.by is None
            if not console.is_terminal:
                console.print(
                    f"{guard.prevents}: {caught.by or 'nobody'}: {caught.what}", markup=False
                )
            table.add_row(
                guard.prevents,
                caught.by or "[bold red]nobody",
                escape(caught.what),
                f"{caught.seconds:.0f}",
            )
    console.print(table)
    console.print(f"{len(guards) - survived} of {len(guards)} guards are missed when they are gone")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
