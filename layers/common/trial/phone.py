"""
Which phone numbers are valid, and which may be texted: UK mobiles only.

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


def uk_mobile(number: str) -> str:
    """The number itself, if it is a UK mobile in E.164 form; otherwise NumberError."""
    if _DRAMA_MOBILE.fullmatch(phone_number(number)):
        return number
    import phonenumbers  # noqa: PLC0415 - as above

    parsed = phonenumbers.parse(number)
    if parsed.country_code != phonenumbers.country_code_for_region("GB"):
        raise NumberError("is not a UK number: only UK mobiles are texted")
    if (region := phonenumbers.region_code_for_number(parsed)) not in ("GB", None):
        raise NumberError(f"belongs to a Crown dependency ({region}): only UK mobiles are texted")
    if phonenumbers.number_type(parsed) != phonenumbers.PhoneNumberType.MOBILE:
        raise NumberError("is not a mobile number: only UK mobiles are texted")
    return number


def is_for_drama(number: str) -> bool:
    """Whether the number is reserved, so that rehearsals, tests and made-up orders may use it."""
    return bool(_DRAMA_MOBILE.fullmatch(number) or _DRAMA_LANDLINE.fullmatch(number))


def last_digits(number: str) -> str:
    """The part of a number that staff are shown, enough to tell it from another."""
    return number[-3:]
