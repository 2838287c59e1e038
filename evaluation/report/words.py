"""Formats numbers and codes for people. A figure that is not estimable shows its reason."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from evaluation.statistics.values import NotEstimable
from extract.labels import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from evaluation.statistics.costs import CostPerEvent
    from evaluation.statistics.values import Counts, Estimate

NOT_ESTIMABLE: Final = "not estimable"
HIDDEN: Final = "too few"
MINUS: Final = "\N{MINUS SIGN}"
NBSP: Final = "\N{NO-BREAK SPACE}"
LEAST_P: Final = 0.001

_NAMES: Final = {
    "": "withheld (too few share it)",
    "under_18": "under 18",
    "not_served": "not served",
    "no_number": "no phone number",
    "unsafe_number": "number is a protected one",
    "suppressed_number": "number is on the suppression list",
    "already_in_trial": "already in the trial",
    "too_late": "too few days left",
    "in_custody": "in custody",
    "order_ended": "order ended",
    "held_over_daily_limit": "not admitted (beyond the day's expected orders)",
    "force": "Force",
    "prior_incidents": "Domestic abuse incidents in the 12 months before",
    "risk_grade": "Risk grade",
    "first_order": "First such order of the person",
    "age_band": "Age at enrolment",
    "sex": "Sex",
    "ethnicity_group": "Ethnicity",
    "stratum": "Stratum of the randomisation",
    "conditions": "Conditions",
}


def named(code: str) -> str:
    """A code as words."""
    return _NAMES.get(code) or LABELS.get(code, code.replace("_", " "))


def stratum_named(code: str) -> str:
    """A stratum in words. An id such as 14 or 15-28 is a length of orders in days."""
    days = re.fullmatch(r"(\d+)(?:-(\d+))?", code)
    return f"{' to '.join(filter(None, days.groups()))} days" if days else named(code)


def capital(text: str) -> str:
    """With a capital letter first."""
    return text[:1].upper() + text[1:]


def count(number: float) -> str:
    """A whole number, in groups of three digits."""
    return f"{number:,.0f}"


def plural(number: int, one: str, many: str = "") -> str:
    """A number of things."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def number(value: float | None, digits: int = 1) -> str:
    """A number with so many decimals, and a real minus."""
    if value is None or not math.isfinite(value):
        return NOT_ESTIMABLE
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if not float(text.replace(",", "")) else text.replace("-", MINUS)


def percent(share: float | None, digits: int = 1) -> str:
    """A share as a percentage. A small share never shows as 0 %, nor a large one as 100 %."""
    if share is None or not math.isfinite(share):
        return NOT_ESTIMABLE
    least = 10.0**-digits
    if share > 0 and not round(100 * share, digits):
        return f"<{NBSP}{number(least, digits)}%"
    if share < 1 and round(100 * share, digits) == 100:  # noqa: PLR2004 - per cent
        return f">{NBSP}{number(100 - least, digits)}%"
    return f"{number(100 * share, digits)}%"


def of(part: int, whole: int) -> str:
    """A part of a whole, with its percentage."""
    return f"{count(part)} of {count(whole)}" + (f" ({percent(part / whole)})" if whole else "")


def events_of(counts: Counts) -> str:
    """Events of people, with the percentage."""
    return of(counts.events, counts.people)


def interval(
    low: float | None, high: float | None, digits: int = 1, *, shares: bool = False
) -> str:
    """An interval in words; an open bound is named."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return NOT_ESTIMABLE
    scale, unit = (100, "%") if shares else (1, "")
    ends = [
        number(scale * end, digits) if math.isfinite(end) else "no limit" for end in (low, high)
    ]
    return f"{ends[0]} to {ends[1]}{unit if math.isfinite(high) else ''}"


def p_value(p: float | None) -> str:
    """A p-value to three decimals, as journals print it."""
    if p is None or not math.isfinite(p):
        return NOT_ESTIMABLE
    return f"p{NBSP}<{NBSP}{LEAST_P}" if p < LEAST_P else f"p{NBSP}={NBSP}{p:.3f}"


def pounds(pence: float | None) -> str:
    """An amount of money."""
    if pence is None or not math.isfinite(pence):
        return NOT_ESTIMABLE
    sign = MINUS if pence < 0 else ""
    return f"{sign}£{abs(pence) / 100:,.2f}"


def ratio(value: float) -> str:
    """A ratio, with two decimals."""
    return number(value, 2)


def level(alpha: float) -> str:
    """The confidence level of an interval."""
    return percent(1 - alpha, 0)


def estimate_heading(alpha: float) -> str:
    """The head of a column of estimates."""
    return f"Estimate ({level(alpha)} interval)"


def points(share: float) -> str:
    """A difference of shares, in percentage points, without the unit."""
    return number(100 * share)


def estimate_text(
    estimate: Estimate | CostPerEvent | NotEstimable, how: Callable[[float], str], unit: str = ""
) -> str:
    """An estimate with its interval, or why there is none."""
    if isinstance(estimate, NotEstimable):
        return str(estimate)
    value, low, high = estimate
    upper = "no upper limit" if isinstance(high, NotEstimable) else how(high)
    return f"{how(value)}{unit} ({how(low)}{NBSP}to{NBSP}{upper})"


def p_text(p: float | NotEstimable) -> str:
    """A p-value, or why there is none."""
    return str(p) if isinstance(p, NotEstimable) else p_value(p)
