"""The registration of a trial, and how departures from it are found."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from allocation.randomisation import message as of_block
from commands.audit.register import main
from commands.audit.registration import TO_FILL_IN, WHO_ITEMS, fields, message, registration
from commands.audit.verify_allocations import SOMETHING_WRONG
from tests.commands.audit.conftest import Run
from tests.support.fixture_protocol import AGREED, FIRST, VERSION
from tests.support.keys import mac_key
from tests.support.samples import TABLE
from tests.support.steps import allocate, enrol
from tests.support.table import everything, keep
from trial.protocol import load as protocols
from trial.records.allocation import Allocation, allocation_key

NOW = datetime(2026, 11, 1, tzinfo=UTC)
REHEARSED = {"reference": "REHEARSAL-1"}


@pytest.fixture
def command(cloud: dict[str, str], tmp_path: Path, run: Run) -> Run:
    """The command, on the table in memory."""
    where = ("--table", TABLE, "--key", cloud["ALLOCATION_KEY_ID"], "--output", str(tmp_path))
    return partial(run, main, *where)


@pytest.fixture
def deposit(command: Run, tmp_path: Path) -> Path:
    """The deposit of a registered trial without any allocation."""
    assert command("--protocol", VERSION)[0] == 0
    path = tmp_path / VERSION / "registration.json"
    # The table in memory lives at the tests' time, the deposit at the clock's.
    changed(path, registered_at=NOW.isoformat())
    return path


def changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_deposit_has_the_protocol_byte_for_byte_its_hash_and_a_commitment(
    command: Run, tmp_path: Path
) -> None:
    status, printed = command("--protocol", VERSION)
    assert status == 0
    folder = tmp_path / VERSION
    assert (folder / "protocol.toml").read_bytes() == protocols.path_of(VERSION).read_bytes()
    said = json.loads((folder / "registration.json").read_text())
    assert (said["trial"], said["protocol_sha256"]) == (AGREED.trial, AGREED.sha256)
    assert len(bytes.fromhex(said["commitment"])) == 32
    assert said["commitment"] in printed
    assert said["fields"]["Target sample size"].startswith("53 people; forces: 1;")
    assert said["fields"]["Primary sponsor"] == TO_FILL_IN
    assert AGREED.analysis.primary.title in (folder / "registration.md").read_text()


def test_each_registry_item_is_filled_in_or_left_to_the_sponsor() -> None:
    said = fields(AGREED)
    assert tuple(said) == WHO_ITEMS
    assert len(said) == 24
    assert sum(each == TO_FILL_IN for each in said.values()) == 10


def test_the_commitment_is_not_a_block_of_any_sequence() -> None:
    key, trial = mac_key("k"), AGREED.trial
    blocks = {
        of_block(trial=trial, stratum=s.id, block=n) for s in AGREED.strata for n in range(99)
    }
    assert message(trial) not in blocks
    assert message(trial).count(b"|") < of_block(trial="t", stratum="s", block=0).count(b"|")
    mine, other = (registration(AGREED, each, NOW).commitment for each in (key, mac_key("l")))
    assert mine != other


def test_a_trial_is_not_registered_once_somebody_was_allocated(
    command: Run, tmp_path: Path
) -> None:
    allocate(enrol(1))
    status, _ = command("--protocol", VERSION)
    assert str(status).startswith("fixture has 1 allocations already")
    assert not (tmp_path / VERSION).exists()


def test_a_rehearsal_before_registration_does_not_count_as_an_allocation(
    command: Run, tmp_path: Path
) -> None:
    allocate(enrol(1, rehearsal=True, order=REHEARSED, respondent={"person_id": "rehearsal-1"}))
    assert command("--protocol", VERSION)[0] == 0
    assert command("--check", str(tmp_path / VERSION / "registration.json"))[0] == 0


def test_another_trial_may_be_registered_while_one_runs(command: Run) -> None:
    allocate(enrol(1))
    assert command("--protocol", FIRST)[0] == 0


def test_a_deposit_is_never_overwritten(command: Run, deposit: Path) -> None:
    before = deposit.read_bytes()
    status, _ = command("--protocol", VERSION)
    assert "never overwritten" in str(status)
    assert deposit.read_bytes() == before


def test_a_trial_that_follows_its_registration_has_no_findings(command: Run, deposit: Path) -> None:
    allocate(enrol(1), enrol(2))
    status, printed = command("--check", str(deposit))
    assert (status, "2 allocations, all of them later" in printed) == (0, True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"commitment": "00" * 32}, "key: the allocation key in use is not the registered one"),
        ({"commitment_message": "fixture|14|0"}, "commitment: is to a message that is not"),
        ({"protocol_sha256": "0" * 64}, f"plan: the file of {VERSION} in use is not"),
        ({"protocol": "fixture-9"}, "plan: the file of fixture-9 in use is not"),
        ({"registered_at": "2100-01-01T00:00:00Z"}, "1 of the trial, before it was registered"),
    ],
)
def test_each_difference_from_the_deposit_is_found(
    command: Run, deposit: Path, change: dict[str, str], says: str
) -> None:
    allocate(enrol(1))
    changed(deposit, **change)
    status, printed = command("--check", str(deposit))
    assert status == SOMETHING_WRONG
    assert says in printed


def test_an_allocation_under_another_plan_is_found(command: Run, deposit: Path) -> None:
    enrolment = enrol(1)
    allocate(enrolment)
    key = allocation_key(enrolment)
    stored = Allocation.of(everything()[key])
    keep(key, stored.model_copy(update={"protocol_sha256": "f" * 64}))
    status, printed = command("--check", str(deposit))
    assert status == SOMETHING_WRONG
    assert "allocations: 1 of the trial, under another plan" in printed


def test_a_file_that_is_not_a_deposit_is_refused(command: Run, tmp_path: Path) -> None:
    path = tmp_path / "another.json"
    path.write_text("{}")
    assert "not a registration" in str(command("--check", str(path))[0])
    assert "No such file" in str(command("--check", str(tmp_path / "nothing"))[0])


@pytest.mark.parametrize("arguments", [(), ("--protocol", VERSION, "--check", "x")])
def test_a_version_or_a_deposit_is_required(command: Run, arguments: tuple[str, ...]) -> None:
    assert command(*arguments)[0] == 2
