"""The report's figures once more, from the extract's files alone, under the names that JSON has."""

from __future__ import annotations

import csv
import gzip
import math
import statistics
import tomllib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.evaluation.second import formulas
from tests.evaluation.second.formulas import Arms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Row = dict[str, str]

GROUPS: dict[str, dict[str, str]] = {
    "force": {},
    "stratum": {"14": "14 days", "15-28": "15 to 28 days"},
    "age_band": {"18-24": "18 to 24", "25-34": "25 to 34", "35-44": "35 to 44", "45-54": "45 to 54",
                 "55+": "55 and over"},
    "sex": {"male": "male", "female": "female or not known", "not_known": "female or not known",
            "other": "female or not known"},
    "ethnicity_group": {"white": "white", "mixed": "mixed or other or Black",
                        "other": "mixed or other or Black", "black": "mixed or other or Black",
                        "asian": "Asian", "not_stated": "not stated or not recorded"},
    "conditions": {"MOL": "no molestation only", "NC": "no contact", "NE": "no entry",
                   "KD": "no entry", "NCNE": "no contact and no entry",
                   "NCKD": "no contact and no entry"},
    "prior_incidents": {"none": "none", "one_or_two": "one or two",
                        "three_to_five": "three to five", "six_or_more": "six or more"},
    "risk_grade": {each: each for each in ("standard", "medium", "high")},
    "first_order": {"true": "yes", "false": "no"},
}  # fmt: skip
"""What the report of this example calls each code: small groups stand together under one title."""

MINIMUM = 10
"""The smallest group of the fixture's protocol."""

_HARMS = ("wrong_recipient", "disclosure", "complaint", "threat", "other")
_SENT = ("sent", "delivered", "undelivered", "unconfirmed")
_CAME_OF_TEXTS = ("wrong_number", "safety_stop", "objection_upheld")


class Extract:
    """The tables as text, and the plan as TOML."""

    def __init__(self, folder: Path) -> None:
        def rows(name: str) -> list[Row]:
            with gzip.open(folder / f"{name}.csv.gz", "rt", newline="") as file:
                return list(csv.DictReader(file))

        self.orders = rows("enrolments")
        self.reminders = rows("reminders")
        self.outcomes = rows("outcomes")
        self.protocol = tomllib.loads((folder / "protocol.toml").read_text())
        self.plan = self.protocol["analysis"]
        self.allocated = [each for each in self.orders if each["allocated"] == "true"]
        self.people = [each for each in self.allocated if each["repeat"] == "false"]

    def seen(self, endpoint: dict[str, Any], orders: Iterable[Row]) -> list[dict[str, Any]]:
        """What happened to each order's person in its window."""
        by_person = defaultdict(list)
        for each in self.outcomes:
            fits = each["type"] in endpoint["types"] and each["days_from_allocation"]
            if fits and each["instrument"] in endpoint.get("instruments", [each["instrument"]]):
                by_person[each["person"]].append(each)
        found = []
        for order in orders:
            window = float(endpoint.get("days", order["days_at_risk"]))
            start, at = float(order["days_from_randomisation"]), []
            for each in by_person[order["person"]]:
                since = float(each["days_from_allocation"]) - start
                inside = 0 <= since <= window
                if "days" not in endpoint and start == 0:
                    inside = each["within_order"] == "true"
                if inside:
                    at.append(since)
            at_risk = max(0.0, min(window, float(order["days_followed"])))
            found.append(
                {
                    "order": order,
                    "treated": int(order["arm"] == "intervention"),
                    "event": int(bool(at)),
                    "count": len(at),
                    "reached": max(0.0, min(at, default=at_risk)),
                    "at_risk": at_risk,
                    "followed": float(order["days_followed"]) >= window,
                }
            )
        return found


def arms(rows: Iterable[dict[str, Any]]) -> Arms:
    cells = Counter((each["treated"], each["event"]) for each in rows)
    return Arms(cells[1, 1], cells[1, 0] + cells[1, 1], cells[0, 1], cells[0, 0] + cells[0, 1])


def cells(a: Arms) -> dict[str, Any]:
    return {
        "intervention": {"events": a.x1, "people": a.n1},
        "control": {"events": a.x0, "people": a.n0},
    }


def ends(three: list[float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), three, strict=True))


def flow(x: Extract) -> dict[str, Any]:
    reasons: dict[str, Any] = {}
    for each in x.orders:
        if each["allocated"] == "false":
            reason = each["reasons"].split(";")[0]
            why = reasons.setdefault(reason, {"total": 0, "details": Counter()})
            why["total"] += 1
            behind = {"no_number": "missing_reason", "order_ended": "end_reason"}.get(reason)
            if behind:
                why["details"][each[behind] or "not_said"] += 1
    by_arm = {}
    for arm in ("control", "intervention"):
        theirs = [each for each in x.people if each["arm"] == arm]
        by_arm[arm] = {
            "allocated": len(theirs),
            "analysed": sum(float(e["days_followed"]) >= float(e["days_at_risk"]) for e in theirs),
            "still_running": 0,
            "recorded_in_error": sum(each["recorded_in_error"] == "true" for each in theirs),
            "ended_early": Counter(each["end_reason"] for each in theirs if each["end_reason"]),
            "with_a_delivered_text": sum(int(each["delivered"]) > 0 for each in theirs),
            "with_texts_planned": sum(int(each["planned"]) > 0 for each in theirs),
        }
    return {
        "enrolled": len(x.orders),
        "people": len({each["person"] for each in x.orders}),
        "not_randomised": {"total": len(x.orders) - len(x.allocated), "reasons": reasons},
        "allocated": len(x.allocated),
        "repeats": len(x.allocated) - len(x.people),
        "randomised": len(x.people),
        "arms": by_arm,
    }


def attrition(x: Extract) -> dict[str, Any]:
    without = [each for each in x.orders if each["missing_reason"]]
    later = [each for each in without if each["number_found"] == "true"]
    reasons, months, groups = {}, {}, {}
    for reason in {each["missing_reason"] for each in without}:
        days = [float(e["days_to_number"]) for e in later if e["missing_reason"] == reason]
        reasons[reason] = {
            "without": sum(each["missing_reason"] == reason for each in without),
            "found_later": len(days),
            "median_days_to_number": statistics.median(days),
        }
    for month in {each["month"] for each in x.orders}:
        theirs = [each for each in x.orders if each["month"] == month]
        found = sum(each["number_found"] == "true" for each in theirs)
        lacking = sum(bool(each["missing_reason"]) for each in theirs)
        months[month] = {
            "number_at_enrolment": len(theirs) - lacking,
            "found_later": found,
            "never_found": lacking - found,
        }
    young = "under 18 or 18 to 24"
    titles = GROUPS | {
        "age_band": GROUPS["age_band"] | {"under_18": young, "18-24": young},
        "sex": {"male": "male", "female": "female", "not_known": "not known"},
    }
    for name in ("age_band", "sex", "stratum"):
        groups[name] = {
            title: {
                "orders": sum(titles[name].get(each[name]) == title for each in x.orders),
                "without": sum(titles[name].get(each[name]) == title for each in without),
            }
            for title in titles[name].values()
        }
    return {
        "enrolled": len(x.orders),
        "without": len(without),
        "found_later": len(later),
        "found_and_randomised": sum(each["allocated"] == "true" for each in later),
        "reasons": reasons,
        "months": months,
        "found_how": Counter(each["resolved_how"] for each in later),
        "characteristics": groups,
        "outcomes_of_never_randomised": _never_randomised(x),
    }


def _never_randomised(x: Extract) -> dict[str, Any]:
    """From the first day of a person's first order to its last."""
    primary, drawn = x.plan["primary"], {each["person"] for each in x.people}
    events = {
        each["enrolment"]: [float(o["days_from_order"]) for o in x.outcomes
                            if o["enrolment"] == each["enrolment"]
                            and o["type"] in primary["types"]
                            and o["instrument"] in primary["instruments"]]
        for each in x.orders
    }  # fmt: skip

    def counts(orders: list[Row]) -> dict[str, int]:
        hit = [any(0 <= day <= int(e["days"]) for day in events[e["enrolment"]]) for e in orders]
        return {"events": sum(hit), "people": len(orders)}

    first: dict[str, Row] = {}
    for each in x.orders:
        if each["person"] not in drawn:
            first.setdefault(each["person"], each)
    by_reason = defaultdict(list)
    for each in first.values():
        by_reason[each["reasons"].split(";")[0]].append(each)
    common = {reason: those for reason, those in by_reason.items() if len(those) >= MINIMUM}
    rest = [e for reason, those in by_reason.items() if reason not in common for e in those]
    words = {"no_number": "no phone number"}
    return {
        "Randomised, both arms together": counts(x.people),
        "Never randomised: all other reasons": counts(rest),
    } | {
        f"Never randomised: {words.get(reason, reason.replace('_', ' '))}": counts(those)
        for reason, those in common.items()
    }


def baseline(x: Extract) -> dict[str, Any]:
    notice = {
        each["person"] for each in x.outcomes
        if each["instrument"] == "dvpn" and each["days_from_allocation"]
        and float(each["days_from_allocation"]) < 0
    }  # fmt: skip
    found: dict[str, Any] = {}
    for arm in ("control", "intervention"):
        theirs = [each for each in x.people if each["arm"] == arm]
        found[arm] = {"people": len(theirs)}
        for name, titles in GROUPS.items():
            empty = "withheld" if name == "ethnicity_group" else "not said"
            found[arm][name] = Counter(
                titles.get(each[name], each[name]) if each[name] else empty for each in theirs
            )
        for name in ("days", "days_to_service", "days_to_enrolment", "days_to_allocation"):
            values = [float(each[name]) for each in theirs if each[name]]
            found[arm][name] = {"mean": statistics.mean(values), "sd": statistics.stdev(values)}
        for name in ("number_at_enrolment", "no_eviction"):
            found[arm][name] = sum(each[name] == "true" for each in theirs)
        found[arm]["notice_breached"] = sum(each["person"] in notice for each in theirs)
    return found


def fidelity(x: Extract) -> dict[str, Any]:
    treated = [each for each in x.allocated if each["arm"] == "intervention"]
    names = ("planned", "sent", "delivered", "undelivered", "unconfirmed", "suppressed", "failed",
             "unknown", "parts")  # fmt: skip
    hours = sorted(float(each["hours_to_first_text"]) for each in treated
                   if each["hours_to_first_text"])  # fmt: skip
    quartiles = statistics.quantiles(hours, n=4, method="inclusive")
    by_number: dict[str, Counter[str]] = defaultdict(Counter)
    periods: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: Counter[str] = Counter()
    themes: dict[str, Counter[str]] = defaultdict(Counter)
    for each in x.reminders:
        state = each["state"]
        by_number[each["number"]].update(["reminders", state])
        week = int(each["day"]) // 7
        period = f"dvpo, days {7 * week} to {7 * week + 6}" if week < 3 else "dvpo, from day 21"
        periods[period].update(
            ["planned", *(["sent"] if state in _SENT else []),
             *(["delivered"] if state == "delivered" else [])]
        )  # fmt: skip
        if state in ("suppressed", "undelivered"):
            reasons[f"{state}:{each['reason']}"] += 1
        themes[each["theme"]].update(["planned", *(["delivered"] if state == "delivered" else [])])
    tenths = Counter(min(10 * int(e["delivered"]) // int(e["planned"]), 9) for e in treated)
    return {
        "control": len(x.allocated) - len(treated),
        "intervention": len(treated),
        "crossovers_to_texts": sum(
            int(e["planned"]) + int(e["sent"]) > 0 for e in x.allocated if e["arm"] == "control"
        ),
        "crossovers_to_none": sum(int(each["planned"]) == 0 for each in treated),
        "reminders_of_control": len(
            {e["enrolment"] for e in x.reminders} - {e["enrolment"] for e in treated}
        ),
        "dose": {
            **{name: sum(int(each[name]) for each in treated) for name in names},
            "hours_to_first_text": quartiles,
            "with_a_text": len(hours),
        },
        "by_reminder": by_number,
        "by_period": periods,
        "reasons": reasons,
        "themes": themes,
        "people_by_tenth_delivered": [tenths[tenth] for tenth in range(10)],
    }


def everything(folder: Path) -> dict[str, Any]:
    """Each section's figures."""
    x = Extract(folder)
    primary = x.seen(x.plan["primary"], x.people)
    k = arms(primary)
    difference = ends(formulas.newcombe(k))
    found = {
        "flow": flow(x),
        "attrition": attrition(x),
        "baseline": baseline(x),
        "fidelity": fidelity(x),
        "primary": {
            **{
                name: {"events": e, "people": n, "risk": e / n,
                       "interval": dict(zip(("low", "high"), formulas.wilson(e, n), strict=True))}
                for name, e, n in (("intervention", k.x1, k.n1), ("control", k.x0, k.n0))
            },
            "not_yet_followed": sum(not each["followed"] for each in primary),
            "risk_difference": difference,
            "risk_ratio": ends(formulas.katz(k)),
            "fisher_p": formulas.fisher(k),
            "rerandomisation_p": formulas.rerandomisation(
                _blocks(primary), x.protocol["block_sizes"], k
            ),
            "final_alpha": x.plan["alpha"]
            - len(x.plan["interim_looks"]) * x.plan["monitoring"]["benefit_p"],
        },
        "adjusted": adjusted(x, primary),
        "survival": survival(x, primary),
        "subgroups": {name: subgroup(primary, name) for name in x.plan["subgroups"]},
        "secondary": secondary(x),
        "harms": harms(x),
        "sensitivity": sensitivity(x, primary),
        "bayes": bayes(x, k),
        "cost": cost(x, primary, k),
        "estimand": {"intercurrent": _intercurrent(x)},
        "power": {
            "per_arm": [k.n1, k.n0],
            "never_randomised": 1 - len(x.people) / len(x.orders),
            "reestimated": {"events": k.x1 + k.x0, "people": k.n1 + k.n0},
        },
    }  # fmt: skip
    return dict(found)


def bayes(x: Extract, k: Arms) -> dict[str, Any]:
    planned = _odds(x.plan["planned_risk_intervention"]) / _odds(x.plan["planned_risk_control"])
    found = formulas.posterior(k, x.plan["prior"]["sd_log_odds_ratio"], planned)
    return found | {name: ends(found[name]) for name in ("odds_ratio", "risk_difference")}


def _odds(risk: float) -> float:
    return risk / (1 - risk)


def _blocks(rows: list[dict[str, Any]]) -> list[tuple[bool, int, int]]:
    blocks: dict[tuple[str, int], list[int]] = defaultdict(list)
    for each in rows:
        blocks[each["order"]["stratum"], int(each["order"]["block"])].append(each["event"])
    last = {stratum: max(n for s, n in blocks if s == stratum) for stratum, _ in blocks}
    return [(n != last[s], len(theirs), sum(theirs)) for (s, n), theirs in blocks.items()]


def _dummies(rows: list[dict[str, Any]], names: Iterable[str]) -> Iterator[list[float]]:
    for name in names:
        codes = sorted({each["order"][name] for each in rows})
        yield from ([float(e["order"][name] == code) for e in rows] for code in codes[1:])


def adjusted(x: Extract, primary: list[dict[str, Any]]) -> dict[str, Any]:
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


def survival(x: Extract, primary: list[dict[str, Any]]) -> dict[str, Any]:
    horizon = x.plan["restricted_mean_days"]
    competing = [each["event"] for each in x.plan["estimand"]["intercurrent"]
                 if each["strategy"] == "while_at_risk"]  # fmt: skip
    curves, means, shares, came_first = {}, {}, {}, 0
    for name, arm in (("control", 0), ("intervention", 1)):
        theirs = [each for each in primary if each["treated"] == arm]
        curve = formulas.kaplan_meier([(each["reached"], each["event"]) for each in theirs])
        curves[name] = {
            "days": curve.days, "survival": curve.survival, "low": curve.low, "high": curve.high,
            "left": sorted(each["reached"] for each in theirs),
            "censored": sorted(each["reached"] for each in theirs if not each["event"]),
        }  # fmt: skip
        means[name] = formulas.restricted_mean(curve, horizon)
        states = []
        for each in theirs:
            order, day, status = each["order"], each["reached"], each["event"]
            if order["end_reason"] in competing:
                ended = float(order["days_to_end"]) - float(order["days_to_allocation"])
                if max(ended, 0.0) < day:
                    day, status = max(ended, 0.0), 2
            states.append((day, status))
        came_first += sum(status == 2 for _, status in states)
        shares[name] = formulas.incidence(states, horizon)
    chi2 = formulas.log_rank([(e["reached"], e["event"], e["treated"]) for e in primary])
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


def secondary(x: Extract) -> dict[str, Any]:
    outcomes: dict[str, Any] = {}
    seen = {each["id"]: x.seen(each, x.people) for each in x.plan["secondary"]}
    rates = {}
    for name, rows in seen.items():
        a = arms(each for each in rows if each["followed"])
        outcomes[name] = cells(a) | {
            "risk_difference": ends(formulas.newcombe(a)), "fisher_p": formulas.fisher(a),
        }  # fmt: skip
    for name, p in formulas.holm({n: each["fisher_p"] for n, each in outcomes.items()}).items():
        outcomes[name]["holm_p"] = p
    for name, rows in {"primary": x.seen(x.plan["primary"], x.people), **seen}.items():
        found = formulas.rate_ratio([(e["treated"], e["count"], e["at_risk"]) for e in rows])
        rates[name] = found | {"ratio": ends(found["ratio"])}
    return {"outcomes": outcomes, "rates": rates}


def harms(x: Extract) -> dict[str, Any]:
    happened = [
        each for each in x.outcomes if each["type"] == "harm" and each["days_from_allocation"]
        and float(each["days_from_allocation"]) >= 0
    ]  # fmt: skip
    arm_of = {each["person"]: each["arm"] for each in x.people}

    def of(these: list[Row]) -> dict[str, Any]:
        hit = {each["person"] for each in these}
        a = arms(
            {"treated": int(e["arm"] == "intervention"), "event": int(e["person"] in hit)}
            for e in x.people
        )
        events = Counter(arm_of[each["person"]] for each in these)
        return {
            "people": cells(a),
            "events": {name: events[name] for name in ("intervention", "control")},
        } | ({"risk_difference": ends(formulas.newcombe(a))} if these is happened else {})

    stopped = {
        reason: cells(
            arms(
                {
                    "treated": int(e["arm"] == "intervention"),
                    "event": int(e["end_reason"] == reason),
                }
                for e in x.people
            )
        )
        for reason in _CAME_OF_TEXTS
    }
    seen = x.seen({"types": ["harm"], "days": 365}, x.people)
    rate = formulas.rate_ratio([(e["treated"], e["count"], e["at_risk"]) for e in seen])
    return {
        "kinds": {kind: of([e for e in happened if e["harm"] == kind]) for kind in _HARMS},
        "any": of(happened),
        "stopped": stopped,
        "rate": rate | {"ratio": ends(rate["ratio"])},
    }


def sensitivity(x: Extract, primary: list[dict[str, Any]]) -> dict[str, Any]:
    every = [each for each in x.seen(x.plan["primary"], x.allocated) if each["followed"]]
    populations = {
        "As randomised (primary)": arms(primary),
        "Without orders recorded in error": arms(
            each for each in primary if each["order"]["recorded_in_error"] == "false"
        ),
        "With repeat orders": arms(every),
    }
    k = arms(primary)
    itself = ends(formulas.newcombe(k))
    treated = [each for each in primary if each["treated"]]
    share = sum(int(each["order"]["delivered"]) > 0 for each in treated) / len(treated)
    return {
        "unknown": {"best": itself, "worst": itself, "unknown": [0, 0]},
        "reached": {
            "difference": {"value": (k.x1 / k.n1 - k.x0 / k.n0) / share},
            "reached": share,
            "people": k.n1 + k.n0,
        },
        "populations": {
            name: {"counts": cells(a), "risk_difference": ends(formulas.newcombe(a))}
            for name, a in populations.items()
        },
    }


def cost(x: Extract, primary: list[dict[str, Any]], k: Arms) -> dict[str, Any]:
    costs = {name: each["value"] for name, each in x.protocol["costs"].items()}
    pence: dict[str, float] = defaultdict(float)
    first = {each["order"]["enrolment"] for each in primary}
    unpriced = 0
    for each in x.reminders:
        if each["state"] in _SENT:
            pence[each["enrolment"]] += float(each["price_pence"] or costs["text_part_pence"])
            unpriced += not each["price_pence"] and each["enrolment"] in first
    staff = costs["staff_minutes_per_order"] / 60 * costs["staff_pence_per_hour"]
    fixed = costs["infrastructure_pence_per_order"] + staff
    texts = [pence[e["order"]["enrolment"]] for e in primary if e["treated"]]
    mean = statistics.mean(texts)
    total = mean + fixed
    half = formulas.Z * statistics.pstdev(texts) / math.sqrt(len(texts))
    d, low, high = formulas.newcombe(k)
    prevented, fewest, most = -d, -high, -low

    def end(limit: float, a: float, b: float) -> float:
        """Between a and b, the price r at which both intervals together just allow 0 (MOVER)."""

        def spare(r: float) -> float:
            return float((total - r * prevented) ** 2 - half**2 - (r * (limit - prevented)) ** 2)

        for _ in range(200):
            a, b = ((a + b) / 2, b) if spare((a + b) / 2) * spare(a) > 0 else (a, (a + b) / 2)
        return (a + b) / 2

    middle = total / prevented
    breach = costs["breach_pence"]
    return {
        "per_order": {
            "texts": mean, "infrastructure": costs["infrastructure_pence_per_order"],
            "staff": staff, "total": total,
        },
        "texts_without_price": unpriced,
        "treated": k.n1,
        "per_person_prevented": ends(
            [middle, end(most, 0.0, middle), end(fewest, middle, 50 * middle)]
        ),
        "risk_difference": ends([d, low, high]),
        "net_saving_per_order": [
            prevented * breach - total, fewest * breach - total, most * breach - total,
        ],
    }  # fmt: skip


def _intercurrent(x: Extract) -> dict[str, Any]:
    found = {}
    for event in (each["event"] for each in x.plan["estimand"]["intercurrent"]):
        if event == "no_text_delivered":
            people = sum(e["arm"] == "intervention" and int(e["delivered"]) == 0 for e in x.people)
        elif event == "number_lost":
            continue
        else:
            people = sum(each["end_reason"] == event for each in x.people)
        found[event] = {"people": people}
    return found


def flat(figures: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number by its path; None and words are none."""
    if isinstance(figures, dict | list):
        named = figures.items() if isinstance(figures, dict) else enumerate(figures)
        for name, each in named:
            yield from flat(each, f"{path}/{name}")
    elif isinstance(figures, int | float) and not isinstance(figures, bool):
        yield path, float(figures)
