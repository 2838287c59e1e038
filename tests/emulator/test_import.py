"""A file of orders, killed half-way and sent again, through the system as deployed."""

import csv
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.emulator.conftest import System
from trial.identity import pnc_id

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("import")]

LINES = int(os.environ.get("IMPORT_LINES", "100"))
"""Orders in the file; `make contract` makes it 500."""

HALF = LINES * 2 // 5
FAULTS = [
    {"follow_up_on": "1/1/2020"},
    {"sex": "man"},
    {"person_id": "2003/0000001A"},
    {"court": ""},
]
FAULTY = {serial: FAULTS[serial // 25 % 4] for serial in range(7, LINES, 25)}


@pytest.fixture(scope="module")
def file(system: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Orders made today, of people without a number; every 25th line is faulty."""
    lines = [line(serial, system.today) | FAULTY.get(serial, {}) for serial in range(LINES)]
    path = tmp_path_factory.mktemp("import") / "orders.csv"
    with path.open("w", newline="") as to:
        writer = csv.DictWriter(to, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    return path


def line(serial: int, today: date) -> dict[str, str]:
    made_on = f"{today:%d/%m/%Y}"
    return {
        "reference": f"DVPO-2026-{serial:06}",
        "force": "Durham",
        "court": "Peterlee Magistrates' Court",
        "made_on": made_on,
        "expires_on": f"{today + timedelta(days=13):%d/%m/%Y}",
        "conditions": "no molestation",
        "authorising_superintendent": f"S-{serial % 3:04}",
        "person_id": pnc_id(2003, serial),
        "date_of_birth": "1/5/1990",
        "sex": "male",
        "served_on": made_on,
        "missing_reason": "seized evidence",
        "recorded_by": "PC 1182",
        "follow_up_on": made_on,
    }


def command(system: System, module: str, *arguments: str) -> subprocess.Popen[str]:
    """A command of staff's, in the checkout whose stack it is."""
    return subprocess.Popen(
        [sys.executable, "-m", f"commands.staff.{module}", *arguments],
        cwd=Path(system.stack.clock_file).parents[1],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(("functions", "layers/common", "."))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def enrolled(system: System) -> int:
    count: int = system.call("GET", "/reports/flow").body["enrolled"]
    return count


def test_an_import_killed_midway_and_repeated_sends_every_valid_line_once(
    system: System, file: Path, tmp_path: Path
) -> None:
    first = command(system, "import_orders", str(file))
    while enrolled(system) < HALF:
        assert first.poll() is None, first.communicate()[0]
    first.kill()
    first.communicate()
    before = enrolled(system)
    assert HALF <= before < LINES - len(FAULTY)

    second = command(system, "import_orders", str(file))
    printed, _ = second.communicate()
    right = LINES - len(FAULTY)
    assert second.returncode == 1, printed
    told = re.search(
        rf"{right} of {LINES} orders are taken: (\d+) taken before, (\d+) wait", printed
    )
    assert told, printed
    again, new = map(int, told.groups())
    assert again + new == right
    assert again - before in (0, 1)  # one may have been on its way
    assert f"{len(FAULTY)} are not" in printed
    assert enrolled(system) == right

    listing = command(system, "worklist", "--csv", str(tmp_path / "waiting.csv"))
    printed, _ = listing.communicate()
    assert f"{right} orders are waiting." in printed
    with (tmp_path / "waiting.csv").open(encoding="utf-8-sig", newline="") as written:
        waiting = {row["reference"] for row in csv.DictReader(written)}
    assert waiting == {f"DVPO-2026-{each:06}" for each in range(LINES) if each not in FAULTY}
