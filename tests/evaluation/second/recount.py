"""The report's figures once more, from the extract's files alone, under the names that JSON has."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.evaluation.second import formulas
from tests.evaluation.second.dose import cost, fidelity
from tests.evaluation.second.formulas import Arms
from tests.evaluation.second.models import adjusted, subgroup, survival
from tests.evaluation.second.outcomes import harms, secondary, sensitivity
from tests.evaluation.second.people import attrition, baseline, flow
from tests.evaluation.second.tables import TextTables, arms, ends


def everything(folder: Path) -> dict[str, Any]:
    """Each section's figures."""
    x = TextTables(folder)
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


def bayes(x: TextTables, k: Arms) -> dict[str, Any]:
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


def _intercurrent(x: TextTables) -> dict[str, Any]:
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
