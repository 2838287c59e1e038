"""What was registered is printed, and each departure from it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from commands.audit.registration import deposited, registration
from evaluation.__main__ import main
from evaluation.cohort import Cohort, cohort_of
from evaluation.package import read as read_extract
from evaluation.report.consort import ITEMS, items
from evaluation.report.make import report
from evaluation.report.page import html
from evaluation.report.parts import Words
from evaluation.report.registered import Deposit, read, section
from tests.evaluation.packages import trial, written
from tests.support.fixture_protocol import AGREED, DAPO

if TYPE_CHECKING:
    from pathlib import Path

    from trial.aws.kms import MacKey


class KeyInMemory:
    """In place of a key in KMS, whose client the analyst's environment does not have."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def mac(self, message: bytes) -> bytes:
        return hmac.digest(self._secret, message, "sha256")


def mac_key(secret: str) -> MacKey:
    return cast("MacKey", KeyInMemory(secret))


BEFORE = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.fixture
def deposit(tmp_path: Path) -> Path:
    """The deposit of the fixture's trial, made before anybody came in."""
    path = tmp_path / "registration.json"
    path.write_bytes(
        deposited(registration(AGREED, mac_key("k"), BEFORE), b"")["registration.json"]
    )
    return path


def cohort(folder: Path, *, forces: int = 1) -> Cohort:
    extract = read_extract(written(folder / "extract", trial()))
    sources = [str(number // 2 % forces + 1) for number in range(len(extract.enrolments))]
    return cohort_of(replace(extract, enrolments=extract.enrolments.assign(source=sources)))


def other(deposit: Deposit, **values: Any) -> Deposit:
    return deposit._replace(said=deposit.said.model_copy(update=values))


def test_the_deposit_its_date_and_the_commitment_are_printed(tmp_path: Path, deposit: Path) -> None:
    given = read(deposit)
    found = report(cohort(tmp_path).extract, deposits=[given])
    page = html(found)
    shown = next(each for each in found.sections if each.id == "registration")
    for said in (
        hashlib.sha256(deposit.read_bytes()).hexdigest(), given.said.commitment, AGREED.sha256,
        "1 November 2026, 09:00 UTC", "nothing differs",
    ):  # fmt: skip
        assert said in page
    assert shown.departures == []
    (figures,) = shown.figures["deposits"]
    assert figures["commitment"] == mac_key("k").mac(b"fixture|commitment").hex()


def test_without_a_deposit_the_report_warns(tmp_path: Path) -> None:
    found = section(cohort(tmp_path), [])
    assert found.figures == {"deposits": []}
    (warning,) = found.blocks
    assert isinstance(warning, Words)
    assert (warning.kind, warning.text[:20]) == ("warning", "No deposit was given")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"trial": "another"}, ["registers the trial another, not fixture"]),
        (
            {"protocol_sha256": "0" * 64},
            ["with another SHA-256", "80 allocations under another plan"],
        ),
        (
            {"registered_at": datetime(2027, 3, 31, 23, 30, tzinfo=UTC)},  # April in London
            ["21 orders of 80 allocated came in before the month of the registration"],
        ),
    ],
)
def test_each_departure_is_listed(
    tmp_path: Path, deposit: Path, change: dict[str, Any], says: list[str]
) -> None:
    found = section(cohort(tmp_path), [other(read(deposit), **change)])
    for words in says:
        assert any(words in each for each in found.departures), found.departures
    assert found.figures["departures"] == found.departures


def test_the_registration_of_another_plan_is_quoted(tmp_path: Path) -> None:
    promised = registration(DAPO, mac_key("k"), BEFORE)
    said = " ".join(section(cohort(tmp_path), [Deposit(promised, "0" * 64)]).departures)
    assert f"Primary outcome: the registered text is: {promised.fields['Primary outcome']}" in said
    assert "Primary sponsor" not in said  # left to the sponsor in both


def test_each_force_commits_to_its_own_key(tmp_path: Path, deposit: Path) -> None:
    one, another = read(deposit), Deposit(registration(AGREED, mac_key("l"), BEFORE), "1" * 64)
    both = cohort(tmp_path, forces=2)
    assert any("2 extracts in this report, 1 deposit" in e for e in section(both, [one]).departures)
    found = section(both, [one, another])
    assert found.departures == []
    assert [each["commitment"] for each in found.figures["deposits"]] == [
        one.said.commitment,
        another.said.commitment,
    ]


def test_the_command_takes_the_deposit(
    tmp_path: Path, deposit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, page = written(tmp_path / "extract", trial()), tmp_path / "r.html"
    main(["report", str(folder), "-o", str(page), "--registration", str(deposit)])
    assert read(deposit).said.commitment in page.read_text()
    capsys.readouterr()
    (tmp_path / "none.json").write_text("{}")
    with pytest.raises(SystemExit, match="not a registration"):
        main(["report", str(folder), "--registration", str(tmp_path / "none.json")])


def test_every_item_of_the_checklist_has_its_number() -> None:
    assert len(ITEMS) == 42
    assert len({number.rstrip("abcd") for number in ITEMS}) == 30
    assert items("22a, 22b") == "22a (participant flow), 22b (losses and exclusions)"
    with pytest.raises(KeyError):
        items("31")
