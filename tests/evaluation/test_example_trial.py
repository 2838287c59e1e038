import hashlib
import hmac
import re
from pathlib import Path

import pytest

from allocation.randomisation import block, message
from evaluation.example.trial import EXTRACTED_AT, VERSION, cases, made, main
from evaluation.package import read
from evaluation.report.make import report
from trial.protocol.load import load


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        made(tmp_path / name, people=60, seed=seed)
    first, again, other = (contents(tmp_path / name) for name in "abc")
    assert first == again
    assert first != other
    assert len(first) == 11


def test_the_report_on_it_shows_every_result_and_finds_the_truth(tmp_path: Path) -> None:
    made(tmp_path, people=1500, seed=1)
    sections = {each.id: each for each in report(read(tmp_path / "unblinded")).sections}
    assert read(tmp_path / "blinded").made_up
    assert not any(section.refused for section in sections.values())
    assert all(section.departures == [] for section in sections.values())
    difference = sections["primary"].figures["risk_difference"]
    assert difference.low < -0.09 < difference.high < 0
    assert sections["fidelity"].figures["crossovers_to_texts"] == 0
    flow = sections["flow"].figures
    assert set(flow["not_randomised"]["reasons"]) >= {"under_18", "not_served", "no_number"}
    assert flow["repeats"] > 0
    assert 0.25 < sections["attrition"].figures["without"] / flow["enrolled"] < 0.5


def test_arms_are_those_of_the_trials_own_sequence() -> None:
    protocol = load(VERSION)
    key = hashlib.sha256(b"example trial 7").digest()
    slots: set[tuple[str, int, int]] = set()
    for case in cases(150, 7, protocol):
        if case.block is None or case.position is None:
            continue
        text = message(trial=protocol.trial, stratum=case.stratum, block=case.block)
        mac = hmac.digest(key, text, "sha256")
        arms = block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)
        assert case.arm is arms[case.position]
        slots.add((case.stratum, case.block, case.position))
    assert len(slots) > 80


def test_nobody_in_control_has_a_text_and_everybody_else_a_timetable() -> None:
    for case in cases(150, 2, load(VERSION)):
        assert bool(case.texts) == (case.arm == "intervention")
        assert all(event.at < EXTRACTED_AT for event in case.events)


def test_the_command_says_what_the_truth_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["-n", "40", "--seed", "2", "-o", str(tmp_path)])
    said = capsys.readouterr().out
    assert re.search(r"\d+ control, \d+ intervention, \d+ not randomised", said)
    assert "0.6 times the rate" in said
    assert (tmp_path / "blinded" / "datapackage.json").exists()
