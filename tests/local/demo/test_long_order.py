"""The life of a long order on the emulator: what it must show, and that each check can fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.demo.long_order import (
    DISCHARGED,
    ENDING,
    ENDLESS,
    OVER,
    Life,
    variable_type,
    verdicts,
)
from local.emulator.order import an_order
from tests.support.fixture_protocol import DAPO, VERSION
from trial.codes import Arm

START = datetime(2026, 12, 2, 9, 30, tzinfo=UTC)
MOMENTS = [START + after for after in (ENDLESS, ENDING, DISCHARGED, OVER)]
TREATED = Life(
    "a",
    {},
    "+447700900001",
    Arm.INTERVENTION,
    [(START + timedelta(days=day), f"text {day}") for day in (0, 5, 91, 271)],
)
CONTROL = Life("b", {}, "+447700900002", Arm.CONTROL)
SENT = [{"theme": theme, "sent_at": "then"} for theme in ("first", "second", "varied", "varied")]
RECORDED: dict[str, list[Any]] = {"a": SENT, "b": []}


def failing(*lives: Life, recorded: dict[str, list[Any]] = RECORDED) -> list[str]:
    return [title for title, holds in verdicts(lives, MOMENTS, recorded).items() if not holds]


def test_a_life_as_it_must_be_passes_every_check() -> None:
    assert failing(TREATED, CONTROL) == []


LATE = replace(TREATED, texts=[*TREATED.texts, (MOMENTS[2] + timedelta(days=1), "late")])
TWICE = replace(TREATED, texts=[*TREATED.texts[:3], (TREATED.texts[3][0], "text 91")])


@pytest.mark.parametrize(
    ("treated", "control", "recorded", "title"),
    [
        (TREATED, replace(CONTROL, texts=TREATED.texts[:1]), RECORDED, "Control got nothing"),
        (TREATED, CONTROL, RECORDED | {"b": SENT}, "Control got nothing"),
        (TREATED, CONTROL, RECORDED | {"a": SENT[1:]}, "Every text was recorded"),
        (replace(TREATED, texts=TREATED.texts[:3]), CONTROL, RECORDED, "Texts came in each part"),
        (TREATED, CONTROL, RECORDED | {"a": SENT[:1] * 4}, "Each variation was told"),
        (LATE, CONTROL, RECORDED, "Once discharged"),
        (TWICE, CONTROL, RECORDED, "The same text never came twice"),
    ],
)
def test_each_check_can_fail(
    treated: Life, control: Life, recorded: dict[str, list[Any]], title: str
) -> None:
    assert any(each.startswith(title) for each in failing(treated, control, recorded=recorded))


def test_it_takes_a_protocol_whose_orders_may_be_varied() -> None:
    assert variable_type(DAPO.version) == (DAPO, "dapo")
    with pytest.raises(SystemExit, match="no orders that may be varied"):
        variable_type(VERSION)
    with pytest.raises(SystemExit, match="cannot be used"):
        variable_type("dapo-9")


def test_an_order_is_made_up_of_any_type_and_length() -> None:
    made = an_order(7, START.date(), type_="dapo", days=None)["order"]
    assert (made["type"], made["reference"]) == ("dapo", "DAPO-2026-000007")
    assert made["expires_on"] is None
    assert an_order(7, START.date())["order"]["expires_on"] == "2026-12-15"
