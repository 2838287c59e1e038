"""What a month of texts may cost at most, and refusing to deploy more than is to be spent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DOLLARS_A_TEXT = 0.05
"""More than a part to a UK mobile costs: https://aws.amazon.com/sns/sms-pricing/."""

DAYS = 31


def most_in_a_month(texts_per_day: int) -> float:
    """US dollars for a month in which as many texts go every day as may."""
    return texts_per_day * DAYS * DOLLARS_A_TEXT


def refuse_overspending(parameters: Mapping[str, str]) -> None:
    """
    End the command if a month of texts may cost more than SpendLimitUsd.

    Past its limit SNS stops without a word, for whoever is due then: our own cap must come first.
    """
    texts, limit = int(parameters["TextsPerDay"]), float(parameters["SpendLimitUsd"])
    if (needed := most_in_a_month(texts)) > limit:
        most = int(limit / (DAYS * DOLLARS_A_TEXT))
        sys.exit(
            f"Refused: {texts} texts a day may take {needed:.0f} USD a month, more than "
            f"SpendLimitUsd={limit:.0f}. Give TextsPerDay={most} or less, or a limit of "
            f"{needed:.0f} that the account has too."
        )
