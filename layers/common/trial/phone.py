"""
Which phone numbers are valid, and which may be texted: mobiles of the trial's country only.

The plans of all countries are in `phonenumbers`, which the layer holds for validity anyway.

A number has one spelling: E.164 as its country's numbering plan writes it. Every other spelling is
refused, because numbers are matched by keyed hash and each spelling would hash differently.
"""

import re

# Ofcom reserves these for drama; nobody has one, so rehearsals and tests use them.
# https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama
_DRAMA_MOBILE = re.compile(r"\+447700900[0-9]{3}")
# The one drama range of landlines outside the numbering plan: 01632 is no area's code.
_DRAMA_LANDLINE = re.compile(r"\+441632960[0-9]{3}")

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class NumberError(ValueError):
    """Why a number is refused. The message never repeats it."""


def phone_number(number: str) -> str:
    """The number itself, if it can be in use and is in E.164 form; otherwise NumberError."""
    if not _E164.fullmatch(number):
        raise NumberError(
            "is not in E.164 form: + and digits alone, the country's code first (+44... in the UK)"
        )
    if is_for_drama(number):
        return number
    import phonenumbers  # noqa: PLC0415 - slow to import, and most functions do not need it

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise NumberError("begins with the code of no country: check its digits") from None
    if phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) != number:
        raise NumberError(
            "holds digits that are dialled inside its country only, such as a 0 after +44: "
            "leave them out"
        )
    if not phonenumbers.is_possible_number(parsed):
        raise NumberError("is too short or too long for its country: check its digits")
    if not phonenumbers.is_valid_number(parsed):
        raise NumberError("is in no range that its country gives out: check its digits")
    return number


def mobile_number(number: str) -> str:
    """The number itself, if it is a mobile of any country in E.164 form; otherwise NumberError."""
    if _DRAMA_MOBILE.fullmatch(phone_number(number)):
        return number
    import phonenumbers  # noqa: PLC0415 - as above

    # In some countries, such as those of +1, a mobile looks like a landline.
    mobile = phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE
    if phonenumbers.number_type(phonenumbers.parse(number)) not in mobile:
        raise NumberError("is not a mobile number: only mobiles are texted")
    return number


def mobile_of(number: str, country: str) -> str:
    """The number itself, if it is a mobile of that country (ISO 3166); otherwise NumberError."""
    import phonenumbers  # noqa: PLC0415 - as above

    parsed = phonenumbers.parse(mobile_number(number))
    # Countries may share a code: +44 is Jersey's too.
    region = phonenumbers.region_code_for_number(parsed) or "GB"  # the drama range is of no region
    if region != country:
        raise NumberError(f"is a number of {region}: only mobiles of {country} are texted")
    return number


def is_country(code: str) -> bool:
    """Whether it is a country's code (ISO 3166) with a numbering plan."""
    import phonenumbers  # noqa: PLC0415 - as above

    return code in phonenumbers.SUPPORTED_REGIONS


def is_for_drama(number: str) -> bool:
    """Whether the number is reserved, so that rehearsals, tests and made-up orders may use it."""
    return bool(_DRAMA_MOBILE.fullmatch(number) or _DRAMA_LANDLINE.fullmatch(number))


def last_digits(number: str) -> str:
    """The part of a number that staff are shown, enough to tell it from another."""
    return number[-3:]
