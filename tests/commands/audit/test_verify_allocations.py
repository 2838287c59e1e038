"""The auditor's command, on the template's table in memory and on exports of it."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from rich.progress import Progress

from commands.audit.allocation_findings import AllocationFault
from commands.audit.allocation_sources import exported, scanned
from commands.audit.verify_allocations import (
    SOMETHING_WRONG,
    derivation,
    main,
    refused,
    verify_live,
)
from tests.commands.audit.conftest import Run
from tests.support.fixture_protocol import AGREED
from tests.support.samples import MORNING, TABLE
from tests.support.steps import allocate, enrol
from tests.support.table import change_enrolment, enrolment_of, everything, keep, to_wire
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.codes import Arm
from trial.records.allocation import Allocation, allocation_key
from trial.records.enrolment import Variation, enrolment_key


@pytest.fixture
def some(cloud: dict[str, str]) -> list[UUID]:  # noqa: ARG001 - AWS first
    """A few people, allocated."""
    enrolments = [enrol(serial) for serial in range(1, 8)]
    allocate(*enrolments)
    return enrolments


@pytest.fixture
def verified(cloud: dict[str, str], run: Run) -> Run:
    """The command, on the table in memory."""
    return partial(run, main, "--table", TABLE, "--key", cloud["ALLOCATION_KEY_ID"])


def test_stored_allocations_match_the_key(some: list[UUID], verified: Run) -> None:
    status, printed = verified()
    assert status == 0
    assert f"All is well: {len(some)} allocations" in printed
    assert not any(arm in printed.lower() for arm in Arm)


def test_a_changed_arm_gives_the_exit_status_for_findings(some: list[UUID], verified: Run) -> None:
    key = allocation_key(some[0])
    stored = Allocation.of(everything()[key])
    (other,) = set(Arm) - {stored.arm}
    keep(key, stored.model_copy(update={"arm": other}))
    status, printed = verified()
    assert status == SOMETHING_WRONG
    place = "fixture, stratum 14, block 0, position 0"
    assert f"{AllocationFault.MISMATCH}: {place}: {some[0]}" in printed


@pytest.mark.usefixtures("some")
def test_arms_are_counted_only_on_request(verified: Run) -> None:
    _, printed = verified("--unblinded")
    assert all(arm in printed.lower() for arm in Arm)


def test_the_length_of_a_varied_order_at_its_draw_is_read_from_an_export(
    some: list[UUID], verified: Run, tmp_path: Path
) -> None:
    order = enrolment_of(some[0]).order
    longer = [
        order.model_copy(update={"expires_on": order.made_on + timedelta(days=days)})
        for days in (27, 40)
    ]
    moments = [MORNING + timedelta(days=day) for day in (3, 5)]
    variations = [
        Variation(at=at, varied_on=at.date(), by="PC-1182", until_then=until_then)
        for at, until_then in zip(moments, (order, longer[0]), strict=True)
    ]
    file = tmp_path / "export.json"
    for orders, status in ((variations, 0), (variations[1:], SOMETHING_WRONG)):
        change_enrolment(some[0], order=longer[1], variations=tuple(orders))
        file.write_text(plain_lines())
        assert verified("--export", str(file))[0] == status


def test_nothing_personal_is_read(some: list[UUID]) -> None:
    read = json.dumps(list(scanned(clients.dynamodb(), TABLE)), default=str)
    assert str(some[0]) in read
    enrolment = everything()[enrolment_key(some[0])]
    mobile = enrolment["mobile"]
    who = [each for name, each in enrolment["respondent"].items() if name != "language"]
    personal = [*who, mobile["sealed"], mobile["number_hash"]]
    personal += [enrolment["order"]["reference"], enrolment["order"]["court"]]
    assert not [each for each in personal if each in read]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--table", "another"), "The table cannot be read: ResourceNotFoundException"),
        (("--key", "another"), "The allocation key cannot be used: KMS refused it: NotFound"),
        (("--export", "nowhere.json"), "The export cannot be read: [Errno 2]"),
    ],
)
@pytest.mark.usefixtures("some")
def test_a_missing_stack_is_named(verified: Run, arguments: tuple[str, ...], why: str) -> None:
    status, _ = verified(*arguments)
    assert str(status).startswith(why)


def test_a_reader_without_rights_sees_which_rights_are_needed() -> None:
    denied = {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}
    assert "It takes dynamodb:Scan on it" in refused(ClientError(denied, "Scan"))  # type: ignore[arg-type]


def test_verifying_nothing_is_not_a_success(verified: Run) -> None:
    status, _ = verified()
    assert status == "There is no enrolment in it, so nothing was verified."


@pytest.mark.parametrize("arguments", [("--key", "mine"), ("--table", TABLE)])
def test_a_table_needs_its_key_and_a_key_its_table(arguments: tuple[str, ...], run: Run) -> None:
    assert run(main, *arguments)[0] == 2


def dynamodb_lines() -> str:
    """As DynamoDB exports a table to S3."""
    lines = [
        {"Item": {n: to_wire(v) for n, v in {"pk": key.pk, "sk": key.sk, **item}.items()}}
        for key, item in everything().items()
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def plain_lines() -> str:
    lines = [{"pk": key.pk, "sk": key.sk, **item} for key, item in everything().items()]
    return "".join(f"{json.dumps(line, default=int)}\n" for line in lines)


@pytest.mark.parametrize("lines", [dynamodb_lines, plain_lines])
@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_an_export_is_verified_like_the_table(
    some: list[UUID],
    verified: Run,
    tmp_path: Path,
    lines: Callable[[], str],
    pack: Callable[[bytes], bytes],
) -> None:
    file = tmp_path / "export"
    file.write_bytes(pack(lines().encode()))
    status, printed = verified("--export", str(file))
    assert status == 0
    assert f"All is well: {len(some)} allocations" in printed


@pytest.mark.usefixtures("some")
def test_an_export_may_be_a_folder_and_must_be_whole(verified: Run, tmp_path: Path) -> None:
    lines = dynamodb_lines().splitlines(keepends=True)
    data = tmp_path / "AWSDynamoDB" / "data"
    data.mkdir(parents=True)
    halves = "".join(lines[::2]), "".join(lines[1::2])
    for name, half in zip("ab", halves, strict=True):
        (data / f"{name}.json.gz").write_bytes(gzip.compress(half.encode()))
    assert verified("--export", str(tmp_path))[0] == 0
    (data / "b.json.gz").unlink()
    assert verified("--export", str(tmp_path))[0] == SOMETHING_WRONG
    (data / "a.json.gz").unlink()
    status, _ = verified("--export", str(tmp_path))
    assert status == f"{tmp_path} holds no *.json.gz."


@pytest.mark.parametrize("line", ["", "[]", "{}", '"kind"', '{"Item": {"pk": "x"}}', "{"])
def test_a_line_that_is_not_an_item_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "export"
    file.write_text(f'{{"kind": "audit"}}\n{line}\n')
    with pytest.raises(ValueError, match="line 2"):
        list(exported(file))


def test_an_export_cut_short_is_refused(verified: Run, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(gzip.compress(b'{"kind": "audit"}\n' * 1000)[:-20])
    status, _ = verified("--export", str(file))
    assert str(status).startswith("The export cannot be read")


def test_a_draw_between_two_pages_is_not_a_finding(some: list[UUID], cloud: dict[str, str]) -> None:
    key = MacKey(clients.kms(), cloud["ALLOCATION_KEY_ID"])
    scans = iter([lambda i: i["kind"] != "cursor", lambda _: True])

    def scan() -> list[dict[str, Any]]:
        return list(filter(next(scans), scanned(clients.dynamodb(), TABLE)))

    evidence, wrong = verify_live(
        scan, derivation(key), {AGREED.sha256: AGREED}, Progress(disable=True)
    )
    assert (len(evidence.allocations), wrong) == (len(some), [])
