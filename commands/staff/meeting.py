"""
Makes the page for the superintendents' meeting: who had no number, why, and what that costs.

Shows counts by reason, month and authoriser, how numbers were found, and how much power of the
protocol's plan each percentage point without a number costs. Pooled over the arms. On this machine,
or on AWS with the shell's credentials. The page is build/meeting.html.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from string import Template
from typing import Any

from commands.api import Api
from commands.deployed_stack import ROOT, add_arguments
from trial.codes import MissingReason
from trial.protocol.load import load
from trial.protocol.plan import AnalysisPlan

PAGE = ROOT / "build/meeting.html"
HERE = Path(__file__).parent
SHARES = (0, 10, 20, 30, 40, 50, 60)
"""Percentages without a number for which the power is shown."""

POINT = 0.01


def page(report: Mapping[str, Any], plan: AnalysisPlan, on: str) -> str:
    """The page, made from the answer to `GET /reports/missing-numbers`."""
    counts, enrolled = report["counts"], report["enrolled"]
    still = report["missing"] - report["found"]
    share = still / enrolled if enrolled else 0.0
    return Template((HERE / "meeting.html").read_text()).substitute(
        on=escape(on),
        enrolled=enrolled,
        missing=report["missing"],
        found=report["found"],
        still=still,
        percent=_percent(still, enrolled),
        months=_months(counts, report["enrolled_by_month"]),
        reasons=_rows(_by(counts, lambda each: _words(each["reason"]))),
        authorisers=_authorisers(counts),
        how=_rows({_words(how): (count,) for how, count in report["resolved_how"].items()})
        or '<tr><td colspan="2">none yet</td></tr>',
        cost=f"{cost_of_a_point(plan, share):.1f}",
        power=_power(plan),
    )


def _by(
    counts: Iterable[Mapping[str, Any]], of: Callable[[Mapping[str, Any]], str]
) -> dict[str, tuple[int, int]]:
    """How many were missing and how many found since, grouped by `of`."""
    missing: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for each in counts:
        missing[of(each)] += each["missing"]
        found[of(each)] += each["found"]
    return {name: (count, found[name]) for name, count in missing.most_common()}


def _months(counts: Sequence[Mapping[str, Any]], enrolled: Mapping[str, int]) -> str:
    """The trend: how many of each month's orders had no number, with a bar."""
    missing = _by(counts, lambda each: each["month"])
    rows = [(month, of, *missing.get(month, (0, 0))) for month, of in sorted(enrolled.items())]
    return "".join(
        f'<tr><th scope="row">{escape(month)}</th><td>{of}</td><td>{lacking}</td><td>{found}</td>'
        f'<td><i style="width:{_percent(lacking, of)}%"></i> {_percent(lacking, of)} %</td></tr>'
        for month, of, lacking, found in rows
    )


def _authorisers(counts: Sequence[Mapping[str, Any]]) -> str:
    """By superintendent: missing, found, and for how many no reason was recorded."""
    unrecorded = [each for each in counts if each["reason"] == MissingReason.NOT_RECORDED]
    without = _by(unrecorded, lambda each: each["superintendent"])
    by = _by(counts, lambda each: each["superintendent"])
    return _rows({name: (*cells, without.get(name, (0, 0))[0]) for name, cells in by.items()})


def _power(plan: AnalysisPlan) -> str:
    shown = {f"{share} %": power_without(plan, share / 100) for share in SHARES}
    return _rows({name: (people, f"{100 * left:.0f} %") for name, (people, left) in shown.items()})


def power(control: float, intervention: float, per_arm: float, alpha: float) -> float:
    """
    The power of a two-sided test of two risks, with `per_arm` people in each arm.

    Normal approximation: Fleiss, Levin and Paik 2003, equation 4.14 solved for power.
    """
    if per_arm <= 0:
        return 0.0
    normal, mean = NormalDist(), (control + intervention) / 2
    under_null = sqrt(2 * mean * (1 - mean))
    apart = sqrt(control * (1 - control) + intervention * (1 - intervention))
    reach = abs(control - intervention) * sqrt(per_arm)
    return normal.cdf((reach - normal.inv_cdf(1 - alpha / 2) * under_null) / apart)


def power_without(plan: AnalysisPlan, share: float) -> tuple[int, float]:
    """
    The people that a plan randomises if this share of orders (0 to 1) has no number, and the power.

    Raises ValueError for a plan without expected recruitment.
    """
    if plan.recruitment is None:
        raise ValueError("the protocol does not say how many orders it expects")
    people = plan.recruitment.model_copy(update={"without_number": min(share, 1.0)}).people
    risks = plan.planned_risk_control, plan.planned_risk_intervention
    return people, power(*risks, people / 2, plan.alpha)


def cost_of_a_point(plan: AnalysisPlan, share: float) -> float:
    """The percentage points of power lost to one more percentage point without a number."""
    return 100 * (power_without(plan, share)[1] - power_without(plan, share + POINT)[1])


def _rows(cells: Mapping[str, Iterable[object]]) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        f"{''.join(f'<td>{escape(str(each))}</td>' for each in row)}</tr>"
        for name, row in cells.items()
    )


def _percent(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


def _words(code: str) -> str:
    return code.replace("_", " ")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the page that the command line asks for."""
    parser = argparse.ArgumentParser(prog="make meeting ARGS=...", description=__doc__)
    parser.add_argument("protocol", help="whose plan determines the power: dvpo-2027-1")
    parser.add_argument("-o", "--output", type=Path, default=PAGE, help=f"default: {PAGE}")
    add_arguments(parser)
    given = parser.parse_args(arguments)
    return make(Api.named_by(given), given)


def make(api: Api, given: argparse.Namespace) -> int:
    """Make the page; returns the exit code."""
    answer = api.call("GET", "/reports/missing-numbers").accepted()
    protocol = load(given.protocol)
    on = f"{protocol.place.date_at(datetime.now(UTC)):%-d %B %Y}"
    text = page(answer.body, protocol.analysis, on)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text, encoding="utf-8")
    print(f"The page: {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
