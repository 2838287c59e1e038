"""The primary outcome by stratum, adjusted, over time and in subgroups."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tests.evaluation.second import formulas, times
from tests.evaluation.second.tables import GROUPS, TextTables, arms, cells, ends


def _dummies(rows: list[dict[str, Any]], names: Iterable[str]) -> Iterator[list[float]]:
    for name in names:
        codes = sorted({each["order"][name] for each in rows})
        yield from ([float(e["order"][name] == code) for e in rows] for code in codes[1:])


def adjusted(x: TextTables, primary: list[dict[str, Any]]) -> dict[str, Any]:
    titles = GROUPS["stratum"]
    strata = {
        code: arms(each for each in primary if each["order"]["stratum"] == code) for code in titles
    }
    y = np.array([float(each["event"]) for each in primary])
    columns = [[1.0] * len(primary), [float(each["treated"]) for each in primary]]
    merged = [dict(e, order=dict(e["order"], sex=GROUPS["sex"][e["order"]["sex"]]))
              for e in primary]  # fmt: skip
    columns += _dummies(merged, x.plan["adjust_for"])
    beta, covariance, _ = formulas.logistic(np.array(columns).T, y)
    every = [each for each in x.seen(x.plan["primary"], x.allocated) if each["followed"]]
    odds, p = formulas.by_person(
        [(each["order"]["person"], each["treated"], each["event"]) for each in every]
    )
    mh = formulas.mantel_haenszel(strata.values())
    return {
        "strata": {titles[code]: cells(each) for code, each in strata.items()},
        "mantel_haenszel": {
            **{name: ends(mh[name]) for name in ("difference", "ratio", "odds_ratio")},
            "p": mh["p"],
            "strata": len(strata),
        },
        "adjusted": {
            "odds_ratio": ends(formulas.wald(beta[1], math.sqrt(covariance[1, 1]))),
            "p": formulas.two_sided(beta[1] / math.sqrt(covariance[1, 1])),
            "people": len(primary),
        },
        "with_repeats": {
            "odds_ratio": ends(odds),
            "p": p,
            "orders": len(every),
            "people": len({each["order"]["person"] for each in every}),
        },
    }


def survival(x: TextTables, primary: list[dict[str, Any]]) -> dict[str, Any]:
    horizon = x.plan["restricted_mean_days"]
    competing = [each["event"] for each in x.plan["estimand"]["intercurrent"]
                 if each["strategy"] == "while_at_risk"]  # fmt: skip
    curves, means, shares, came_first = {}, {}, {}, 0
    for name, arm in (("control", 0), ("intervention", 1)):
        theirs = [each for each in primary if each["treated"] == arm]
        curve = times.kaplan_meier([(each["reached"], each["event"]) for each in theirs])
        curves[name] = {
            "days": curve.days, "survival": curve.survival, "low": curve.low, "high": curve.high,
            "left": sorted(each["reached"] for each in theirs),
            "censored": sorted(each["reached"] for each in theirs if not each["event"]),
        }  # fmt: skip
        means[name] = times.restricted_mean(curve, horizon)
        states = []
        for each in theirs:
            order, day, status = each["order"], each["reached"], each["event"]
            if order["end_reason"] in competing:
                ended = float(order["days_to_end"]) - float(order["days_to_allocation"])
                if max(ended, 0.0) < day:
                    day, status = max(ended, 0.0), 2
            states.append((day, status))
        came_first += sum(status == 2 for _, status in states)
        shares[name] = times.incidence(states, horizon)
    chi2 = times.log_rank([(e["reached"], e["event"], e["treated"]) for e in primary])
    (first, v1), (second, v0) = means["intervention"], means["control"]
    error, gap = math.sqrt(v1 + v0), first - second
    return {
        "log_rank": {"chi2": chi2, "p": formulas.chi2_tail(chi2, 1)},
        "restricted_means": {
            "horizon": horizon,
            "intervention": ends(
                [first, first - formulas.Z * v1**0.5, first + formulas.Z * v1**0.5]
            ),
            "control": ends([second, second - formulas.Z * v0**0.5, second + formulas.Z * v0**0.5]),
            "difference": ends([gap, gap - formulas.Z * error, gap + formulas.Z * error]),
            "p": formulas.two_sided(gap / error),
        },
        "curves": curves,
        "competing": {
            "people": came_first,
            "incidences": {
                "horizon": horizon,
                "intervention": {"value": shares["intervention"]},
                "control": {"value": shares["control"]},
                "difference": {"value": shares["intervention"] - shares["control"]},
            },
        },
    }


def subgroup(primary: list[dict[str, Any]], name: str) -> dict[str, Any]:
    titles = GROUPS[name]
    known = [each for each in primary if titles.get(each["order"][name])]
    group = [titles[each["order"][name]] for each in known]
    groups = {}
    for title in dict.fromkeys(titles.values()):
        a = arms(each for each, g in zip(known, group, strict=True) if g == title)
        groups[title] = cells(a) | {"risk_difference": ends(formulas.newcombe(a))}
    y = np.array([float(each["event"]) for each in known])
    t = np.array([float(each["treated"]) for each in known])
    dummies = [np.array([float(g == title) for g in group]) for title in groups]
    _, _, main = formulas.logistic(np.column_stack([*dummies, t]), y)
    _, _, full = formulas.logistic(np.column_stack([*dummies, *(d * t for d in dummies)]), y)
    chi2, degrees = 2 * (full - main), len(groups) - 1
    return {
        "groups": groups,
        "interaction": {
            "chi2": chi2, "degrees": degrees, "p": formulas.chi2_tail(chi2, degrees),
        },
        "in_no_group": len(primary) - len(known),
    }  # fmt: skip
