"""Every text of a protocol filled in, for those who read it aloud and approve it."""

import re
from pathlib import Path

import pytest

from tests.support.fixture_protocol import AGREED, DAPO
from trial.protocol.__main__ import main
from trial.protocol.aloud import aloud, timetables
from trial.protocol.alphabet import ONE_PART
from trial.protocol.load import path_of, read
from trial.protocol.order_rules import keys
from trial.protocol.wording import PLACEHOLDER


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """The protocol of long orders, before anybody has approved a wording."""
    path = tmp_path / f"{DAPO.version}.toml"
    agreed = path_of(DAPO.version).read_text()
    path.write_text(re.sub(r"^approvals = .*$", "approvals = []", agreed, flags=re.MULTILINE))
    return path


def test_every_text_that_an_order_may_get_is_printed_in_every_language() -> None:
    lines = list(aloud(DAPO))
    told = [line.partition("(")[2].partition(")")[0] for line in lines if "):" in line]
    assert sorted(told) == sorted(
        key for each in DAPO.orders.values() for key in keys(each) for _ in DAPO.wordings
    )
    assert not any(PLACEHOLDER.search(line) for line in lines)


def test_a_text_is_printed_with_its_size_price_and_recipients() -> None:
    lines = list(aloud(AGREED))
    place = next(n for n, line in enumerate(lines) if "(C1-NC):" in line)
    orders, text, figures = lines[place : place + 3]
    assert orders == "conditions (C1-NC): any order, with no_contact"
    assert text.startswith(f"    {AGREED.longest.force}: ")
    length = len(text.strip())
    assert length <= ONE_PART
    price = AGREED.costs.text_part_pence.value
    assert figures == f"    {length} septets, 1 part, {price:.1f} p"


def test_a_draft_says_who_has_still_to_approve_it(draft: Path) -> None:
    standing = {line.partition("; ")[2] for line in aloud(read(draft)) if " septets, " in line}
    assert standing == {
        "a draft: lacks solicitor, specialist",
        "a machine's draft: lacks solicitor, specialist, translator",
    }


def test_timetables_are_printed_for_every_length() -> None:
    (dvpo,) = AGREED.orders.values()
    first, *_, last = timetables(dvpo)
    assert first.startswith("  14 to 15 days: 7 texts: conditions, ")
    assert last.startswith("  27 to 28 days: 13 texts: conditions, ")
    (dapo,) = DAPO.orders.values()
    *_, last = timetables(dapo)
    assert last.startswith("  without an end: ")
    assert "expiry" not in last


def test_texts_are_printed_on_demand(draft: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(draft)]) == 0
    (only,) = capsys.readouterr().out.splitlines()
    assert main(["--texts", str(draft)]) == 0
    assert capsys.readouterr().out.splitlines() == [only, *aloud(read(draft))]


def test_the_help_says_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "septets, parts and price" in " ".join(capsys.readouterr().out.split())
