"""Dose by period of the order, as the report shows it."""

from typing import Any

import pandas as pd
import pytest

from evaluation.report import periods
from evaluation.report.parts import Section
from tests.support.fixture_protocol import AGREED, DAPO

ORDERS = pd.DataFrame({"enrolment": ["a", "b"], "order_type": ["dapo", "dapo"]})


def texts(*rows: tuple[str, int, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["enrolment", "day", "state"])


def shown(reminders: pd.DataFrame) -> Any:
    found = Section("fidelity", "Fidelity")
    periods.show(found, reminders, ORDERS, DAPO)
    return found.figures["by_period"]


def test_an_even_timetable_has_weeks_and_a_phased_one_its_phases() -> None:
    assert periods.first_days(AGREED.orders["dvpo"]) == [0, 7, 14, 21]
    assert periods.first_days(DAPO.orders["dapo"]) == [0, 28, 84]


def test_each_text_counts_in_the_period_in_which_it_is_due() -> None:
    reminders = texts(
        ("a", 0, "delivered"),
        ("a", 27, "sent"),
        ("a", 28, "suppressed"),
        ("b", 83, "delivered"),
        ("b", 84, "planned"),
        ("b", 500, "undelivered"),
    )
    assert shown(reminders) == {
        "dapo, days 0 to 27": {"planned": 2, "sent": 2, "delivered": 1},
        "dapo, days 28 to 83": {"planned": 2, "sent": 1, "delivered": 1},
        "dapo, from day 84": {"planned": 2, "sent": 1, "delivered": 0},
    }


@pytest.mark.parametrize("day", [0, 90])
def test_a_period_without_a_text_is_not_shown(day: int) -> None:
    assert len(shown(texts(("a", day, "delivered")))) == 1
