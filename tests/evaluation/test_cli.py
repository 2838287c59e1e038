import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest

from evaluation.__main__ import main
from tests.evaluation.packages import LOCKED, enrolment, trial, written
from tests.support.fixture_protocol import DAPO
from trial.protocol.days import planned_days


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "extract", trial(without=5))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(arguments)
    return " ".join(capsys.readouterr().out.split())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code not in (0, None)
    said = "" if isinstance(ended.value.code, int) else str(ended.value.code)
    return said + capsys.readouterr().err


def test_a_report_is_written_as_page_and_as_json(tmp_path: Path, folder: Path) -> None:
    page, figures = tmp_path / "new" / "r.html", tmp_path / "r.json"
    main(["report", str(folder), "-o", str(page), "--json", str(figures)])
    assert page.read_text().startswith("<!doctype html>")
    assert json.loads(figures.read_text())["sections"]["flow"]["figures"]["enrolled"] == 85


def test_the_same_extract_gives_the_same_report(tmp_path: Path, folder: Path) -> None:
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    for page in pages:
        main(["report", str(folder), "-o", str(page)])
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_the_terminal_says_that_results_are_locked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, page = written(tmp_path, trial(), LOCKED), tmp_path / "r.html"
    main(["report", str(folder), "-o", str(page)])
    assert "--interim" in capsys.readouterr().err
    main(["report", str(folder), "-o", str(page), "--interim", "the board asks"])
    assert "locked" not in capsys.readouterr().err
    assert "the board asks" in page.read_text()


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_interim_look_needs_a_reason_in_words(
    folder: Path, capsys: pytest.CaptureFixture[str], reason: str
) -> None:
    assert "a reason in words" in refused(capsys, "report", str(folder), "--interim", reason)


def test_a_faulty_extract_gives_no_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "r.html"
    twice = [enrolment(1, person="P" + "0" * 16), enrolment(2, person="P" + "0" * 16)]
    folder = written(tmp_path / "extract", twice)
    assert "would not close" in refused(capsys, "report", str(folder), "-o", str(page))
    assert "no such file" in refused(capsys, "report", str(tmp_path / "x"), "-o", str(page))
    assert not page.exists()


def test_an_output_that_cannot_be_written_is_reported(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Is a directory" in refused(capsys, "report", str(folder), "-o", str(tmp_path))


def test_the_printed_timetable_is_the_protocol_s(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "timetable", "--days", "14", "--made-on", "2027-03-01")
    assert "1 0 Mon 01 Mar 2027 conditions" in said
    assert "2 2 Wed 03 Mar 2027 meaning" in said
    assert "7 13 Sun 14 Mar 2027 expiry" in said
    assert "between 09:00 and 20:00" in said


def test_the_timetable_of_an_order_without_an_end_is_shown_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ("timetable", "--protocol", DAPO.version, "--type", "dapo", "--made-on", "2027-03-01")
    days = [each.day for each in planned_days(DAPO.order_type("dapo"), None)]
    said = printed(capsys, *asked)
    assert all(f" {day} " in said for day in days)
    assert "is missing: such an order has a last day" in refused(
        capsys, "timetable", "--made-on", "2027-03-01"
    )
    assert "it has dvpo" in refused(capsys, *asked[:1], "--type", "dapo", *asked[-2:])


@pytest.mark.parametrize(
    ("days", "made_on", "reason"),
    [("29", "2027-03-01", "it must be 14 to 28"), ("14", "1 March", "is no date like")],
)
def test_an_impossible_timetable_is_refused(
    capsys: pytest.CaptureFixture[str], days: str, made_on: str, reason: str
) -> None:
    assert reason in refused(capsys, "timetable", "--days", days, "--made-on", made_on)


def test_the_power_command_gives_published_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "power.svg"
    said = printed(capsys, "power", "--control", ".28", "--intervention", ".04",
        "--without-number", ".5", "-o", str(picture))  # fmt: skip
    assert "28.0% v 4.0% 36 44 39 88 176" in said
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")  # noqa: S314  our own file


def test_people_without_texts_dilute_the_effect(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed(capsys, "power", "--control", ".28", "--intervention", ".04",
        "--undelivered", "0.5")  # fmt: skip
    assert "a risk of 4.0% becomes 16.0%" in said


@pytest.mark.parametrize(
    ("flag", "value", "reason"),
    [
        ("--control", "1.5", "no number from 0 to below 1"),
        ("--control", "much", "no number from 0 to below 1"),
        ("--control", "0.1", "must be below the risk without"),
        ("--alpha", "0", "must be above 0"),
    ],
)
def test_a_number_that_is_not_a_risk_is_refused(
    capsys: pytest.CaptureFixture[str], flag: str, value: str, reason: str
) -> None:
    assert reason in refused(capsys, "power", flag, value)


def test_an_extract_becomes_parquet(tmp_path: Path, folder: Path) -> None:
    main(["parquet", str(folder), "-o", str(tmp_path / "out")])
    assert len(pd.read_parquet(tmp_path / "out" / "enrolments.parquet")) == 85


def test_help_names_the_commands_without_loading_statistics() -> None:
    program = "import sys; from evaluation.__main__ import main\ntry: main(['--help'])\nfinally:"
    program += " print([name for name in sys.modules if name in ('scipy', 'lifelines')])"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    for command in ("report", "power", "timetable", "parquet"):
        assert f"    {command} " in done.stdout or f"    {command}\n" in done.stdout
    assert done.stdout.endswith("[]\n")
