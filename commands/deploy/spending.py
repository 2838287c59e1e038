"""Refuses a deployment whose texts may cost more in a month than the spend limit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DOLLARS_A_TEXT = 0.05
"""An upper bound for the price of a UK mobile part: https://aws.amazon.com/sns/sms-pricing/."""

DAYS = 31


def most_in_a_month(texts_per_day: int) -> float:
    """The cost in US dollars of a month in which every day reaches its limit of texts."""
    return texts_per_day * DAYS * DOLLARS_A_TEXT


def refuse_overspending(parameters: Mapping[str, str]) -> None:
    """
    Exit if a month of texts may cost more than SpendLimitUsd.

    Past its limit SNS silently drops every text that is due, so our own limit must come first.
    """
    texts, limit = int(parameters["TextsPerDay"]), float(parameters["SpendLimitUsd"])
    if (needed := most_in_a_month(texts)) > limit:
        most = int(limit / (DAYS * DOLLARS_A_TEXT))
        sys.exit(
            f"Refused: {texts} texts a day may take {needed:.0f} USD a month, more than "
            f"SpendLimitUsd={limit:.0f}. Give TextsPerDay={most} or less, or a limit of "
            f"{needed:.0f} that the account has too."
        )
