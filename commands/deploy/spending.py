"""Refuses a deployment whose texts may cost more in a month than the spend limit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trial.protocol.load import load, versions

if TYPE_CHECKING:
    from collections.abc import Mapping

DOLLARS_A_PART = 0.05
"""An upper bound for the price of a UK mobile part: https://aws.amazon.com/sns/sms-pricing/."""

DAYS = 31


def parts_of(version: str) -> int:
    """The parts of the longest text of that protocol; 1 if an earlier release had it."""
    return load(version).most_parts if version in versions() else 1


def most_in_a_month(texts_per_day: int, parts: int) -> float:
    """The cost in US dollars of a month in which every day reaches its limit of texts."""
    return texts_per_day * parts * DAYS * DOLLARS_A_PART


def refuse_overspending(parameters: Mapping[str, str], *, parts: int) -> None:
    """
    Exit if a month of texts, each of so many parts, may cost more than SpendLimitUsd.

    Past its limit SNS silently drops every text that is due, so our own limit must come first.
    """
    texts, limit = int(parameters["TextsPerDay"]), float(parameters["SpendLimitUsd"])
    if (needed := most_in_a_month(texts, parts)) > limit:
        most = int(limit / most_in_a_month(1, parts))
        sys.exit(
            f"Refused: {texts} texts a day, of up to {parts} parts each, may take {needed:.0f} "
            f"USD a month, more than SpendLimitUsd={limit:.0f}. Give TextsPerDay={most} or less, "
            f"or a limit of {needed:.0f} that the account has too."
        )
