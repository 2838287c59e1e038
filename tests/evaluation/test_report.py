import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evaluation.cohort import SumsError
from evaluation.integrity import faults
from evaluation.package import read
from evaluation.report.charts.heat import heat
from evaluation.report.consort import ITEMS
from evaluation.report.make import report
from evaluation.report.page import Interim, Report, as_json, html
from evaluation.report.words import NBSP, percent
from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
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
from tests.evaluation.pages import ParsedReport, assert_loads_nothing, text_of
from tests.support.fixture_protocol import AGREED, BY_RISK, VERSION, by_risk
from trial.codes import Arm
from trial.protocol.load import path_of

RESULTS = (
    *("fidelity", "primary", "forces", "adjusted", "survival", "subgroups", "secondary"),
    *("harms", "variations", "sensitivity", "bayes", "cost", "monitoring"),
)
Made = Callable[..., tuple[Report, str, dict[str, Any]]]


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


def assert_readable(page: str) -> None:
    """Plain sentences only: no leftovers of a computation anywhere, in pictures neither."""
    found = ParsedReport(page)
    said = " ".join([*found.words, *found.pictures])
    leftovers = re.findall(r"\b(?:nan|NaN|None|inf|NA|NaT|Traceback)\b|<NA>", said)
    assert not leftovers, said[max(0, said.find(leftovers[0]) - 200) :][:400]
    for _, attributes in found.tags:
        for name, value in attributes.items():
            assert "nan" not in re.split(r"[^a-z]+", value or "") or name == "content", attributes


def test_the_sections_come_in_order_and_then_departures_and_methods(made: Made) -> None:
    found, page, _ = made(trial(without=20))
    assert [section.id for section in found.sections] == [
        "flow", "attrition", "baseline", "registration", "estimand", *RESULTS, "power",
    ]  # fmt: skip
    ids = [attributes.get("id") for tag, attributes in ParsedReport(page).tags if tag == "section"]
    assert ids[-2:] == ["departures", "methods"]
    assert_readable(page)


def test_a_screen_reader_can_read_the_page(made: Made) -> None:
    page = ParsedReport(made(trial(without=20))[1])
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


def test_the_page_loads_nothing_from_elsewhere(made: Made) -> None:
    assert_loads_nothing(made(trial())[1])


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
def test_an_extract_whose_people_do_not_add_up_gives_no_report(
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
    assert '"delivered"' not in json.dumps(figures)
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
    assert not any("safety <board>" in each for each in found.departures)  # the day was planned
    assert json.loads(as_json(found))["interim"] == {
        "reason": "safety <board>",
        "at": "2028-06-02T09:00:00+00:00",
    }


def test_an_unplanned_interim_look_is_a_departure_and_decides_nothing(made: Made) -> None:
    found, page, _ = made(trial(), at=LOCKED + timedelta(days=1), reason="curious")
    departure = "looked at on a day for which the protocol plans no look: curious. No alpha"
    assert any(departure in each for each in found.departures)
    no_look = "No look is planned for this day"
    assert no_look in text_of(page)
    assert no_look not in text_of(made(trial(), at=LOCKED, reason="the board looks")[1])


def test_the_final_analysis_has_the_alpha_that_interim_looks_left(made: Made) -> None:
    """0.05 less 0.001 for the one look; an interim look itself claims nothing."""
    found, page, figures = made(trial(control=(20, 40), treated=(8, 40)))
    assert figures["primary"]["figures"]["final_alpha"] == 0.049
    assert figures["primary"]["figures"]["shown"] is True
    assert "re-randomisation at 0.049, a difference is shown" in text_of(page)
    assert made(trial(control=(9, 40), treated=(8, 40)))[2]["primary"]["figures"]["shown"] is False
    at_look = made(trial(), at=LOCKED, reason="the board looks")[2]
    assert "shown" not in at_look["primary"]["figures"]
    assert found.departures  # that the planned size was missed


def test_fewer_forces_than_planned_are_a_departure(tmp_path: Path) -> None:
    extract = read(written(tmp_path, trial()))
    assert not any("took part" in each for each in report(extract).departures)
    recruitment = AGREED.analysis.recruitment
    assert recruitment
    planned = recruitment.model_copy(update={"forces": 12})
    plan = AGREED.analysis.model_copy(update={"recruitment": planned})
    changed = replace(extract, protocol=AGREED.model_copy(update={"analysis": plan}))
    assert "12 forces were planned, 1 took part." in report(changed).departures


def test_no_reason_is_noted_where_none_is_needed(made: Made) -> None:
    found, page, _ = made(trial(), reason="just so")
    assert found.interim is None
    assert "Interim" not in text_of(page)
    assert not any("looked at" in each or "just so" in each for each in found.departures)


def test_only_outcomes_that_the_protocol_counts_are_counted(made: Made) -> None:
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


def test_repeat_orders_are_in_the_sensitivity_analysis_only(made: Made) -> None:
    again = enrolment(900, Arm.CONTROL, person=person(0), repeat=True, block=None, position=None)
    figures = made([*trial(), again, outcome(900)])[2]
    assert figures["primary"]["figures"]["control"] == {
        "events": 12,
        "people": 40,
        "risk": 0.3,
        "interval": figures["primary"]["figures"]["control"]["interval"],
    }
    repeats = figures["sensitivity"]["figures"]["populations"]["With repeat orders"]
    assert repeats["counts"]["control"] == {"events": 13, "people": 41}


def test_an_order_recorded_in_error_stays_in_its_arm(made: Made) -> None:
    wrong = enrolment(900, recorded_in_error=True, status="ended", end_reason="recorded_in_error")
    figures = made([*trial(), wrong])[2]
    assert figures["primary"]["figures"]["control"]["people"] == 41
    assert figures["flow"]["figures"]["arms"]["control"]["ended_early"] == {"recorded_in_error": 1}


def test_orders_still_running_are_left_out_and_the_report_says_so(made: Made) -> None:
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


def test_an_event_under_a_later_order_counts_for_the_randomised_person(made: Made) -> None:
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
    sensitivity = made(rows)[2]["sensitivity"]["figures"]["populations"]
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


def test_numbers_found_later_are_counted_by_how_they_were_found(made: Made) -> None:
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


def test_the_flow_closes_while_orders_are_still_running(made: Made) -> None:
    running = {"days_followed": 10.0, "days_at_risk": 26.5}
    rows: list[Row] = trial()
    late: list[Row] = [
        row.model_copy(update=running) for row in rows[-20:] if isinstance(row, EnrolmentRow)
    ]
    rows = [row for row in rows if row not in rows[-20:]] + late
    found, page, figures = made(rows, at=LOCKED, reason="the board looks")
    for arm in figures["flow"]["figures"]["arms"].values():
        assert arm["allocated"] == arm["analysed"] + arm["still_running"]
    assert figures["flow"]["figures"]["arms"]["intervention"]["still_running"] == len(late) > 0
    assert f"Order still running at the extract: {len(late)}" in text_of(page)
    assert f"Not in the primary analysis yet: {len(late)}" in text_of(page)
    primary = figures["primary"]["figures"]
    assert primary["not_yet_followed"] == len(late)
    assert isinstance(primary["rerandomisation_p"], float)  # blocks stay whole
    bounds = figures["sensitivity"]["figures"]["unknown"]
    assert bounds["unknown"] == [len(late), 0]
    assert (
        bounds["best"]["value"] <= primary["risk_difference"]["value"] <= bounds["worst"]["value"]
    )
    assert any("still running" in each for each in found.departures)


def test_the_extract_of_another_plan_shows_no_result(made: Made) -> None:
    foreign = enrolment(900, protocol_sha256="f" * 64)
    found, page, figures = made([*trial(), foreign], reason="I must know")
    for name in RESULTS:
        assert "plan of this trial is in doubt" in figures[name]["refused"]
        assert not figures[name]["figures"]
    assert found.interim is None
    assert 'class="doubt"' in page
    assert "1 order has the stamp of a protocol that is neither beside" in text_of(page)


def test_a_protocol_that_was_changed_after_the_fact_shows_no_result(tmp_path: Path) -> None:
    """Rows, file and description agree with each other, but not with what was registered."""
    text = path_of(VERSION).read_text().replace("alpha = 0.05 ", "alpha = 0.10 ")
    changed = tmp_path / f"{VERSION}.toml"
    changed.write_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    rows: list[Row] = [
        row.model_copy(update={"protocol_sha256": sha256})
        if isinstance(row, ReminderRow) or (isinstance(row, EnrolmentRow) and row.allocated)
        else row
        for row in trial()
    ]
    folder = written(tmp_path / "extract", rows, protocol=changed)
    found = report(read(folder))
    assert [each.refused is not None for each in found.sections if each.id in RESULTS] == [
        True
    ] * len(RESULTS)
    assert "its SHA-256 is not that of this repository's file" in found.doubts[0]


def test_a_version_named_beside_another_version_s_hash_is_a_doubt(made: Made) -> None:
    found, *_ = made([*trial(), enrolment(900, protocol="fixture-0")])
    assert any("names a protocol whose SHA-256 is not the one stamped" in d for d in found.doubts)


def test_a_stratum_for_other_people_is_a_doubt(tmp_path: Path) -> None:
    """The auditor may not see baselines, so that the analyst's side has to compare."""
    plan = by_risk(tmp_path)
    stamped = {"protocol": BY_RISK, "trial": plan.trial, "protocol_sha256": plan.sha256}

    def doubts(stratum: str, grade: str | None) -> list[str]:
        placed = {"stratum": stratum, "risk_grade": grade}
        rows = [enrolment(1).model_copy(update=stamped | placed)]
        folder = written(tmp_path / "extract", rows, protocol=tmp_path / f"{BY_RISK}.toml")
        return [each for each in faults(read(folder)) if "stratum" in each]

    assert doubts("15-28-high", "high") == doubts("15-28-rest", None) == []
    for stratum, grade in (("15-28-high", None), ("15-28-rest", "high"), ("15-28", "high")):
        (doubt,) = doubts(stratum, grade)
        assert "1 order was drawn in a stratum" in doubt


def test_rows_of_another_trial_are_a_doubt(made: Made) -> None:
    found, *_ = made([*trial(), enrolment(900, trial="another")])
    assert any("another trial" in each for each in found.doubts)


def test_the_estimand_is_stated_with_the_events_that_affect_it(made: Made) -> None:
    ends = [
        enrolment(901, end_reason="deceased", days_to_end=3.0),
        enrolment(903, Arm.INTERVENTION, end_reason="in_custody", days_to_end=2.0, delivered=0),
    ]
    _, page, figures = made([*trial(), *ends])
    people = {
        event: each["people"]
        for event, each in figures["estimand"]["figures"]["intercurrent"].items()
    }
    assert people == {
        "deceased": 1, "quashed": 0, "in_custody": 1, "number_lost": 0, "no_text_delivered": 1,
    }  # fmt: skip
    said = text_of(page)
    assert "While at risk: the outcome counts until the event, which makes it impossible" in said
    assert "nobody who is dead can breach" in said


def test_a_person_who_dies_before_a_breach_is_no_longer_at_risk_of_one(made: Made) -> None:
    dead = enrolment(901, end_reason="deceased", days_to_end=3.01, status="ended")
    figures = made([*trial(), dead])[2]["survival"]["figures"]
    competing = figures["competing"]
    assert competing["events"] == ["quashed", "deceased"]
    assert competing["people"] == 1
    assert competing["incidences"]["horizon"] == figures["restricted_means"]["horizon"] == 21


def test_harms_are_shown_by_arm_and_kind(made: Made) -> None:
    harms = [
        outcome(1, outcome=9, type="harm", harm="wrong_recipient", instrument=None),
        outcome(1, outcome=10, type="harm", harm="complaint", instrument=None),
        outcome(3, outcome=9, type="harm", harm="complaint", instrument=None),
        outcome(0, outcome=9, type="harm", harm="threat", instrument=None),
        enrolment(905, Arm.INTERVENTION, end_reason="wrong_number", days_to_end=2.0),
    ]
    figures = made([*trial(), *harms])[2]["harms"]["figures"]
    kinds = {
        kind: (each["people"]["intervention"]["events"], each["people"]["control"]["events"])
        for kind, each in figures["kinds"].items()
    }
    assert kinds == {
        "wrong_recipient": (1, 0), "disclosure": (0, 0), "complaint": (2, 0), "threat": (0, 1),
        "other": (0, 0),
    }  # fmt: skip
    assert figures["any"]["people"]["intervention"]["events"] == 2
    assert figures["any"]["events"] == {"intervention": 3, "control": 1}
    assert figures["stopped"]["wrong_number"]["intervention"]["events"] == 1


def test_a_harm_counts_in_no_endpoint(made: Made) -> None:
    harm = outcome(1, outcome=9, type="harm", harm="threat", instrument=None)
    with_harm, without = (made(rows)[2]["secondary"] for rows in ([*trial(), harm], trial()))
    assert with_harm == without


def test_the_sceptic_s_posterior_lies_between_prior_and_data(made: Made) -> None:
    figures = made(trial(control=(20, 40), treated=(8, 40)))[2]
    bayes, primary = figures["bayes"]["figures"], figures["primary"]["figures"]
    assert bayes["benefit_before"] == 0.5
    assert 0.5 < bayes["benefit"] < 1
    crude = (8 / 32) / (20 / 20)
    assert crude < bayes["odds_ratio"]["value"] < 1
    assert primary["risk_difference"]["value"] < bayes["risk_difference"]["value"] < 0


@pytest.mark.parametrize(
    ("control", "treated", "met"),
    [((12, 40), (10, 40), "neither"), ((38, 40), (1, 40), "benefit"), ((2, 40), (20, 40), "harm")],
)
def test_the_monitoring_rule_is_applied_at_a_look(
    made: Made, control: tuple[int, int], treated: tuple[int, int], met: str
) -> None:
    rows = trial(control=control, treated=treated)
    _, page, figures = made(rows, at=LOCKED, reason="the board looks")
    assert figures["monitoring"]["figures"]["met"] == met
    assert ("to consider stopping." in text_of(page)) == (met != "neither")
    assert not made(rows)[2]["monitoring"]["figures"]


def test_a_missed_sample_size_is_a_departure_once_the_trial_is_over(made: Made) -> None:
    missed = "The planned sample size was missed: 471 people in each arm were planned, 40 and 40"
    assert any(missed in each for each in made(trial())[0].departures)
    early = made(trial(), at=LOCKED, reason="the board looks")[0]
    assert not any(missed in each for each in early.departures)


def test_the_sample_size_is_re_estimated_from_both_arms_together(made: Made) -> None:
    rows = trial(control=(12, 40), treated=(5, 40))
    shown = [made(rows, form=form, at=LOCKED)[2]["power"]["figures"] for form in
             ("blinded", "unblinded")]  # fmt: skip
    assert shown[0]["reestimated"] == shown[1]["reestimated"]
    found = shown[0]["reestimated"]
    control, intervention = found["risks"]
    assert (found["events"], found["people"]) == (17, 80)
    assert (control + intervention) / 2 == pytest.approx(17 / 80)
    assert intervention / control == pytest.approx(0.20 / 0.28)


def test_people_never_randomised_are_described_and_not_compared_by_arm(made: Made) -> None:
    never = [enrolment(n, None, person=person(n)) for n in range(2000, 2012)]
    happened = [
        outcome(2000 + i, days_from_allocation=None, within_order=False, days_from_order=5.0)
        for i in range(4)
    ]
    figures = made([*trial(), *never, *happened])[2]["attrition"]["figures"]
    told = figures["outcomes_of_never_randomised"]
    assert told["Randomised, both arms together"] == {"events": 17, "people": 80}
    assert told["Never randomised: no phone number"] == {"events": 4, "people": 12}


def test_every_section_names_the_items_of_the_checklist_that_it_is_about(made: Made) -> None:
    found, page, figures = made(trial())
    assert figures["flow"]["consort_2025"] == "22a, 22b"
    assert figures["baseline"]["consort_2025"] == "25"
    assert figures["harms"]["consort_2025"] == "7, 15, 21a, 27"
    assert "CONSORT 2025: 22a (participant flow), 22b (losses and exclusions)" in text_of(page)
    items = {item for each in found.sections for item in each.consort.split(", ") if item}
    assert items <= ITEMS.keys()
    assert {"2", "16b", "22a", "24a", "25", "26", "27"} <= items


def test_three_people_of_unknown_sex_do_not_hide_ninety_two_women(made: Made) -> None:
    rows = trial(control=(60, 200), treated=(40, 200))
    sexes = ["not_known"] * 3 + ["female"] * 92 + ["male"] * 305
    rows = [
        row.model_copy(update={"sex": sexes[int(row.enrolment[1:], 16) * 37 % 400]})
        if isinstance(row, EnrolmentRow)
        else row
        for row in rows
    ]
    found, page, figures = made(rows)
    subgroups = figures["subgroups"]["figures"]["sex"]["groups"]
    sizes = {
        title: each["control"]["people"] + each["intervention"]["people"]
        for title, each in subgroups.items()
    }
    assert sizes == {"male": 305, "female or not known": 95}
    assert "female or not known" in text_of(page)
    assert figures["adjusted"]["figures"]["adjusted"]["method"] == "logistic"
    merged = "Sex: female and not known are shown as one, since there are fewer than 10"
    assert any(merged in each for each in found.departures)


def test_a_count_hidden_in_one_arm_is_hidden_in_the_other(made: Made) -> None:
    """How many of both had no number at enrolment is said elsewhere: the rest is subtraction."""
    late = [enrolment(901 + 2 * n, Arm.INTERVENTION, number_at_enrolment=False) for n in range(15)]
    few = enrolment(900, Arm.CONTROL, number_at_enrolment=False)
    arms = made([*trial(), *late, few])[2]["baseline"]["figures"]
    assert [arms[arm]["number_at_enrolment"] for arm in ("control", "intervention")] == [None, None]
    shown = made([*trial(), *late])[2]["baseline"]["figures"]
    assert shown["intervention"]["number_at_enrolment"] == 40


def test_groups_that_are_too_small_are_shown_with_another(made: Made) -> None:
    few = [enrolment(900 + i, sex="female", block=450 + i // 2) for i in range(4)]
    _, page, figures = made([*trial(), *few])
    assert figures["baseline"]["figures"]["control"]["sex"] == {"male or female": 44}
    assert figures["subgroups"]["figures"]["sex"]["groups"] == {}
    assert figures["attrition"]["figures"].get("characteristics") is None
    assert "too few to show separately" in text_of(page)


@pytest.mark.parametrize(
    ("share", "digits", "said"),
    [(0, 1, "0.0%"), (3 / 6277, 1, "< 0.1%"), (0.0005, 1, "0.1%"), (0.9999, 1, "> 99.9%"),
     (1, 1, "100.0%"), (0.004, 0, "< 1%"), (0.996, 0, "> 99%"), (1, 0, "100%"), (0.5, 0, "50%")],
)  # fmt: skip
def test_a_few_per_cent_are_not_rounded_to_none_nor_nearly_all_to_all(
    share: float, digits: int, said: str
) -> None:
    assert percent(share, digits) == said.replace(" ", NBSP)


def test_the_cells_of_a_heat_map_keep_their_shades_in_dark_mode() -> None:
    """Their text does: where white became the page's dark, dark text could not be read."""
    drawn = ET.fromstring(heat("t", ["r"], ["a", "b"], [[0.0, 1.0]], [["0", "9"]], "h"))  # noqa: S314
    cells = [each for each in drawn if each.tag.endswith(("rect", "text")) and each.get("y")]
    shades = [each for each in cells if each.tag.endswith("rect")]
    assert len(shades) == 2
    assert all(each.get("class") == "cell" for each in shades)


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
def test_a_plain_sentence_names_whatever_the_data_lack(
    made: Made, rows: list[Row], form: str
) -> None:
    found, page, _ = made(rows, form=form)
    assert_readable(page)
    for section in found.sections:
        assert section.refused or section.blocks
