import hashlib
from datetime import date, timedelta
from itertools import chain, combinations

import pytest

from tests.support.fixture_protocol import AGREED
from trial.codes import Condition, Language
from trial.errors import RejectedError
from trial.protocol.alphabet import ONE_PART, septets
from trial.protocol.dates import longest_date, written
from trial.protocol.wording import Recipient, Rendered, Sender, again, render

WEDNESDAY = date(2026, 9, 30)

# Every order there can be: no molestation, and any of the others.
OTHERS = [each for each in AGREED.orders["dvpo"].conditions if each != Condition.NO_MOLESTATION]
ORDERS = [
    (Condition.NO_MOLESTATION, *more)
    for more in chain.from_iterable(combinations(OTHERS, n) for n in range(len(OTHERS) + 1))
]

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def rendered(
    theme: str,
    *conditions: Condition,
    force: str = "Durham Police",
    contact: str = "101",
    language: Language = Language.EN,
) -> Rendered:
    about = Recipient(
        order_type="dvpo", conditions=conditions, expires_on=WEDNESDAY, language=language
    )
    return render(AGREED, theme, turn=0, about=about, sender=Sender(force=force, contact=contact))


def text_of(theme: str, *conditions: Condition, **values: str) -> str:
    return rendered(theme, *conditions, **values).message  # type: ignore[arg-type]


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


def test_every_date_is_what_strftime_writes_in_english() -> None:
    for offset in range(366):
        day = date(2028, 1, 1) + timedelta(days=offset)
        assert written(day) == f"{day:%a} {day.day} {day:%b %Y}"


NC, NE, LP, KD = (
    Condition.NO_CONTACT,
    Condition.NO_ENTRY,
    Condition.LEAVE_PREMISES,
    Condition.KEEP_DISTANCE,
)


@pytest.mark.parametrize(
    ("conditions", "first", "second", "practical"),
    [
        ([], "C1-MOL", "C2-MOL", "B-MOL"),
        ([Condition.NO_EVICTION], "C1-MOL", "C2-MOL", "B-MOL"),
        ([NC], "C1-NC", "C2-NC", "B-NC"),
        ([NE], "C1-NE", "C2-NE", "B-MOL"),
        ([LP], "C1-NE", "C2-NE", "B-MOL"),
        ([KD], "C1-KD", "C2-NE", "B-MOL"),
        ([KD, NE], "C1-KD", "C2-NE", "B-MOL"),
        ([NC, NE], "C1-NCNE", "C2-NC", "B-NC"),
        ([NC, LP], "C1-NCNE", "C2-NC", "B-NC"),
        ([NC, KD], "C1-NCKD", "C2-NC", "B-NC"),
        ([NC, KD, NE, LP], "C1-NCKD", "C2-NC", "B-NC"),
    ],
)
def test_the_wording_follows_from_the_conditions(
    conditions: list[Condition], first: str, second: str, practical: str
) -> None:
    given = (Condition.NO_MOLESTATION, *conditions)
    keys = [rendered(theme, *given).wording for theme in ("conditions", "meaning", "practical")]
    assert keys == [first, second, practical]


@pytest.mark.parametrize("conditions", ORDERS)
def test_no_text_states_a_condition_that_the_order_lacks(conditions: tuple[Condition, ...]) -> None:
    text = text_of("conditions", *conditions) + text_of("meaning", *conditions)
    if NC not in conditions:
        assert "contact" not in text
    if {NE, LP, KD}.isdisjoint(conditions):
        assert "address" not in text
    if KD not in conditions:
        assert "keep away" not in text


@pytest.mark.parametrize("conditions", ORDERS)
def test_every_first_text_names_harm_and_pestering(conditions: tuple[Condition, ...]) -> None:
    text = text_of("conditions", *conditions)
    assert "harm" in text or "hurt" in text
    assert "pester" in text


@pytest.mark.parametrize("theme", [plan.theme for plan in AGREED.orders["dvpo"].themes])
@pytest.mark.parametrize("conditions", ORDERS)
def test_every_text_is_one_part_at_the_longest_values(
    theme: str, conditions: tuple[Condition, ...]
) -> None:
    longest = AGREED.longest
    text = text_of(theme, *conditions, force=longest.force, contact=longest.contact)
    assert len(written(WEDNESDAY)) == len(longest_date(Language.EN))
    assert septets(text) <= ONE_PART
    assert text.startswith("Northamptonshire Police: ")
    assert not set(text) & set("{}")


def test_a_text_over_one_part_is_refused() -> None:
    room = ONE_PART - septets(text_of("support", force=""))
    assert septets(text_of("support", force="P" * room)) == ONE_PART
    with pytest.raises(RejectedError, match="S1: 161 septets"):
        text_of("support", force="P" * (room + 1))


def test_a_value_that_looks_like_a_placeholder_stays_as_it_is() -> None:
    assert text_of("support", force="{contact}").startswith("{contact}: This can be")


def test_a_sent_text_is_rendered_again_byte_for_byte() -> None:
    sent = rendered("conditions", Condition.NO_MOLESTATION)
    made = again(
        AGREED,
        sent.wording,
        language=Language.EN,
        sender=Sender(force="Durham Police", contact="101"),
        expires_on=WEDNESDAY,
    )
    assert made == sent
    assert made.sha256 == hashlib.sha256(sent.message.encode()).hexdigest()


def test_a_language_without_texts_in_the_protocol_is_refused() -> None:
    with pytest.raises(RejectedError, match="no texts in this language: there are en"):
        rendered("support", Condition.NO_MOLESTATION, language=Language.CY)
