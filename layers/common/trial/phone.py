"""Which numbers may be texted: mobiles of the United Kingdom, and nothing else."""

import re

# Ofcom keeps these for drama; nobody has one, so they serve for rehearsals and tests.
# https://www.ofcom.org.uk/phones-and-broadband/phone-numbers/numbers-for-drama
_NEVER_ALLOCATED = re.compile(r"\+447700900[0-9]{3}")


class NumberError(ValueError):
    """Why a number may not be texted. The message never repeats it."""


def uk_mobile(number: str) -> str:
    """The number itself, if it is a UK mobile in E.164 form; otherwise NumberError."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise NumberError("is not a number in E.164 form, such as +447700900123")
    if _NEVER_ALLOCATED.fullmatch(number):
        return number
    import phonenumbers  # noqa: PLC0415 - most functions' cold start can do without all its patterns

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise NumberError("is not a valid number") from None
    if parsed.country_code != phonenumbers.country_code_for_region("GB"):
        raise NumberError("is not a UK number")
    if not phonenumbers.is_valid_number(parsed):
        raise NumberError("is not a valid number")
    if (region := phonenumbers.region_code_for_number(parsed)) != "GB":
        raise NumberError(f"belongs to a Crown dependency ({region}), not to the UK")
    if phonenumbers.number_type(parsed) != phonenumbers.PhoneNumberType.MOBILE:
        raise NumberError("is not a mobile number")
    return number
