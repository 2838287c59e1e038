"""The demo's page: whole, on its own, and true to the run."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from local.demo.checks import verdicts
from local.demo.demo import conclude
from local.demo.page.charts import orders_by_day, texts_by_hour
from local.demo.page.render import render
from local.demo.run import Run
from tests.local.demo.demo_run import good_run
from trial.codes import Arm

# A page that needs nothing else names nothing else.
ELSEWHERE = re.compile(r"https?:|<script|<link|<img|@import|url\(|\bsrc=", re.IGNORECASE)


class Tags(HTMLParser):
    """Reads a page, and refuses one whose tags do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "aria-labelledby":
                self.references |= set((value or "").split())
            if name == "href":
                self.references.add((value or "").removeprefix("#"))
        if re.fullmatch(r"h\d", tag):
            self.headings.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def run() -> Run:
    return good_run()


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return render(run, verdicts(run))


def test_the_demo_s_page_is_well_formed_and_every_reference_has_its_target(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert len(set(tags.ids)) == len(tags.ids)
    assert tags.references - {"../dashboard/index.html"} <= set(tags.ids)
    assert tags.headings == ["h1"] + ["h2"] * 8


def test_the_demo_s_page_loads_nothing_from_elsewhere(page: str) -> None:
    assert ELSEWHERE.search(page) is None


def test_the_demo_s_page_shows_no_number_in_full(run: Run, page: str) -> None:
    digits = re.sub(r"[\s()-]", "", page)
    for case in run.cases:
        if case.order.number:
            assert case.order.number.removeprefix("+44") not in digits


def test_the_demo_s_page_names_every_order(run: Run, page: str) -> None:
    for case in run.cases:
        assert case.order.reference in page


def test_a_failed_check_is_shown_first_and_in_full(run: Run) -> None:
    page = render(run, {"Nothing went wrong": ["DVPO-1: <b>all</b> did"], "It ran": []})
    assert "1 of 2 checks failed" in page.partition("<main>")[0]
    assert "DVPO-1: &lt;b&gt;all&lt;/b&gt; did" in page


def test_the_flow_diagram_on_the_demo_s_page_adds_up(page: str) -> None:
    boxes = {what: int(count) for count, what in re.findall(r"<b>(\d+) ([a-z ]+)</b>", page)}
    assert boxes["orders posted"] == boxes["refused"] + boxes["orders enrolled"]
    assert boxes["orders enrolled"] == (
        boxes["waiting"] + boxes["left out"] + boxes["eligible and randomised"]
    )
    assert boxes["eligible and randomised"] == boxes["intervention"] + boxes["control"]


def test_the_timeline_marks_every_reminder_by_its_state(run: Run) -> None:
    picture = ET.fromstring(orders_by_day(run))  # noqa: S314 - our own
    marks = {
        name: len(picture.findall(f".//*[@class='{name}']"))
        for name in ("sent", "undelivered", "missed", "wrong")
    }
    delivered = sum(bool(text.delivered) for text in run.texts)
    reasons = Counter(r["reason"] for case in run.cases for r in case.reminders if not r["sent_at"])
    assert marks == {
        "sent": delivered,
        "undelivered": len(run.texts) - delivered,
        "missed": reasons["missed_late_start"],
        "wrong": reasons["ended"],
    }
    assert all(marks.values())


def test_a_reminder_that_failed_is_a_cross_that_says_why(run: Run) -> None:
    case = run.of(Arm.INTERVENTION)[0]
    stale = case.reminders[0] | {"sent_at": None, "state": "suppressed", "reason": "stale"}
    reminders = [stale, *case.reminders[1:]]
    spoilt = replace(case, allocation={"arm": case.arm, "reminders": reminders})
    picture = ET.fromstring(orders_by_day(replace(run, cases=(spoilt,))))  # noqa: S314 - our own
    titles = [
        group.findtext("title") for group in picture.iter("g") if group.find("path") is not None
    ]
    told = [title for title in titles if title]
    assert len(told) == 1
    assert told[0].startswith("1. conditions: suppressed stale")


def test_every_text_is_drawn_at_its_hour_in_london(run: Run) -> None:
    picture = ET.fromstring(texts_by_hour(run))  # noqa: S314 - our own
    dots = picture.findall(".//circle[@class='sent']")
    shaded = picture.findall(".//rect[@class='closed']")
    opens = float(shaded[0].attrib["y"]) + float(shaded[0].attrib["height"])
    closes = float(shaded[1].attrib["y"])
    assert len(dots) == len(run.texts)
    assert all(opens <= float(dot.attrib["cy"]) < closes for dot in dots)


@pytest.mark.parametrize("arm", list(Arm))
def test_a_run_without_an_arm_still_has_a_page(run: Run, arm: Arm) -> None:
    cases = tuple(case for case in run.cases if case.arm is not arm)
    lacking = replace(run, cases=cases)
    assert f"<b>0 {arm}</b>" in render(lacking, verdicts(lacking))


def test_the_demo_ends_well_when_all_is_well(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(run, tmp_path / "build/index.html", []) is True
    shown = verdicts(run) | {"Every panel of the dashboard has something to show": []}
    assert (tmp_path / "build/index.html").read_text() == render(run, shown)
    assert "✗" not in capsys.readouterr().out


def test_the_demo_ends_badly_and_names_the_order_when_a_text_is_lost(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = run.texts[0]
    (owner,) = (case for case in run.cases if case.order.number == lost.number)
    assert conclude(replace(run, texts=run.texts[1:]), tmp_path / "index.html", []) is False
    assert f"{owner.order.reference}: " in capsys.readouterr().out


def test_the_demo_ends_badly_and_names_the_panel_when_one_is_empty(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(run, tmp_path / "index.html", ["Orders"]) is False
    assert "    Orders\n" in capsys.readouterr().out
