import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from trial.phone import NumberError, uk_mobile


def example(region: str, kind: int) -> str:
    """The number that the library itself gives as an example, so that none is written here."""
    number = phonenumbers.example_number_for_type(region, kind)
    assert number
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


LONDON_LANDLINE = "+442079460123"  # for drama, like the mobiles
AMERICAN = "+12025550123"  # and so is this one


@pytest.mark.parametrize("number", ["+447700900000", "+447700900999"])
def test_numbers_that_nobody_has_may_be_texted(number: str) -> None:
    assert uk_mobile(number) == number


def test_uk_mobiles_may_be_texted() -> None:
    number = example("GB", PhoneNumberType.MOBILE)
    assert uk_mobile(number) == number


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
        (AMERICAN, "not a UK number"),
        (example("IE", PhoneNumberType.MOBILE), "not a UK number"),
        (example("JE", PhoneNumberType.MOBILE), "Crown dependency"),
        (example("GG", PhoneNumberType.MOBILE), "Crown dependency"),
    ],
)
def test_nothing_else_may_be_texted_and_the_refusal_says_why_but_not_whom(
    number: str, why: str
) -> None:
    with pytest.raises(NumberError, match=why) as refused:
        uk_mobile(number)
    assert not number or number not in str(refused.value)
