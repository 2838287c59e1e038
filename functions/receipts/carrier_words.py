"""What SNS says of a text that did not arrive, in the trial's words."""

from enum import StrEnum


class Failure(StrEnum):
    """Why a text was not delivered."""

    BLOCKED_AS_SPAM = "blocked_as_spam"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    CARRIER_UNREACHABLE = "carrier_unreachable"
    INVALID_NUMBER = "invalid_number"
    INVALID_TEXT = "invalid_text"
    NUMBER_BLOCKED = "number_blocked"
    OPTED_OUT = "opted_out"
    OTHER = "other"
    PHONE_BLOCKS_TEXTS = "phone_blocks_texts"
    PHONE_UNREACHABLE = "phone_unreachable"
    PRICE_LIMIT = "price_limit"
    SPEND_LIMIT = "spend_limit"
    UNKNOWN_ERROR = "unknown_error"


# https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html, in small letters. The
# last is not in that list: SNS writes it once the month's spend limit is reached.
_MEANINGS = {
    "blocked as spam by phone carrier": Failure.BLOCKED_AS_SPAM,
    "destination is on a blocked list": Failure.NUMBER_BLOCKED,
    "invalid phone number": Failure.INVALID_NUMBER,
    "message body is invalid": Failure.INVALID_TEXT,
    "phone carrier has blocked this message": Failure.BLOCKED_BY_CARRIER,
    "phone carrier is currently unreachable/unavailable": Failure.CARRIER_UNREACHABLE,
    "phone has blocked sms": Failure.PHONE_BLOCKS_TEXTS,
    "phone is on a blocked list": Failure.NUMBER_BLOCKED,
    "phone is currently unreachable/unavailable": Failure.PHONE_UNREACHABLE,
    "phone number is opted out": Failure.OPTED_OUT,
    "this delivery would exceed max price": Failure.PRICE_LIMIT,
    "unknown error attempting to reach phone": Failure.UNKNOWN_ERROR,
    "no quota left for account": Failure.SPEND_LIMIT,
}


def meaning(words: str) -> Failure:
    """The carrier's words as a code; words that nobody has listed are `other`."""
    return _MEANINGS.get(words.strip().rstrip(".").lower(), Failure.OTHER)
