"""A rehearsal: every text once, marked, one at a time, to the phone that was named."""

from __future__ import annotations

from datetime import date
from typing import cast

import pytest

from commands.deploy.rehearse import Rehearsed, send, texts, usual
from sending.gateway import Gateway, NotSentError
from tests.support.fixture_protocol import AGREED, DAPO
from trial.api.problems import FieldError
from trial.codes import Condition, Language
from trial.protocol.wording import Sender

MADE_ON = date(2026, 12, 1)
PHONE = "+447700900123"


def about(
    days: int | None = 14,
    order_type: str = "dvpo",
    language: Language = Language.EN,
    conditions: tuple[Condition, ...] = (Condition.NO_MOLESTATION, Condition.NO_CONTACT),
) -> Rehearsed:
    sender = Sender(force="Durham Police", contact="101")
    return Rehearsed(order_type, days, conditions, language, sender)


class Sns:
    """A gateway that keeps what it is given, and fails at one of them if told to."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.published: list[tuple[str, str]] = []
        self.fails_at = fails_at

    def publish(self, number: str, text: str) -> str:
        if len(self.published) == self.fails_at:
            raise NotSentError("the provider was not reached")
        self.published.append((number, text))
        return "message"


@pytest.mark.parametrize(("days", "expected"), [(14, 7), (21, 10), (28, 13)])
def test_the_whole_timetable_is_there_and_each_text_says_that_it_is_a_test(
    days: int, expected: int
) -> None:
    planned = list(texts(about(days), MADE_ON, AGREED))
    assert len(planned) == expected
    for number, text in enumerate(planned, start=1):
        assert text.startswith(f"TEST {number}/{expected} Durham Police: ")
    assert "runs to the end of" in planned[-1]


@pytest.mark.parametrize("language", DAPO.wordings)
def test_an_order_of_any_type_without_an_end_is_rehearsed_in_each_language(
    language: Language,
) -> None:
    days, conditions = usual(DAPO.order_type("dapo"))
    assert days is None
    planned = list(texts(about(days, "dapo", language, conditions), MADE_ON, DAPO))
    assert len(planned) > 40
    assert len(planned) == len(set(planned))  # by their marks


def test_an_order_that_a_court_may_always_make_is_the_usual_one() -> None:
    assert usual(AGREED.order_type("dvpo")) == (14, (Condition.NO_MOLESTATION,))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (about(None), "such an order has a last day .dvpo"),
        (about(29), "14 to 28 .dvpo"),
        (about(order_type="dapo"), "none of this trial's types of order: dvpo"),
        (about(language=Language.CY), "none of those that this trial texts in: en"),
        (about(conditions=(Condition.NO_MOLESTATION, Condition.PROGRAMME)), "no dvpo can"),
    ],
)
def test_an_order_that_the_trial_cannot_have_is_refused_with_the_rule(
    wrong: Rehearsed, why: str
) -> None:
    with pytest.raises(FieldError, match=why):
        list(texts(wrong, MADE_ON, AGREED))


def test_they_go_one_at_a_time_with_a_wait_between() -> None:
    waits: list[float] = []
    sns = Sns()
    planned = list(texts(about(), MADE_ON, AGREED))
    assert send(PHONE, planned, cast("Gateway", sns), every=60, wait=waits.append) == 7
    assert sns.published == [(PHONE, text) for text in planned]
    assert waits == [60] * 6


def test_it_stops_at_the_first_that_does_not_go() -> None:
    sns = Sns(fails_at=2)
    planned = list(texts(about(), MADE_ON, AGREED))
    with pytest.raises(NotSentError):
        send(PHONE, planned, cast("Gateway", sns), every=60, wait=lambda _: None)
    assert len(sns.published) == 2
