"""A file of orders is checked, shown and sent, and may be sent again."""

import csv
import re
from argparse import Namespace
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from rich.console import Console

from commands.api import Api
from commands.staff import columns, import_orders, order_file
from commands.staff.import_orders import Checked, check, refusals, send
from enrolment.wire import EnrolmentIn, MobileIn, OrderIn, RespondentIn
from tests.support.fixture_protocol import AGREED, VERSION
from tests.support.samples import MORNING
from tests.support.samples import order as sample_order
from tests.support.served import served
from tests.support.steps import HttpAnswer, call
from tests.support.table import everything
from trial.identity import pnc_id

pytestmark = pytest.mark.usefixtures("cloud")

TODAY = MORNING.date()


def cells(serial: int = 123, /, **changes: str) -> dict[str, str]:
    """A line as people write it: each serial is another order, person and number."""
    return {
        "reference": f"DVPO-2026-{serial:06}",
        "force": "Durham",
        "court": "Peterlee Magistrates' Court",
        "made_on": "1/12/2026",
        "expires_on": "14/12/2026",
        "served_on": "01/12/2026",
        "conditions": "No molestation; no contact",
        "authorising_superintendent": "S-0417",
        "person_id": pnc_id(2003, serial),
        "date_of_birth": "1 May 1990",
        "sex": "Male",
        "number": f"07700 {900000 + serial}",
    } | changes


def written(to: Path, *lines: Mapping[str, str]) -> Path:
    """A file with these lines."""
    names = [name for name in columns.COLUMNS if any(name in line for line in lines)]
    with to.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(lines)
    return to


def quiet() -> Console:
    return Console(file=StringIO(), width=200)


def run(file: Path, api: Api | None, **changes: Any) -> tuple[int, str]:
    """The exit code and what is printed."""
    console = quiet()
    given = Namespace(protocol=VERSION, file=file, all=False, yes=True, **changes)
    code = import_orders.run(given, console, api)
    assert isinstance(console.file, StringIO)
    return code, console.file.getvalue()


def checked(*lines: Mapping[str, str]) -> list[Checked]:
    """The lines of a file, from its second on, each with what is wrong in it."""
    rows = [order_file.SpreadsheetRow(place, {**line}) for place, line in enumerate(lines, 2)]
    return check(rows, TODAY, AGREED)


def enrolled() -> int:
    return sum(item["kind"] == "enrolment" for item in everything().values())


# What is read


def test_there_is_a_column_for_every_field_of_the_contract() -> None:
    fields = {
        name: part
        for part, model in (("order", OrderIn), ("respondent", RespondentIn), ("mobile", MobileIn))
        for name in model.model_fields
    }
    own = EnrolmentIn.model_fields.keys() - {"event_id", "order", "respondent", "mobile"}
    own -= {"rehearsal"}  # a file is of real orders
    assert {name: column.part for name, column in columns.COLUMNS.items()} == (
        fields | dict.fromkeys(own, "")
    )


def test_a_line_as_people_write_it_is_the_request_of_the_contract() -> None:
    request = columns.request(cells(protected_numbers="07700 900456; 020 7946 0958"), "GB")
    expected = sample_order(123, protected_numbers=["+447700900456", "+442079460958"])
    del expected["respondent"]["ethnicity"]
    assert request | {"event_id": expected["event_id"]} == expected


def test_the_template_can_be_imported_as_it_is(tmp_path: Path) -> None:
    order_file.write_template(tmp_path / "orders.csv", TODAY)
    (row,) = order_file.rows(tmp_path / "orders.csv")
    assert set(row.cells) == set(columns.COLUMNS)
    assert check([row], TODAY, AGREED)[0].wrong == ()


def test_the_template_overwrites_no_file(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("mine")
    with pytest.raises(SystemExit, match="exists already"):
        order_file.write_template(tmp_path / "orders.csv", TODAY)
    assert (tmp_path / "orders.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("reference,force,phone\n", "no column is called phone; there are: type, reference, force"),
        ("reference,force,Force\n", "two columns are called force"),
        ("reference,court\n", "its first line lacks force"),
        ("", "its first line lacks reference, force"),
        ("reference,,force\n", r"no column is called \(nothing\)"),
        ('reference,force\nA-1,"durham\nA-2,durham\n', r"as its line 3: .* Look for a quotation"),
        (f"reference,force\nA-1,{'x' * 200_000}\n", "as its line 2: field larger than"),
        ("PK\x03\x04 and so on", "is a workbook. Save its sheet as CSV"),
    ],
)
def test_a_file_with_other_columns_is_refused_as_a_whole(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "orders.csv").write_text(content)
    with pytest.raises(SystemExit, match=message):
        order_file.rows(tmp_path / "orders.csv")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"orders\.csv: No such file .* make import ARGS=--templ"):
        order_file.rows(tmp_path / "orders.csv")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_each_separator_and_encoding_of_spreadsheets_is_read(
    tmp_path: Path, mark: str, encoding: str
) -> None:
    lines = (
        [" Reference", "FORCE ", "Authorising\u00a0superintendent"],
        ["A-1", "durham", "Si\u00e2n"],
        ["", "", ""],
        ["A-2", "durham", "X"],
    )
    content = "\r\n".join(mark.join(line) for line in lines)
    (tmp_path / "orders.csv").write_bytes(content.encode(encoding))
    rows = order_file.rows(tmp_path / "orders.csv")
    assert [row.line for row in rows] == [2, 4]
    assert rows[0].cells["authorising_superintendent"] == "Si\u00e2n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
@pytest.mark.parametrize("above", ["", "sep=;\r\n"])
def test_excel_s_unicode_text_and_its_separator_line_are_read(
    tmp_path: Path, encoding: str, above: str
) -> None:
    content = f"{above}reference;force;;\r\nA-1;Durham;;\r\n"
    (tmp_path / "orders.csv").write_bytes(content.encode(encoding))
    (row,) = order_file.rows(tmp_path / "orders.csv")
    assert row == order_file.SpreadsheetRow(2, {"reference": "A-1", "force": "Durham"})


@pytest.mark.parametrize("names", ["", ","])
def test_a_line_with_too_many_cells_is_refused_not_truncated(tmp_path: Path, names: str) -> None:
    content = f"reference,force,protected_numbers{names}\nA-1,durham,07700 900456,07700 900457\n"
    (tmp_path / "orders.csv").write_text(content)
    (line,) = check(order_file.rows(tmp_path / "orders.csv"), TODAY, AGREED)
    (wrong,) = line.wrong
    assert wrong.startswith("the line has more cells than the first one")


@pytest.mark.parametrize("number", ["4.47701E+11", "+4,47E+11"])
def test_a_number_that_a_spreadsheet_has_rounded_is_reported(number: str) -> None:
    ((_, why),) = (each.wrong for each in checked(cells(number=number)))
    assert why.startswith("number: the spreadsheet has rounded it")


def test_each_converted_value_is_shown_before_anything_is_sent(tmp_path: Path) -> None:
    code, printed = run(written(tmp_path / "orders.csv", cells()), None)
    assert code == 0
    for before, after in [
        ("1/12/2026", "2026-12-01"),
        ("07700 900123", "+447700900123"),
        ("Durham", "durham"),
        ("No molestation; no contact", "no_molestation; no_contact"),
    ]:
        assert any(before in line and after in line for line in printed.splitlines())
    assert "S-0417" not in printed  # taken as it is
    assert "1 of 1 orders may be sent. Nothing was sent." in printed


# What is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"number": "077"}, "number: is "),
        ({"number": "020 7946 0958"}, "number: is not a mobile number: only mobiles are texted"),
        (
            {"made_on": "2/12/2026", "served_on": "", "expires_on": "15/12/2026"},
            "made_on: is in the future: check the date",
        ),
        ({"made_on": "1/12/25"}, "made_on: is not a date written YYYY-MM-DD"),
        ({"expires_on": "30/11/2026"}, "expires_on: is before made_on"),
        ({"sex": "man"}, "sex: must be 'male', 'female', 'other' or 'not_known'"),
        ({"conditions": "no contact"}, "conditions: must hold no_molestation"),
        ({"conditions": "no molestation; no fun"}, "conditions.1: must be "),
        ({"court": ""}, "court: "),
        ({"person_id": "2003/0011985A"}, "person_id: "),
        ({"protected_numbers": "07700 900456; 12"}, "protected_numbers.1: "),
        ({"number": "", "missing_reason": "seized"}, "missing_reason: must be "),
        ({"missing_reason": "refused"}, "missing_reason: does not go with a number"),
        ({"prior_incidents": "some"}, "prior_incidents: "),
        ({"date_of_birth": "1/5/2027"}, "date_of_birth: is in the future"),
    ],
)
def test_a_faulty_line_is_refused_by_its_column_in_the_contracts_words(
    changes: dict[str, str], message: str
) -> None:
    request = columns.request(cells(**changes), "GB")
    (wrong,) = refusals(request, TODAY, AGREED)
    assert wrong.startswith(message)
    answer = call("POST", "/enrolments", request)
    assert answer.status == 422
    (said,) = answer.body["errors"]
    assert wrong.endswith(said["message"])
    assert said["field"].endswith(wrong.partition(":")[0])


def test_an_order_that_occurs_twice_is_sent_once(api: Api) -> None:
    lines = checked(cells(1), cells(1, court="Another"))
    assert [each.wrong for each in lines] == [(), ("reference: is in line 2 too",)]
    became, refused = send(api, lines, quiet())
    assert (became.total(), refused) == (1, [])


# What is sent

FAULTS = [{"number": "077"}, {"sex": "man"}, {"made_on": "1/12/26"}, {"court": ""}]


def sixty() -> list[dict[str, str]]:
    """Sixty lines; every fifteenth is faulty."""
    return [
        cells(serial) | (FAULTS[serial // 15] if serial % 15 == 7 else {}) for serial in range(60)
    ]


def test_an_import_of_a_file_with_faulty_lines_resumes_after_a_stop(tmp_path: Path) -> None:
    file = written(tmp_path / "orders.csv", *sixty())
    asked = []

    def stopped(method: str, path: str, body: str | None) -> HttpAnswer:
        asked.append(path)
        return call(method, path, body) if len(asked) <= 30 else HttpAnswer(403, "{}", {})

    with served(stopped) as api, pytest.raises(SystemExit, match="refuses these credentials"):
        run(file, api)
    assert enrolled() == 30

    with served() as api:
        code, printed = run(file, api)
    assert (code, enrolled()) == (1, 56)
    assert "56 of 60 orders are taken: 26 eligible, 30 taken before." in printed
    assert "4 are not" in printed
    assert re.search(r" 9 +durham/DVPO-2026-000007 +number: is ", printed)


def test_a_refusal_is_shown_with_its_line_and_the_rest_is_sent(api: Api) -> None:
    send(api, checked(cells(1)), quiet())
    lines = checked(cells(1, court="Another Court"), cells(2))
    became, (refused,) = send(api, lines, quiet())
    assert became == {"eligible": 1}
    assert refused.row.line == 2
    assert refused.wrong == ("this order is enrolled already, with other content",)


def test_a_busy_api_is_asked_again_after_the_time_that_it_names() -> None:
    answers = [
        HttpAnswer(429, "{}", {"Retry-After": ["7"]}),
        HttpAnswer(503, "{}", {}),
        HttpAnswer(202, '{"status": "eligible"}', {}),
    ]
    pauses: list[float] = []
    with served(lambda *_: answers.pop(0)) as api:
        became, refused = send(api, checked(cells()), quiet(), pauses.append)
    assert (became, refused, pauses) == ({"eligible": 1}, [], [7, 2])


def test_an_api_that_stays_busy_is_named_as_the_reason() -> None:
    detail = '{"detail": "try again in a moment"}'
    with served(lambda *_: HttpAnswer(503, detail, {})) as api:
        _, (refused,) = send(api, checked(cells()), quiet(), lambda _: None)
    assert refused.wrong == ("try again in a moment",)


def test_an_unreachable_api_stops_the_import() -> None:
    with served() as api:
        pass
    pauses: list[float] = []
    with pytest.raises(BotoCoreError):
        send(api, checked(cells()), quiet(), pauses.append)
    assert len(pauses) == 5


@pytest.mark.parametrize(("said", "sent"), [("y", 1), ("Y ", 1), ("", 0), ("no", 0)])
def test_at_a_terminal_the_import_asks_first(
    tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch, said: str, sent: int
) -> None:
    terminal = StringIO(f"{said}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    file = written(tmp_path / "orders.csv", cells())
    import_orders.run(Namespace(protocol=VERSION, file=file, all=False, yes=False), quiet(), api)
    assert enrolled() == sent
