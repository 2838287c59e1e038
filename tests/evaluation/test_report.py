import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evaluation.cohort import SumsError, hidden
from evaluation.package import read
from evaluation.report.make import report
from evaluation.report.page import Interim, Report, as_json, html
from extract.columns.base import Row
from extract.columns.events import ReminderRow
from tests.evaluation.packages import (
    LOCKED,
    OPEN,
    enrolment,
    missing,
    outcome,
    person,
    reminders,
    trial,
    written,
)
from trial.codes import Arm

RESULTS = ("fidelity", "primary", "adjusted", "survival", "subgroups", "secondary", "cost")
Made = Callable[..., tuple[Report, str, dict[str, Any]]]


class Page(HTMLParser):
    """What a reader and a screen reader find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.pictures: list[str] = []
        self.captions = 0
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._skips = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skips += tag == "style"
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg":
            self.pictures.append(dict(attrs).get("aria-label") or "")
        self.captions += tag in ("figcaption", "caption")

    def handle_endtag(self, tag: str) -> None:
        self._skips -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self.words.append(data)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(
        rows: list[Row], at: datetime = OPEN, form: str = "unblinded", reason: str | None = None
    ) -> tuple[Report, str, dict[str, Any]]:
        folder = written(tmp_path, rows, at).parent / form
        interim = Interim(reason, datetime(2028, 6, 2, 9, tzinfo=UTC)) if reason else None
        found = report(read(folder), interim=interim)
        return found, html(found), json.loads(as_json(found))["sections"]

    return make


def text_of(page: str) -> str:
    return " ".join(" ".join(Page(page).words).split())


def assert_readable(page: str) -> None:
    """Plain sentences only: no leftovers of a computation anywhere, in pictures neither."""
    found = Page(page)
    said = " ".join([*found.words, *found.pictures])
    leftovers = re.findall(r"\b(?:nan|NaN|None|inf|NA|NaT|Traceback)\b|<NA>", said)
    assert not leftovers, said[max(0, said.find(leftovers[0]) - 200) :][:400]
    for _, attributes in found.tags:
        for name, value in attributes.items():
            assert "nan" not in re.split(r"[^a-z]+", value or "") or name == "content", attributes


def test_the_report_has_eleven_sections_and_then_departures_and_methods(made: Made) -> None:
    found, page, _ = made(trial(without=20))
    assert [section.id for section in found.sections] == [
        "flow", "attrition", "baseline", *RESULTS, "power",
    ]  # fmt: skip
    ids = [attributes.get("id") for tag, attributes in Page(page).tags if tag == "section"]
    assert ids[-2:] == ["departures", "methods"]
    assert_readable(page)


def test_the_page_can_be_heard(made: Made) -> None:
    page = Page(made(trial(without=20))[1])
    assert page.headings[0] == 1
    assert set(page.headings[1:]) == {2}
    assert len(page.pictures) >= 12
    assert all(len(alt) > 30 for alt in page.pictures)
    tables = sum(tag in ("table", "figure") for tag, _ in page.tags)
    assert page.captions == tables
    scopes = {attributes.get("scope") for tag, attributes in page.tags if tag == "th"}
    assert scopes <= {"col", "row", "rowgroup"}
    html_tag = next(attributes for tag, attributes in page.tags if tag == "html")
    assert html_tag["lang"] == "en-GB"


def test_the_page_needs_nothing_but_itself(made: Made) -> None:
    _, page, _ = made(trial())
    for tag, attributes in Page(page).tags:
        assert tag not in {"script", "link", "img", "iframe"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page
    assert "@import" not in page


def test_every_exclusion_is_in_the_flow_and_the_sums_close(made: Made) -> None:
    rows = [
        *trial(without=4),
        enrolment(501, None, status="ineligible", reasons=("under_18",), age_band="under_18"),
        enrolment(502, None, status="ended", reasons=("order_ended",), end_reason="deceased",
            days_to_end=1.0),
        enrolment(503, None, status="eligible", reasons=()),
        enrolment(504, Arm.CONTROL, person=person(0), repeat=True, block=None, position=None),
        enrolment(505, recorded_in_error=True, status="ended", end_reason="recorded_in_error"),
    ]  # fmt: skip
    flow = made(rows)[2]["flow"]["figures"]
    reasons = {name: each["total"] for name, each in flow["not_randomised"]["reasons"].items()}
    assert reasons == {"under_18": 1, "no_number": 4, "order_ended": 1, "awaiting_allocation": 1}
    assert flow["not_randomised"]["reasons"]["no_number"]["details"] == {"seized_evidence": 4}
    assert flow["enrolled"] == sum(reasons.values()) + flow["allocated"]
    assert flow["allocated"] == flow["repeats"] + flow["randomised"] == 82
    assert flow["arms"]["control"]["analysed"] == 41
    assert flow["arms"]["control"]["recorded_in_error"] == 1


WRONG = {
    "without an arm": ([enrolment(1, None, allocated=True, repeat=False)], "without an arm"),
    "with an arm": ([enrolment(1, allocated=False, repeat=None, reasons=("no_number",))], "not al"),
    "no reason": ([enrolment(1, None, reasons=())], "neither allocated nor with a reason"),
    "twice": (
        [enrolment(1, person="P" + "0" * 16), enrolment(2, person="P" + "0" * 16)],
        "the same person",
    ),
    "first missing": ([enrolment(1, repeat=True)], "somebody never randomised"),
    "arm changed": (
        [
            enrolment(1, person="P" + "0" * 16),
            enrolment(2, Arm.INTERVENTION, person="P" + "0" * 16, repeat=True),
        ],
        "another arm than the person's first",
    ),
    "whether repeat unsaid": ([enrolment(1, repeat=None)], "not said whether as a repeat"),
    "no place": ([enrolment(1, block=None)], "without a block"),
    "no time": ([enrolment(1, days_followed=None)], "without days at risk or followed"),
}


@pytest.mark.parametrize(("rows", "reason"), WRONG.values(), ids=WRONG)
def test_no_report_is_made_of_people_who_do_not_add_up(
    made: Made, rows: list[Row], reason: str
) -> None:
    with pytest.raises(SumsError, match=reason):
        made(rows)


def test_a_blinded_extract_shows_no_result(made: Made) -> None:
    stopped = enrolment(901, Arm.INTERVENTION, end_reason="wrong_number", days_to_end=2.0)
    found, page, figures = made(
        [*trial(without=20), stopped], form="blinded", reason="I want to know"
    )
    for name in RESULTS:
        assert "blinded form" in figures[name]["refused"]
        assert not figures[name]["figures"]
    assert found.interim is None
    assert "I want to know" not in page
    said = text_of(page)
    assert "arm A" in said
    assert "stopped" not in said
    assert not re.search(r"\b(control|intervention) \(n", said)
    assert "delivered" not in json.dumps(figures)
    assert_readable(page)


def test_results_are_locked_until_the_protocols_date(made: Made) -> None:
    found, page, figures = made(trial(), at=LOCKED)
    for name in RESULTS:
        assert "before 28 February 2029" in figures[name]["refused"]
        assert not figures[name]["figures"]
    assert not any(section.blocks for section in found.sections if section.id in RESULTS)
    assert "with_a_delivered_text" not in json.dumps(figures)
    assert "locked" in text_of(page)
    assert_readable(page)


def test_an_interim_look_is_on_the_report_with_reason_and_time(made: Made) -> None:
    found, page, figures = made(trial(), at=LOCKED, reason="safety <board>")
    assert figures["primary"]["figures"]["control"]["events"] == 12
    assert "safety &lt;board&gt;" in page
    said = text_of(page)
    assert "2 June 2028, 09:00 UTC: safety <board>" in said
    assert any("not planned: safety <board>" in each for each in found.departures)
    assert json.loads(as_json(found))["interim"] == {
        "reason": "safety <board>",
        "at": "2028-06-02T09:00:00+00:00",
    }


def test_a_reason_is_not_noted_where_none_is_needed(made: Made) -> None:
    found, page, _ = made(trial(), reason="just so")
    assert found.interim is None
    assert "Interim" not in text_of(page)
    assert not found.departures


def test_the_primary_outcome_has_the_published_figures(made: Made) -> None:
    figures = made(trial(control=(7, 34), treated=(1, 34)))[2]["primary"]["figures"]
    assert figures["risk_difference"]["value"] == pytest.approx(-0.1765, abs=5e-5)
    assert figures["risk_difference"]["low"] == pytest.approx(-0.3404, abs=5e-5)
    assert figures["risk_difference"]["high"] == pytest.approx(-0.0189, abs=5e-5)
    assert figures["risk_ratio"]["value"] == pytest.approx(1 / 7)
    assert figures["fisher_p"] == pytest.approx(0.0544, abs=5e-5)


def test_only_what_the_protocol_counts_counts(made: Made) -> None:
    rows = [
        *trial(control=(0, 20), treated=(0, 20)),
        outcome(0, type="offence"),
        outcome(2, instrument="bail"),
        outcome(4, within_order=False, days_from_allocation=-1.0),
        outcome(6, within_order=False, days_from_allocation=29.0),
        outcome(8, type="arrest"),
        outcome(8, outcome=2),
    ]
    figures = made(rows)[2]
    assert figures["primary"]["figures"]["control"]["events"] == 1
    family = figures["secondary"]["figures"]["outcomes"]
    controls = {name: each["control"]["events"] for name, each in family.items()}
    assert controls == {
        "breach_in_order": 1,
        "arrest_in_order": 1,
        "abuse_in_order": 1,
        "any_30": 4,
        "any_90": 4,
        "any_365": 4,
    }


def test_repeats_are_in_the_sensitivity_analysis_only(made: Made) -> None:
    again = enrolment(900, Arm.CONTROL, person=person(0), repeat=True, block=None, position=None)
    figures = made([*trial(), again, outcome(900)])[2]
    assert figures["primary"]["figures"]["control"] == {
        "events": 12,
        "people": 40,
        "risk": 0.3,
        "interval": figures["primary"]["figures"]["control"]["interval"],
    }
    repeats = figures["secondary"]["figures"]["sensitivity"]["With repeat orders"]
    assert repeats["counts"]["control"] == {"events": 13, "people": 41}


def test_an_order_recorded_in_error_stays_in_its_arm(made: Made) -> None:
    wrong = enrolment(900, recorded_in_error=True, status="ended", end_reason="recorded_in_error")
    figures = made([*trial(), wrong])[2]
    assert figures["primary"]["figures"]["control"]["people"] == 41
    assert figures["flow"]["figures"]["arms"]["control"]["ended_early"] == {"recorded_in_error": 1}


def test_orders_still_running_are_left_out_and_said_so(made: Made) -> None:
    running = enrolment(900, days_followed=3.0)
    found, _, figures = made([*trial(), running], at=LOCKED, reason="board")
    assert figures["primary"]["figures"]["control"]["people"] == 40
    assert figures["primary"]["figures"]["not_yet_followed"] == 1
    assert any("1 person whose order was still running" in each for each in found.departures)
    assert any("365 days: 1 person not yet followed" in each for each in found.departures)


def test_a_text_to_control_is_a_warning_and_a_departure(made: Made) -> None:
    rows = [*trial(), enrolment(900, planned=1, sent=1), *reminders(900)[:1]]
    found, page, figures = made(rows)
    assert figures["fidelity"]["figures"]["crossovers_to_texts"] == 1
    assert figures["fidelity"]["figures"]["reminders_of_control"] == 1
    assert 'class="warning">Of 41 allocations to control, 1 had' in page
    assert any("in control had texts" in each for each in found.departures)


def test_another_version_of_the_protocol_is_a_departure(made: Made) -> None:
    found, *_ = made([*trial(), enrolment(900, protocol="dvpo-2025-9")])
    assert any("(dvpo-2025-9)" in each for each in found.departures)


def test_what_happens_under_a_later_order_counts_for_the_person_who_was_randomised(
    made: Made,
) -> None:
    """Beyond the first order's last day, and within 30 days of the randomisation."""
    again: dict[str, Any] = {"person": person(0), "repeat": True, "block": None, "position": None}
    later = enrolment(900, days_from_randomisation=27.0, **again)
    offence = {"person": person(0), "enrolment": later.enrolment, "type": "offence"}
    rows = [
        *trial(control=(0, 40)),
        later,
        outcome(0, **offence, days_from_allocation=29.0, within_order=False, instrument="other"),
    ]
    figures = made(rows)[2]
    counts = figures["secondary"]["figures"]["outcomes"]
    assert counts["any_30"]["control"]["events"] == 1
    assert counts["abuse_in_order"]["control"]["events"] == 0
    with_repeats = {"type": "breach", "instrument": "dvpo", "outcome": 2}
    rows.append(outcome(0, **offence | with_repeats, days_from_allocation=29.0, within_order=False))
    sensitivity = made(rows)[2]["secondary"]["figures"]["sensitivity"]
    assert sensitivity["As randomised (primary)"]["counts"]["control"]["events"] == 0
    assert sensitivity["With repeat orders"]["counts"]["control"]["events"] == 1


def test_texts_without_a_receipt_cost_what_the_protocol_assumes(made: Made) -> None:
    rows = [
        *[
            row
            for row in trial()
            if not isinstance(row, ReminderRow) or row.enrolment != enrolment(1).enrolment
        ],
        *reminders(1, price_pence=None, parts=None, state="unconfirmed"),
    ]
    figures = made(rows)[2]["cost"]["figures"]
    assert figures["texts_without_price"] == 2
    assert figures["per_order"]["texts"] == pytest.approx((39 * 6 + 2 * 3.2) / 40)


def test_numbers_found_later_are_counted_with_how(made: Made) -> None:
    found_later: dict[str, Any] = {
        "number_at_enrolment": False,
        "missing_reason": "refused",
        "number_found": True,
        "days_to_number": 2.0,
        "resolved_how": "probation",
        "first_status": "waiting",
        "first_reasons": ("no_number",),
    }
    rows = [*trial(without=6), enrolment(900, **found_later), missing(900, reason="refused")]
    figures = made(rows)[2]["attrition"]["figures"]
    assert (figures["without"], figures["found_later"]) == (7, 1)
    assert figures["found_and_randomised"] == 1
    assert figures["found_how"] == {"probation": 1}
    assert figures["reasons"]["refused"]["median_days_to_number"] == 2
    assert sum(sum(month.values()) for month in figures["months"].values()) == 87


def test_groups_of_too_few_are_not_shown(made: Made) -> None:
    few = [enrolment(900 + i, sex="female", block=450 + i // 2) for i in range(4)]
    _, page, figures = made([*trial(), *few])
    assert figures["baseline"]["figures"]["control"]["sex"] == {"male": None, "female": None}
    assert figures["subgroups"]["figures"]["sex"]["groups"] == {}
    assert figures["attrition"]["figures"].get("characteristics") is None
    assert "too few" in text_of(page)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([50, 30], [50, 30]),
        ([50, 30, 0], [50, 30, 0]),
        ([50, 30, 4], [50]),
        ([50, 9, 4], [50]),
        ([4], []),
        ([0, 4, 0], [0, 0]),
        ([], []),
    ],
)
def test_no_hidden_count_can_be_worked_out(counts: list[int], shown: list[int]) -> None:
    hide = hidden(counts, 10)
    assert [n for n, each in zip(counts, hide, strict=True) if not each] == shown


def controls(events: int = 0, people: int = 30) -> list[Row]:
    return trial(control=(events, people), treated=(0, 0))


STRANGE: dict[str, list[Row]] = {
    "nobody": [],
    "nobody randomised": trial(control=(0, 0), treated=(0, 0), without=30),
    "one person": [enrolment(1)],
    "one person with an event": [enrolment(1, Arm.INTERVENTION), outcome(1)],
    "one arm": controls(),
    "one arm with events": controls(5),
    "the other arm": trial(control=(0, 0), treated=(3, 30)),
    "no number for anybody else": trial(without=400),
    "no event": trial(control=(0, 40), treated=(0, 40)),
    "no event with texts": trial(control=(12, 40), treated=(0, 40)),
    "no event without": trial(control=(0, 40), treated=(12, 40)),
    "an event for everybody": trial(control=(40, 40), treated=(40, 40)),
    "worse with texts": trial(control=(2, 40), treated=(30, 40)),
    "the same": trial(control=(10, 40), treated=(10, 40)),
    "two people": trial(control=(1, 1), treated=(0, 1)),
    "no texts planned": [
        row
        for row in trial()
        if row.resource != "reminders"
    ],
    "no time at risk": [
        enrolment(i, arm, days_at_risk=0.0) for i, arm in enumerate([*Arm, *Arm])
    ],
    "nobody followed": [
        enrolment(i, arm, days_followed=0.0) for i, arm in enumerate([*Arm, *Arm])
    ],
    "all withheld": [
        enrolment(i, arm, ethnicity=None, sex="not_known") for i, arm in enumerate([*Arm, *Arm])
    ],
    "found without saying how": [
        *trial(),
        enrolment(900, number_at_enrolment=False, missing_reason="refused", number_found=True,
            days_to_number=2.0),
    ],
}  # fmt: skip


@pytest.mark.parametrize("form", ["unblinded", "blinded"])
@pytest.mark.parametrize("rows", STRANGE.values(), ids=STRANGE)
def test_whatever_the_data_lack_a_plain_sentence_says_so(
    made: Made, rows: list[Row], form: str
) -> None:
    found, page, _ = made(rows, form=form)
    assert_readable(page)
    for section in found.sections:
        assert section.refused or section.blocks
