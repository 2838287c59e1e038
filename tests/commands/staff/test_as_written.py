"""Input as people write it becomes canonical, or is left for the contract to refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import MatchType, is_number_match

from commands.staff import as_written as read
from tests.support.samples import LONDON
from tests.support.spellings import dialled
from trial.phone import NumberError, mobile_of, phone_number


@pytest.mark.parametrize(
    "written",
    [
        "07700 900123",
        "07700900123",
        " 07700\u00a0900 123 ",
        "(07700) 900-123",
        "07700.900.123",
        "7700900123",  # a spreadsheet eats the nought
        "7700900123.0",
        "447700900123.0",
        "447700900123",
        "0044 7700 900123",
        "+44 7700 900123",
        "+44 (0)7700 900123",
    ],
)
def test_a_british_number_is_read_in_every_usual_form(written: str) -> None:
    assert read.number(written, "GB") == "+447700900123"


HOMES = {"GB": ("44", "0", "+447400123456"), "NZ": ("64", "0", "+6421123456")}
"""Two trials' countries: code, national dialling prefix, and a mobile."""


@given(st.data())
def test_a_number_is_read_alike_however_it_is_dialled_under_either_plan(
    data: st.DataObject,
) -> None:
    country = data.draw(st.sampled_from(sorted(HOMES)))
    code, trunk, number = HOMES[country]
    spelling = data.draw(dialled(number, code=code, trunk=trunk))
    try:
        taken = mobile_of(read.number(spelling, country), country)
    except NumberError:
        return
    assert taken == number or is_number_match(spelling, number) == MatchType.NO_MATCH


@pytest.mark.parametrize("country", HOMES)
def test_a_number_without_a_country_code_belongs_to_the_trial_s_country(country: str) -> None:
    code, trunk, number = HOMES[country]
    rest = number.removeprefix(f"+{code}")
    for written in (f"{trunk}{rest}", f"({trunk}) {rest[:3]}-{rest[3:]}", f"00{code} {rest}"):
        assert read.number(written, country) == number
    assert read.numbers("07700 900456;\n07700 900457", "GB") == ["+447700900456", "+447700900457"]


def test_a_number_of_another_country_keeps_its_country_code() -> None:
    assert read.number("+1 202 555 0123", "GB") == "+12025550123"


@pytest.mark.parametrize(
    "written", ["4.47701E+11", "07700 9OO123", "07700 900123 x5", "none", "ask mum", "077", "+"]
)
def test_text_that_is_not_a_number_is_refused_by_the_contract(written: str) -> None:
    with pytest.raises(NumberError):
        mobile_of(read.number(written, "GB"), "GB")


def test_dots_between_groups_of_digits_are_not_decimal_points() -> None:
    assert read.number("07700.900.000", "GB") == "+447700900000"
    assert read.number("169772345.0", "GB") == "+44169772345"


def test_a_number_is_read_into_the_contract_s_one_spelling() -> None:
    assert phone_number(read.number("020 7946 0958", "GB")) == "+442079460958"


@pytest.mark.parametrize(
    "written",
    [
        "1/12/2026",
        "01/12/2026",
        "1.12.2026",
        "01-12-2026",
        "1 Dec 2026",
        "1 december 2026",
        "01-Dec-2026",
        " 2026-12-01 ",
        "2026-12-01 00:00:00",
        "1/12/2026 00:00",
    ],
)
def test_a_date_is_read_with_the_day_first(written: str) -> None:
    assert read.day(written) == "2026-12-01"


@pytest.mark.parametrize("written", ["12/31/2026", "1/12/26", "46357", "tomorrow", "30/2/2026"])
def test_text_that_is_not_a_date_is_left_as_it_is(written: str) -> None:
    assert read.day(written) == written


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("1/12/2026 9:30", "2026-12-01T09:30:00Z"),
        ("1/7/2026 9:30", "2026-07-01T08:30:00Z"),  # London is an hour ahead in summer
        ("2026-12-01 23:05", "2026-12-01T23:05:00Z"),
        ("2026-12-01T09:30:00Z", "2026-12-01T09:30:00Z"),
        ("2026-07-01T09:30:00+01:00", "2026-07-01T09:30:00+01:00"),
        ("1/12/2026 25:00", "1/12/2026 25:00"),
        ("1/12/2026", "1/12/2026"),
        ("28/3/2027 1:30", "28/3/2027 1:30"),  # there is no such time
        ("28/3/2027 2:00", "2027-03-28T01:00:00Z"),
        ("31/10/2027 1:30", "31/10/2027 1:30"),  # and here there are two
        ("31/10/2027 2:00", "2027-10-31T02:00:00Z"),
    ],
)
def test_a_time_without_an_offset_is_local_time(written: str, taken: str) -> None:
    assert read.moment(written, LONDON) == taken


@pytest.mark.parametrize(
    ("reading", "written", "taken"),
    [
        (read.code, "Seized evidence", "seized_evidence"),
        (read.code, "In custody - no access", "in_custody_no_access"),
        (read.codes, "No molestation; no contact,keep distance",
         ["no_molestation", "no_contact", "keep_distance"]),
        (read.capital, " w1", "W1"),
        (read.slug, "West Midlands", "west-midlands"),
        (read.slug, "Dyfed \u2013 Powys", "dyfed-powys"),
        (read.slug, "Durh\u00e4m", "Durh\u00e4m"),
        (read.slug, "\u212aent", "\u212aent"),
        (read.capital, "dvpo-\u00df1", "dvpo-\u00df1"),
        (read.capital, "dvpo-\u01311", "dvpo-\u01311"),
        (read.text, "  Supt   Si\u00e2n D'Arcy ", "Supt Si\u00e2n D'Arcy"),
        (read.whole, " 2 ", 2),
        (read.whole, "two", "two"),
        (read.yes_or_no, "Yes", True),
        (read.yes_or_no, "n", False),
        (read.yes_or_no, "perhaps", "perhaps"),
    ],
)  # fmt: skip
def test_codes_and_words_are_read_as_the_contract_spells_them(
    reading: object, written: str, taken: object
) -> None:
    assert callable(reading)
    assert reading(written) == taken
