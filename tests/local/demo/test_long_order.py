"""The life of a long order on the emulator: what it must show, and that each check can fail."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from local.demo.long_order import (
    DISCHARGED,
    ENDING,
    ENDLESS,
    OVER,
    Act,
    Life,
    LongOrderPlayer,
    drawn,
    variable_type,
    verdicts,
)
from local.emulator.order import an_order
from tests.support.fixture_protocol import DAPO, VERSION
from trial.codes import Arm

START = datetime(2026, 12, 2, 9, 30, tzinfo=UTC)
MOMENTS = [START + after for after in (ENDLESS, ENDING, DISCHARGED, OVER)]
MADE = an_order(1, START.date(), type_="dapo", days=548)
BODY, WELSH = (MADE | {"respondent": {"language": language}} for language in ("en", "cy"))
LAST_DAY = "Thu 1 Jun 2028"
BY_DAY = {0: f"until {LAST_DAY}", 5: "5", 91: "until a court ends it", 271: f"now {LAST_DAY}"}
TREATED = Life(
    "a",
    BODY,
    Arm.INTERVENTION,
    [(START + timedelta(days=day), text) for day, text in BY_DAY.items()],
)
CONTROL = Life("b", BODY, Arm.CONTROL)
SENT = [{"theme": theme, "sent_at": "then"} for theme in ("first", "second", "varied", "varied")]
RECORDED: dict[str, list[Any]] = {"a": SENT, "b": []}


def with_text(place: int, text: str) -> Life:
    texts = list(TREATED.texts)
    texts[place] = texts[place][0], text
    return replace(TREATED, texts=texts)


def failing(*lives: Life, recorded: dict[str, list[Any]] = RECORDED) -> list[str]:
    return [title for title, holds in verdicts(lives, MOMENTS, recorded).items() if not holds]


def test_a_correct_run_of_a_long_order_passes_every_check() -> None:
    assert failing(TREATED, CONTROL) == []


LATE = replace(TREATED, texts=[*TREATED.texts, (MOMENTS[2] + timedelta(days=1), "late")])
TWICE = with_text(1, BY_DAY[0])


@pytest.mark.parametrize(
    ("treated", "control", "recorded", "title"),
    [
        (TREATED, replace(CONTROL, texts=TREATED.texts[:1]), RECORDED, "Control got nothing"),
        (TREATED, CONTROL, RECORDED | {"b": SENT}, "Control got nothing"),
        (TREATED, CONTROL, RECORDED | {"a": SENT[1:]}, "Every text was recorded"),
        (replace(TREATED, texts=TREATED.texts[:3]), CONTROL, RECORDED, "Texts came in each part"),
        (TREATED, CONTROL, RECORDED | {"a": SENT[:1] * 4}, "A separate text announced"),
        (with_text(0, "text"), CONTROL, RECORDED, "Texts give a last day only"),
        (with_text(2, BY_DAY[0]), CONTROL, RECORDED, "Texts give a last day only"),
        (with_text(3, "text"), CONTROL, RECORDED, "Texts give a last day only"),
        (replace(TREATED, body=WELSH), CONTROL, RECORDED, "Texts give a last day only"),
        (LATE, CONTROL, RECORDED, "Once discharged"),
        (TWICE, CONTROL, RECORDED, "The same text never came twice"),
    ],
)
def test_each_check_can_fail(
    treated: Life, control: Life, recorded: dict[str, list[Any]], title: str
) -> None:
    assert any(each.startswith(title) for each in failing(treated, control, recorded=recorded))


class Draws:
    """Stands in for a player: each order posted is drawn into the next of these arms."""

    def __init__(self, *arms: Arm) -> None:
        self.arms = dict(enumerate(arms))
        self.asked: list[Act] = []

    def now(self) -> datetime:
        return START

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        self.asked.append((method, path, body))
        posted = sum(path == "/enrolments" for _, path, _ in self.asked)
        if method == "GET":
            return {"arm": self.arms[posted - 1]}
        return {"enrolment_id": f"order-{posted}"}

    def report(self, acts: list[Act]) -> None:
        for act in acts:
            self.ask(*act)


def test_orders_are_posted_until_each_arm_has_one_and_a_second_is_withdrawn() -> None:
    player = Draws(Arm.CONTROL, Arm.CONTROL, Arm.INTERVENTION)
    lives = drawn(cast("LongOrderPlayer", player), DAPO, "dapo")
    assert [each.enrolment_id for each in lives] == ["order-1", "order-3"]
    ends = [(path, body["reason"]) for _, path, body in player.asked if path.endswith("/end")]
    assert ends == [("/enrolments/order-2/end", "recorded_in_error")]


def test_the_long_demo_needs_a_protocol_whose_orders_may_be_varied() -> None:
    assert variable_type(DAPO.version) == (DAPO, "dapo")
    with pytest.raises(SystemExit, match="no orders that may be varied"):
        variable_type(VERSION)
    with pytest.raises(SystemExit, match="cannot be used"):
        variable_type("dapo-9")


def test_an_order_of_any_type_and_length_can_be_made_up() -> None:
    made = an_order(7, START.date(), type_="dapo", days=None)["order"]
    assert (made["type"], made["reference"]) == ("dapo", "DAPO-2026-000007")
    assert made["expires_on"] is None
    assert an_order(7, START.date())["order"]["expires_on"] == "2026-12-15"
