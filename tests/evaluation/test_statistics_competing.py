"""Cumulative incidence, against R: cmprsk's cuminc."""

import pytest

from evaluation.statistics.competing import cumulative_incidence, incidences
from evaluation.statistics.values import NotEstimable
from tests.evaluation.estimable import known

DAYS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 2, 3, 3, 5, 6, 8, 8, 9, 11, 12, 13, 14]
STATUS = [1, 0, 2, 1, 1, 0, 2, 1, 0, 1, 0, 0, 1, 1, 2, 1, 0, 1, 1, 2, 1, 0, 0, 0]
TREATED = [True] * 12 + [False] * 12


@pytest.mark.parametrize(
    ("horizon", "intervention", "control"),
    [(6, 0.266666666667, 0.25), (9, 0.373611111111, 0.440476190476),
     (12, 0.516203703704, 0.535714285714)],
)  # fmt: skip
def test_the_incidence_equals_r_s(horizon: float, intervention: float, control: float) -> None:
    result = known(
        incidences(days=DAYS, status=STATUS, treated=TREATED, horizon=horizon, alpha=0.05)
    )

    assert result.intervention.value == pytest.approx(intervention)
    assert result.control.value == pytest.approx(control)
    assert result.difference.value == pytest.approx(intervention - control)
    assert result.difference.low < result.difference.value < result.difference.high


def test_without_competing_events_the_incidence_is_one_minus_the_survival() -> None:
    result = known(cumulative_incidence(days=[1, 2, 3, 4], status=[1, 0, 1, 0]))
    assert result.at(2.5)[0] == pytest.approx(1 / 4)
    assert result.at(3)[0] == pytest.approx(1 - 3 / 4 * 1 / 2)
    assert result.at(3)[1] == pytest.approx(0.140625 * (1 / 12 + 1 / 2), rel=0.35)


def test_competing_events_lower_the_incidence() -> None:
    """Kaplan-Meier, which censors it, would say a half after the third."""
    result = known(cumulative_incidence(days=[1, 2, 3, 4], status=[1, 2, 1, 0]))
    assert result.at(3)[0] == pytest.approx(1 / 4 + 1 / 2 * 1 / 2)


def test_no_people_or_no_events_are_not_estimable() -> None:
    assert isinstance(cumulative_incidence(days=[], status=[]), NotEstimable)
    nothing = incidences(days=[1, 2], status=[0, 2], treated=[True, False], horizon=2, alpha=0.05)
    assert str(nothing).endswith("nobody in either arm had the event within 2 days")
    early = incidences(days=DAYS, status=STATUS, treated=TREATED, horizon=0.5, alpha=0.05)
    assert isinstance(early, NotEstimable)
    alone = incidences(days=[1, 2], status=[1, 1], treated=[True, True], horizon=2, alpha=0.05)
    assert str(alone).endswith("nobody is in the control arm")
