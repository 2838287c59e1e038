"""Maps SNS's messages about undelivered texts to the trial's codes."""

import re

from trial.codes import Failure

# Patterns, because the messages change: AWS's list now says "blocked list", but "blacklisted" in
# 2020 (https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html,
# https://github.com/aws/aws-sdk-js/issues/3133), and the message for an opt-out holds the number
# (https://github.com/GSA/notifications-admin/issues/935). "No quota" is in no list: SNS logs it
# once the month's spend limit is reached. The first match counts.
_MEANINGS = {
    re.compile(pattern): failure
    for pattern, failure in {
        r"\bopt(ed|s|ing)? ?(\w+ )?outs?\b|\bunsubscri": Failure.OPTED_OUT,
        r"\b(replied|sent|texted|with|received|keyword) stop(all)?\b": Failure.OPTED_OUT,
        r"^stop(all)?$|\bstop (received|request|repl|sent|keyword|message)": Failure.OPTED_OUT,
        r"\b(black|block|deny)(ed)? ?list": Failure.NUMBER_BLOCKED,
        r"\bspam\b": Failure.BLOCKED_AS_SPAM,
        r"\bcarrier\b.*\b(unreachable|unavailable)\b": Failure.CARRIER_UNREACHABLE,
        r"\bcarrier has blocked\b|\bblocked by (the |phone )*carrier\b": Failure.BLOCKED_BY_CARRIER,
        r"\b(number|destination) is blocked\b": Failure.NUMBER_BLOCKED,
        r"\bphone has blocked\b": Failure.PHONE_BLOCKS_TEXTS,
        r"\bphone\b.*\b(unreachable|unavailable)\b": Failure.PHONE_UNREACHABLE,
        r"\binvalid (phone|destination|number)\b": Failure.INVALID_NUMBER,
        r"\b(number|destination) is (invalid|not valid)\b": Failure.INVALID_NUMBER,
        r"\bbody is invalid\b": Failure.INVALID_TEXT,
        r"\bmax(imum)? price\b": Failure.PRICE_LIMIT,
        r"\bno quota left\b|\bspend(ing)? limit\b": Failure.SPEND_LIMIT,
        r"\bunknown error\b": Failure.UNKNOWN_ERROR,
    }.items()
}


def meaning(words: str | None) -> Failure:
    """The message as a code: `unknown_error` if there is none, `other` if no pattern matches."""
    plain = " ".join(re.findall(r"[^\W_]+", (words or "").lower()))
    if not plain:
        return Failure.UNKNOWN_ERROR
    found = (failure for pattern, failure in _MEANINGS.items() if pattern.search(plain))
    return next(found, Failure.OTHER)
