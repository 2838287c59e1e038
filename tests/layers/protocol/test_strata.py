"""Strata of the randomisation, by the order and by what was known of the person."""

from pathlib import Path

import pytest

from tests.support.fixture_protocol import BY_RISK, by_risk, text_by_risk
from trial.codes import AgeBand, PriorIncidents, RiskGrade, Sex
from trial.protocol.load import ProtocolError, read
from trial.protocol.strata import NOT_SAID, Baselines
from trial.records.enrolment import Respondent

REST = 'risk_grade = ["standard", "medium", "not_said"]'


def problems_of(folder: Path, text: str) -> str:
    path = folder / f"{BY_RISK}.toml"
    path.write_text(text)
    with pytest.raises(ProtocolError) as refusal:
        read(path)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("grade", "days", "stratum"),
    [
        (RiskGrade.HIGH, 14, "14-high"),
        (RiskGrade.STANDARD, 14, "14-rest"),
        (RiskGrade.MEDIUM, 28, "15-28-rest"),
        (NOT_SAID, 14, "14-rest"),
        (NOT_SAID, 15, "15-28-rest"),
    ],
)
def test_a_stratum_may_depend_on_a_baseline_and_an_unreported_one_is_a_value_too(
    tmp_path: Path, grade: RiskGrade, days: int, stratum: str
) -> None:
    assert by_risk(tmp_path).stratum_of("dvpo", days, Baselines(risk_grade=grade)) == stratum


def test_a_baseline_that_upstream_does_not_send_is_not_said() -> None:
    silent = Respondent(age_band=AgeBand.FROM_25, sex=Sex.MALE)
    assert silent.baselines == Baselines(NOT_SAID, NOT_SAID, NOT_SAID)
    known = {"prior_incidents": PriorIncidents.NONE, "risk_grade": RiskGrade.HIGH}
    first, later = (silent.model_copy(update=known | {"first_order": f}) for f in (True, False))
    assert first.baselines == Baselines(PriorIncidents.NONE, RiskGrade.HIGH, "yes")
    assert later.baselines == Baselines(PriorIncidents.NONE, RiskGrade.HIGH, "no")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (REST, REST.replace(', "not_said"', ""), "dvpo 14 days, risk_grade not_said in no stratum"),
        (REST, REST.replace("standard", "high"), "risk_grade high in 14-high and 14-rest"),
        (REST, REST.replace("standard", "severe"), "'standard', 'medium' or 'high'"),
        ('risk_grade = ["high"]\n', "", "risk_grade not_said in 14-high and 14-rest"),
    ],
)
def test_each_value_belongs_to_exactly_one_stratum(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    text = text_by_risk()
    assert old in text
    assert problem in problems_of(tmp_path, text.replace(old, new))


def test_the_analysis_cannot_adjust_for_what_follows_from_the_stratum(tmp_path: Path) -> None:
    text = text_by_risk()
    one_each = text.replace(REST, 'risk_grade = ["medium"]')
    adjusted = 'adjust_for = ["stratum", "risk_grade"'
    before = 'adjust_for = ["stratum"'
    assert before in text
    found = problems_of(tmp_path, one_each.replace(before, adjusted))
    assert "risk_grade follows from the stratum" in found
    path = tmp_path / f"{BY_RISK}.toml"
    path.write_text(text.replace(before, adjusted))
    assert "risk_grade" in read(path).analysis.adjust_for
