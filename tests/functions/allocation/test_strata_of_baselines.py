"""People drawn in strata of what was known about them at enrolment."""

from pathlib import Path

import pytest

from tests.support.fixture_protocol import BY_RISK, by_risk
from tests.support.samples import order
from tests.support.steps import allocate, call, enrol, failures
from tests.support.table import allocation_of, enrolment_of, everything
from trial import config
from trial.protocol import load as protocols
from trial.records.allocation import cursor_key

pytestmark = pytest.mark.usefixtures("by_risk_grade")

LONG = {"expires_on": "2026-12-28"}


@pytest.fixture
def by_risk_grade(
    cloud: dict[str, str],  # noqa: ARG001 - what is deployed there is another protocol
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_risk(tmp_path)
    monkeypatch.setattr(protocols, "FOLDER", tmp_path)
    monkeypatch.setenv("PROTOCOL", BY_RISK)
    config.settings.cache_clear()


@pytest.mark.parametrize(
    ("respondent", "stratum"),
    [({"risk_grade": "high"}, "14-high"), ({"risk_grade": "medium"}, "14-rest"), ({}, "14-rest")],
)
def test_people_are_drawn_from_the_sequence_of_their_grade(
    respondent: dict[str, str], stratum: str
) -> None:
    ident = enrol(respondent=respondent)
    assert enrolment_of(ident).stratum == stratum
    assert failures(allocate(ident)) == []
    drawn = allocation_of(ident)
    assert (drawn.stratum, drawn.block, drawn.position) == (stratum, 0, 0)
    assert [key.pk for key in everything() if key.pk.startswith("cursor#")] == [
        cursor_key("by-risk", stratum).pk
    ]


def test_the_stratum_is_fixed_when_the_order_becomes_eligible() -> None:
    ident = enrol(respondent={"risk_grade": "high"})
    longer = order(order=LONG)["order"]
    assert call("PUT", f"/enrolments/{ident}/order", longer).status == 200
    allocate(ident)
    assert allocation_of(ident).stratum == "14-high"


def test_a_waiting_order_changes_stratum_with_its_length_and_keeps_its_risk_grade() -> None:
    ident = enrol(respondent={"risk_grade": "high"}, mobile={"missing_reason": "refused"})
    assert enrolment_of(ident).stratum is None
    longer = order(order=LONG)["order"]
    assert call("PUT", f"/enrolments/{ident}/order", longer).status == 200
    assert enrolment_of(ident).strata == ("14-high", "15-28-high")
    assert call("PUT", f"/enrolments/{ident}/mobile", {"number": "+447700900123"}).status == 200
    allocate(ident)
    assert allocation_of(ident).stratum == "15-28-high"
