"""The results of the texts, and their cost."""

import math
import statistics
from collections import Counter, defaultdict
from typing import Any

from tests.evaluation.second import formulas
from tests.evaluation.second.formulas import Arms
from tests.evaluation.second.tables import SENT, TextTables, ends


def fidelity(x: TextTables) -> dict[str, Any]:
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
            ["planned", *(["sent"] if state in SENT else []),
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


def cost(x: TextTables, primary: list[dict[str, Any]], k: Arms) -> dict[str, Any]:
    costs = {name: each["value"] for name, each in x.protocol["costs"].items()}
    pence: dict[str, float] = defaultdict(float)
    first = {each["order"]["enrolment"] for each in primary}
    unpriced = 0
    for each in x.reminders:
        if each["state"] in SENT:
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
