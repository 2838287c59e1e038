"""Enrolment, losses, and the balance of the arms."""

import statistics
from collections import Counter, defaultdict
from typing import Any

from tests.evaluation.second.tables import GROUPS, MINIMUM, Row, TextTables


def flow(x: TextTables) -> dict[str, Any]:
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


def attrition(x: TextTables) -> dict[str, Any]:
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


def _never_randomised(x: TextTables) -> dict[str, Any]:
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


def baseline(x: TextTables) -> dict[str, Any]:
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
