from datetime import date, timedelta
from itertools import chain, combinations

import pytest

from tests.support.fixture_protocol import AGREED
from trial.codes import Condition
from trial.errors import RejectedError
from trial.protocol.wording import ONE_PART, render, septets, written

WEDNESDAY = date(2026, 9, 30)

# Every order there can be: no molestation, and any of the others.
OTHERS = [condition for condition in Condition if condition is not Condition.NO_MOLESTATION]
ORDERS = [
    (Condition.NO_MOLESTATION, *more)
    for more in chain.from_iterable(combinations(OTHERS, n) for n in range(len(OTHERS) + 1))
]
AWAY = {Condition.NO_ENTRY, Condition.LEAVE_PREMISES, Condition.KEEP_DISTANCE}

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def text_of(theme: str, *conditions: Condition, force: str = "Durham Police") -> str:
    return render(
        AGREED, theme, conditions=conditions, force=force, contact="101", expires_on=WEDNESDAY
    )


def test_the_basic_alphabet_takes_one_septet_each() -> None:
    assert len(set(BASIC)) == 127  # of 128: the escape code is no character
    assert septets(BASIC) == 127


@pytest.mark.parametrize("character", "[]{}^\\|~€\f")
def test_the_extension_takes_two_septets_each(character: str) -> None:
    assert septets(f"a{character}") == 3


@pytest.mark.parametrize("character", "\u2019\u201c\u2013\u2026`çÁ\t\x1b🙂")
def test_a_character_outside_the_alphabet_is_refused_by_name(character: str) -> None:
    with pytest.raises(RejectedError, match=rf"U\+{ord(character):04X}"):
        septets(f"Call us{character}")


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2026, 9, 30), "Wed 30 Sep 2026"),
        (date(2027, 3, 1), "Mon 1 Mar 2027"),
        (date(2028, 2, 29), "Tue 29 Feb 2028"),
    ],
)
def test_a_date_is_written_out(day: date, text: str) -> None:
    assert written(day) == text


def test_every_date_is_as_strftime_has_it_in_plain_english() -> None:
    for offset in range(366):
        day = date(2028, 1, 1) + timedelta(days=offset)
        assert written(day) == f"{day:%a} {day.day} {day:%b %Y}"


@pytest.mark.parametrize(
    ("conditions", "begins"),
    [
        ([], "A court order about you is in force until Wed 30 Sep 2026. You must not threaten"),
        ([Condition.NO_EVICTION], "A court order about you is in force until Wed 30 Sep 2026. You"),
        ([Condition.NO_CONTACT], "A court order about you is in force until Wed 30 Sep 2026. Do"),
        ([Condition.NO_ENTRY], "Until Wed 30 Sep 2026 a court order says you must stay away"),
        ([Condition.LEAVE_PREMISES], "Until Wed 30 Sep 2026 a court order says you must stay"),
        ([Condition.KEEP_DISTANCE], "Until Wed 30 Sep 2026 a court order says you must stay"),
        (
            [Condition.NO_CONTACT, Condition.KEEP_DISTANCE],
            "Until Wed 30 Sep 2026 a court order says two things: no contact",
        ),
    ],
)
def test_the_conditions_are_those_of_the_order(conditions: list[Condition], begins: str) -> None:
    text = text_of("conditions", Condition.NO_MOLESTATION, *conditions)
    assert text.startswith(f"Durham Police: {begins}")


@pytest.mark.parametrize(
    ("conditions", "begins"),
    [
        ([], "Your order covers what you say"),
        ([Condition.NO_CONTACT], "If they contact you first"),
        ([Condition.NO_ENTRY], "Need things from the address"),
        ([Condition.NO_CONTACT, Condition.NO_ENTRY], "If they contact you first"),
    ],
)
def test_the_meaning_is_that_of_the_order(conditions: list[Condition], begins: str) -> None:
    text = text_of("meaning", Condition.NO_MOLESTATION, *conditions)
    assert text.startswith(f"Durham Police: {begins}")


@pytest.mark.parametrize("conditions", ORDERS)
def test_no_text_states_a_condition_that_the_order_lacks(conditions: tuple[Condition, ...]) -> None:
    text = text_of("conditions", *conditions) + text_of("meaning", *conditions)
    if Condition.NO_CONTACT not in conditions:
        assert "contact" not in text
    if AWAY.isdisjoint(conditions):
        assert "address" not in text


@pytest.mark.parametrize("theme", [plan.theme for plan in AGREED.themes])
@pytest.mark.parametrize("conditions", ORDERS)
def test_every_text_is_one_part_at_the_longest_values(
    theme: str, conditions: tuple[Condition, ...]
) -> None:
    longest = AGREED.longest
    text = render(
        AGREED, theme, conditions=conditions,
        force=longest.force, contact=longest.contact, expires_on=WEDNESDAY,
    )  # fmt: skip
    assert written(WEDNESDAY) == longest.expiry_date
    assert septets(text) <= ONE_PART
    assert text.startswith("Northamptonshire Police: ")
    assert not set(text) & set("{}")


def test_a_text_over_one_part_is_refused() -> None:
    room = ONE_PART - septets(text_of("support", force=""))
    assert septets(text_of("support", force="P" * room)) == ONE_PART
    with pytest.raises(RejectedError, match="support takes 161 septets"):
        text_of("support", force="P" * (room + 1))


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is() -> None:
    assert text_of("support", force="{contact}").startswith("{contact}: This can be")
