import hashlib
import hmac
import re
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from allocation.randomisation import block, message
from evaluation.example.life import over_at
from evaluation.example.orders import year
from evaluation.example.trial import extracted_at, files, made, main
from evaluation.package import read
from evaluation.report.make import report
from tests.support.fixture_protocol import AGREED, DAPO
from trial.codes import Arm


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        made(tmp_path / name, AGREED, people=60, seed=seed)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert first != other
    assert len(first) == 20


def test_the_example_s_report_shows_every_result_and_finds_the_truth(tmp_path: Path) -> None:
    made(tmp_path, AGREED, people=1500, seed=1)
    sections = {each.id: each for each in report(read(tmp_path / "unblinded")).sections}
    assert read(tmp_path / "blinded").made_up
    assert not any(section.refused for section in sections.values())
    departures = [each for section in sections.values() for each in section.departures]
    assert all("are shown as one" in each for each in departures)
    difference = sections["primary"].figures["risk_difference"]
    assert difference.low < -0.09 < difference.high < 0
    assert sections["fidelity"].figures["crossovers_to_texts"] == 0
    flow = sections["flow"].figures
    assert set(flow["not_randomised"]["reasons"]) >= {"under_18", "not_served", "no_number"}
    assert flow["repeats"] > 0
    assert 0.25 < sections["attrition"].figures["without"] / flow["enrolled"] < 0.5


def test_arms_are_those_of_the_trials_own_sequence() -> None:
    protocol = AGREED
    key = hashlib.sha256(b"example trial 7 durham").digest()
    slots: set[tuple[str, int, int]] = set()
    arms_of: dict[str, Arm] = {}
    repeats = []
    for file in files(200, 7, protocol):
        drawn = file.allocation
        if drawn is None:
            continue
        if drawn.block is None or drawn.position is None:
            repeats.append(file)
            continue
        text = message(trial=protocol.trial, stratum=drawn.stratum, block=drawn.block)
        mac = hmac.digest(key, text, "sha256")
        arms = block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)
        assert drawn.arm is arms[drawn.position]
        slots.add((drawn.stratum, drawn.block, drawn.position))
        arms_of[file.enrolment.person_hash] = drawn.arm
    assert len(slots) == len(arms_of) > 80
    assert repeats
    for file in repeats:
        assert file.allocation
        assert file.allocation.repeat
        assert file.allocation.arm is arms_of[file.enrolment.person_hash]


def test_nobody_in_control_has_a_text_and_everybody_else_a_timetable() -> None:
    for file in files(150, 2, AGREED):
        arm = file.allocation.arm if file.allocation else None
        assert bool(file.reminders) == (arm == "intervention")
        assert all(each.occurred_at < extracted_at(AGREED) for each in file.outcomes)


def test_events_are_reported_under_a_person_s_latest_order() -> None:
    found = files(400, 3, AGREED)
    came: dict[str, list[datetime]] = defaultdict(list)
    for file in found:
        came[file.enrolment.person_hash].append(file.enrolment.enrolled_at)
    later = 0
    for file in found:
        enrolled_at = file.enrolment.enrolled_at
        newer = [at for at in came[file.enrolment.person_hash] if at > enrolled_at]
        for outcome in file.outcomes:
            assert outcome.occurred_at < min(newer, default=extracted_at(AGREED))
            later += outcome.occurred_at > over_at(file.enrolment, AGREED)
    assert later > 100


def test_the_command_prints_the_true_effect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-n", "40", "--seed", "2", "-o", str(tmp_path)])
    said = capsys.readouterr().out
    assert re.search(r"\d+ control, \d+ intervention, \d+ not randomised", said)
    assert "0.6 times the rate" in said
    assert (tmp_path / "durham" / "blinded" / "datapackage.json").exists()


def test_a_year_of_orders_that_may_be_varied_is_varied_discharged_and_reported(
    tmp_path: Path,
) -> None:
    made(tmp_path, DAPO, people=150, seed=1)
    extract = read(tmp_path / "unblinded")
    assert set(extract.enrolments["order_type"]) == {"dapo"}
    assert extract.enrolments["days"].isna().any()
    assert "discharged" in set(extract.enrolments["end_reason"])
    varied = extract.versions[extract.versions["version"] == 2]
    assert 10 < len(varied) < len(extract.enrolments) / 2
    assert varied["conditions"].str.endswith("programme").all()
    sections = {each.id: each for each in report(extract).sections}
    periods = sections["fidelity"].figures["by_period"]
    assert list(periods) == ["dapo, days 0 to 27", "dapo, days 28 to 83", "dapo, from day 84"]
    assert sections["fidelity"].figures["crossovers_to_texts"] == 0


def test_a_year_has_orders_of_every_type_each_of_a_length_that_it_may_have() -> None:
    stalking = DAPO.orders["dapo"].model_copy(update={"shortest_days": 365})
    both = DAPO.model_copy(update={"orders": {"dapo": DAPO.orders["dapo"], "spo": stalking}})
    orders = [each.enrolled.order for each in year(60, "durham", both, Random(1))]  # noqa: S311 - made-up people
    assert {each.type for each in orders} == set(both.orders)
    assert not [each for each in orders if both.orders[each.type].why_not_days(each.days)]
