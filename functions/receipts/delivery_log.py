"""
Parses SNS's delivery log: one line of JSON per text, with the number in clear.

The number leaves this module only to be hashed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from receipts.carrier_words import meaning
from trial.codes import Model, ReminderState
from trial.errors import RejectedError
from trial.phone import NumberError, phone_number
from trial.records.receipt import Receipt

_HUNDREDTH = Decimal("0.01")
_LONGEST = timedelta(days=30)
_LONGEST_MS = _LONGEST // timedelta(milliseconds=1)
_MOST_PARTS, _MOST_USD = 100, 100
"""A month, and per text: more is not plausible, and large enough it could not be stored."""


def _or_none(given: object, read: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - as declared
    """None for a detail in an unexpected form: the delivery itself is still known."""
    try:
        return read(given)
    except ValidationError:
        return None


_Detail = WrapValidator(_or_none)


class _Notification(Model, extra="ignore"):
    message_id: Annotated[str, Field(alias="messageId", pattern=r"^[\w-]+$", max_length=100)]
    timestamp: Annotated[datetime | None, _Detail] = None


class _Delivery(Model, extra="ignore"):
    destination: Annotated[str | None, Field(max_length=50), _Detail] = None
    words: Annotated[str | None, Field(alias="providerResponse"), _Detail] = None
    parts: Annotated[
        int | None, Field(alias="numberOfMessageParts", ge=0, le=_MOST_PARTS), _Detail
    ] = None
    price_usd: Annotated[Decimal | None, Field(alias="priceInUSD", ge=0, le=_MOST_USD), _Detail] = (
        None
    )
    acknowledged_ms: Annotated[
        int | None, Field(alias="dwellTimeMsUntilDeviceAck", ge=0, le=_LONGEST_MS), _Detail
    ] = None


class _Line(Model, extra="ignore"):
    notification: _Notification
    delivery: Annotated[_Delivery | None, _Detail] = None
    status: Literal["SUCCESS", "FAILURE"]


class Addressed(NamedTuple):
    """A receipt and the number texted; None if the number is not in canonical form."""

    receipt: Receipt
    number: str | None


def read(line: str, *, logged_at: datetime, usd_to_gbp: Decimal) -> Addressed:
    """
    The receipt in a line that was logged at an aware time. Raises RejectedError.

    SNS gives prices in US dollars; the contract wants pence.
    """
    try:
        entry = _Line.model_validate_json(line)
    except ValidationError as error:
        # Without its cause: the line holds personal data.
        message = f"a line of the delivery log is not a receipt: {error.error_count()} faults"
        raise RejectedError(message) from None
    delivery = entry.delivery or _Delivery()
    delivered = entry.status == "SUCCESS"
    written_at = _plausible(entry.notification.timestamp, logged_at)
    published_at = written_at or logged_at
    price = delivery.price_usd
    receipt = Receipt(
        message_id=entry.notification.message_id,
        published_at=published_at,
        at=(
            logged_at
            if written_at is None or delivery.acknowledged_ms is None
            else published_at + timedelta(milliseconds=delivery.acknowledged_ms)
        ),
        state=ReminderState.DELIVERED if delivered else ReminderState.UNDELIVERED,
        reason=None if delivered else meaning(delivery.words),
        parts=delivery.parts or None,  # SNS writes 0 for unknown
        price_pence=(
            None if price is None else str((price * usd_to_gbp * 100).quantize(_HUNDREDTH))
        ),
    )
    return Addressed(receipt, _canonical(delivery.destination))


def _plausible(written_at: datetime | None, logged_at: datetime) -> datetime | None:
    """The time in a line, unless it is far from the time at which the line was logged."""
    if written_at is None:
        return None
    if written_at.tzinfo is None:  # SNS leaves the zone out
        written_at = written_at.replace(tzinfo=UTC)
    return written_at.astimezone(UTC) if abs(logged_at - written_at) <= _LONGEST else None


def _canonical(destination: str | None) -> str | None:
    """The number, if it is given, which a carrier may return with blanks or without its +."""
    try:
        return phone_number("+" + re.sub(r"[^0-9]", "", destination or ""))
    except NumberError:
        return None
