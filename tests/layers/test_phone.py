import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from trial.phone import NumberError, is_country, mobile_number, mobile_of


def example(region: str, kind: int) -> str:
    """The number that the library itself gives as an example, so that none is written here."""
    number = phonenumbers.example_number_for_type(region, kind)
    assert number
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


LONDON_LANDLINE = "+442079460123"  # for drama, like the mobiles
AMERICAN = "+12025550123"  # and so is this one


@pytest.mark.parametrize("number", ["+447700900000", "+447700900999"])
def test_the_uk_s_test_numbers_may_be_texted(number: str) -> None:
    assert mobile_of(number, "GB") == number


def test_uk_mobiles_may_be_texted() -> None:
    number = example("GB", PhoneNumberType.MOBILE)
    assert mobile_of(number, "GB") == number


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("07700900456", "E.164"),
        ("447700900456", "E.164"),
        ("+44 7700 900456", "E.164"),
        ("+447700900456 ", "E.164"),
        ("+447700900456\n", "E.164"),
        ("+447700900\u0664\u0665\u0666", "E.164"),  # digits, but not ours: they hash otherwise
        ("+0447700900456", "E.164"),
        ("tel:+447700900456", "E.164"),
        ("", "E.164"),
        ("+44770090012", "in no range"),
        ("+4477009004564", "too short or too long"),
        ("+447700901000", "in no range"),
        ("+999123456789", "code of no country"),
        (LONDON_LANDLINE, "not a mobile"),
        (example("GB", PhoneNumberType.PERSONAL_NUMBER), "not a mobile"),
        (example("GB", PhoneNumberType.PREMIUM_RATE), "not a mobile"),
        (example("GB", PhoneNumberType.PAGER), "not a mobile"),
        (AMERICAN, "a number of US: only mobiles of GB"),
        (example("IE", PhoneNumberType.MOBILE), "a number of IE: only mobiles of GB"),
        (example("JE", PhoneNumberType.MOBILE), "a number of JE: only mobiles of GB"),
        (example("GG", PhoneNumberType.MOBILE), "a number of GG: only mobiles of GB"),
    ],
)
def test_any_other_number_is_refused_with_a_reason_that_does_not_repeat_it(
    number: str, why: str
) -> None:
    with pytest.raises(NumberError, match=why) as refused:
        mobile_of(number, "GB")
    assert not number or number not in str(refused.value)


@pytest.mark.parametrize("country", ["NZ", "US", "JE"])
def test_a_trial_in_another_country_texts_only_that_country_s_mobiles(country: str) -> None:
    number = example(country, PhoneNumberType.MOBILE)
    assert mobile_of(number, country) == mobile_number(number) == number
    for foreign in (example("GB", PhoneNumberType.MOBILE), "+447700900123"):
        assert mobile_number(foreign) == foreign
        with pytest.raises(NumberError, match=f"a number of GB: only mobiles of {country}"):
            mobile_of(foreign, country)


def test_a_country_must_have_a_numbering_plan() -> None:
    assert is_country("NZ")
    assert not is_country("ZZ")
