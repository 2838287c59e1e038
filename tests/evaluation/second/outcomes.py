"""Secondary outcomes, harms, and other populations."""

from collections import Counter
from typing import Any

from tests.evaluation.second import formulas
from tests.evaluation.second.tables import CAME_OF_TEXTS, HARMS, Row, TextTables, arms, cells, ends


def secondary(x: TextTables) -> dict[str, Any]:
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


def harms(x: TextTables) -> dict[str, Any]:
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
        for reason in CAME_OF_TEXTS
    }
    seen = x.seen({"types": ["harm"], "days": 365}, x.people)
    rate = formulas.rate_ratio([(e["treated"], e["count"], e["at_risk"]) for e in seen])
    return {
        "kinds": {kind: of([e for e in happened if e["harm"] == kind]) for kind in HARMS},
        "any": of(happened),
        "stopped": stopped,
        "rate": rate | {"ratio": ends(rate["ratio"])},
    }


def sensitivity(x: TextTables, primary: list[dict[str, Any]]) -> dict[str, Any]:
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
