"""`make worklist` shows in a terminal, or writes as CSV, what the API lists."""

import csv
import re
from argparse import Namespace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from commands.api import Api
from commands.staff import worklist
from tests.support.fixture_protocol import VERSION
from tests.support.samples import MORNING
from tests.support.served import served
from tests.support.steps import HttpAnswer, enrol

pytestmark = pytest.mark.usefixtures("cloud")

TODAY = MORNING.date()


def given(**changes: Any) -> Namespace:
    """A command line."""
    return Namespace(
        **dict.fromkeys((*worklist.NARROWING, "csv")) | {"protocol": VERSION} | changes
    )


def seized(serial: int, follow_up_on: str) -> str:
    mobile = {
        "missing_reason": "seized_evidence",
        "recorded_by": "PC-1182",
        "follow_up_on": follow_up_on,
    }
    return str(enrol(serial, mobile=mobile))


def test_every_page_is_fetched(api: Api) -> None:
    ids = [seized(serial, f"2026-12-{serial:02}") for serial in range(4, 9)]
    assert [each["enrolment_id"] for each in worklist.waiting(api, limit="2")] == ids


def test_the_terminal_shows_who_waits_why_and_until_when(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    seized(4, "2026-12-04")
    capsys.readouterr()
    assert worklist.show(api, given()) == 0
    printed = capsys.readouterr().out
    shown = r"durham/DVPO-2026-000004 +2026-12-04 +12 +seized_evidence +S-0417"
    assert re.search(shown, printed)
    assert "1 order is waiting." in printed


def test_the_command_says_if_nobody_waits(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert worklist.show(api, given()) == 0
    assert capsys.readouterr().out == "No order is waiting.\n"


def test_only_the_orders_asked_for_are_listed(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    seized(4, "2026-12-04")
    capsys.readouterr()
    worklist.show(api, given(follow_up_before="2026-12-04"))
    assert capsys.readouterr().out == "No order is waiting.\n"


def test_a_spreadsheet_gets_every_column(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ident = seized(4, "2026-12-04")
    worklist.show(api, given(csv=tmp_path / "waiting.csv"))
    assert "1 order is waiting." in capsys.readouterr().out
    (row,) = csv.DictReader(StringIO((tmp_path / "waiting.csv").read_text("utf-8-sig")))
    assert row == {
        "force": "durham",
        "reference": "DVPO-2026-000004",
        "status": "waiting",
        "reasons": "no_number",
        "missing_reason": "seized_evidence",
        "recorded_by": "PC-1182",
        "since": "2026-12-01T09:30:00Z",
        "superintendent": "S-0417",
        "follow_up_on": "2026-12-04",
        "follow_up_by": "",
        "last_chance_on": "2026-12-12",
        "days_left": "12",
        "enrolment_id": ident,
    }


def test_overdue_and_urgent_follow_ups_stand_out() -> None:
    row = dict.fromkeys(worklist.COLUMNS, "x")
    late = row | {"follow_up_on": "2026-11-30", "days_left": "3"}
    in_time = row | {"follow_up_on": "2026-12-01", "days_left": "4"}
    endless = in_time | {"days_left": ""}
    drawn = worklist.table([late, in_time, endless], TODAY)
    cells = {str(column.header): list(column.cells) for column in drawn.columns}
    assert cells["follow up"] == [Text("2026-11-30", "bold red"), *[Text("2026-12-01")] * 2]
    assert cells["days"] == [Text("3", "bold red"), Text("4"), Text("no end")]


def test_a_refusal_is_shown_in_the_contracts_words(api: Api) -> None:
    with pytest.raises(SystemExit, match="status: must be 'eligible'"):
        worklist.show(api, given(status="lost"))


def test_a_refusal_that_names_no_field_is_shown_too() -> None:
    def forbidden(*_: object) -> HttpAnswer:
        return HttpAnswer(403, '{"message": "Forbidden"}', {})

    with served(forbidden) as api, pytest.raises(SystemExit, match=r"Refused \(403\):\nForbidden"):
        list(worklist.waiting(api))
