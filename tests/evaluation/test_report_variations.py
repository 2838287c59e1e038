"""Orders varied or discharged after the allocation are described by arm."""

from pathlib import Path
from typing import Any

from evaluation.cohort import cohort_of
from evaluation.package import read
from evaluation.report.parts import ReportTable, Section, Words
from evaluation.report.variations import section
from extract.columns.base import Row
from tests.evaluation.packages import enrolment, trial, version, written
from tests.support.fixture_protocol import DAPO
from trial.codes import Arm
from trial.protocol.load import path_of

OF_DAPO = {
    "protocol": DAPO.version, "protocol_sha256": DAPO.sha256, "trial": DAPO.trial,
    "order_type": "dapo", "stratum": "longer", "days_to_allocation": 1.0,
}  # fmt: skip
WIDER = ("no_contact", "programme", "no_entry")


def dapo(number: int, arm: Arm, **changes: Any) -> Row:
    return enrolment(number, arm).model_copy(update=OF_DAPO | changes)


def later(number: int, place: int, day: float, **changes: Any) -> Row:
    return version(number, version=place, days_from=day, days_to_report=0, **changes)


def made(folder: Path, rows: list[Row]) -> Section:
    extract = read(written(folder, rows, protocol=path_of(DAPO.version)))
    return section(cohort_of(extract))


def test_variations_since_the_allocation_are_counted_by_arm(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        [
            dapo(1, Arm.INTERVENTION),
            *(version(1), later(1, 2, 31.0, conditions=WIDER), later(1, 3, 61.0, days=90)),
            *(dapo(3, Arm.INTERVENTION), version(3), later(3, 2, 0.5, days=90)),  # before the draw
            dapo(5, Arm.INTERVENTION, end_reason="discharged", days_to_end=41.0),
            *(dapo(2, Arm.CONTROL), version(2, days=60), later(2, 2, 11.0, days=30)),
            *(dapo(4, Arm.CONTROL), version(4)),
        ],
    ).figures
    treated, control = found["intervention"], found["control"]
    assert (treated["orders"], treated["varied"], treated["variations"]) == (3, 1, 2)
    assert (control["orders"], control["varied"], control["variations"]) == (2, 1, 1)
    assert treated["changed"] == {
        "Condition added: no entry": 1,
        "Condition dropped: no entry": 1,
        "Given a last day": 1,
    }
    assert control["changed"] == {"Made shorter": 1}
    assert treated["days_to_first"] == [30.0, 30.0, 30.0]
    assert (treated["discharged"], control["discharged"]) == (1, 0)
    assert treated["days_to_discharge"] == [40.0, 40.0, 40.0]
    assert control["days_to_discharge"] is None


def test_the_description_tests_no_hypothesis(tmp_path: Path) -> None:
    rows = [dapo(1, Arm.INTERVENTION), dapo(2, Arm.CONTROL), version(1), version(2)]
    said = made(tmp_path, rows)
    assert not said.methods
    (table,) = [each for each in said.blocks if isinstance(each, ReportTable)]
    assert table.rows[0] == ("Orders (dapo)", "1", "1")
    assert table.rows[1] == ("Varied at least once", "0 of 1 (0.0%)", "0 of 1 (0.0%)")


def test_a_trial_whose_orders_cannot_be_varied_says_so(tmp_path: Path) -> None:
    found = section(cohort_of(read(written(tmp_path, trial()))))
    assert found.figures == {}
    (words,) = found.blocks
    assert isinstance(words, Words)
    assert words.text == "No type of order in this trial can be varied."
