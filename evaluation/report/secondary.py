"""9. Secondary outcomes, kept honest together; then what is sensitivity analysis only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import ByArm, by_arm, observed
from evaluation.report.charts.drawing import BLUE
from evaluation.report.charts.intervals import Axis, Estimate, intervals
from evaluation.report.parts import Method, Picture, Section, Table
from evaluation.report.words import (
    events_of,
    number,
    of,
    p_told,
    p_value,
    percent,
    plural,
    points,
    told,
)
from evaluation.statistics.proportions import fisher, risk_difference
from evaluation.statistics.subgroups import holm
from evaluation.statistics.values import Counts, NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort

METHODS: Final = [
    Method(
        "Holm's adjustment for several tests", "Holm (1979), https://www.jstor.org/stable/4615733"
    ),
    Method(
        "Per protocol and dose: sensitivity only",
        "Hernan and Robins (2017), doi:10.1056/NEJMsm1605385",
    ),
]
_DOSES: Final = ((0.0, "none delivered"), (0.5, "up to half"), (0.999, "over half"), (1.0, "all"))


def section(cohort: Cohort) -> Section:
    """The family of the protocol, each outcome over its own window."""
    plan = cohort.extract.protocol.analysis
    found = Section("secondary", "Secondary outcomes", methods=METHODS)
    counts: dict[str, ByArm] = {}
    titles = {endpoint.id: endpoint.title for endpoint in plan.secondary}
    for endpoint in plan.secondary:
        rows = observed(cohort, endpoint)
        counts[endpoint.id] = by_arm(rows[rows["followed"]])
        if unfollowed := int((~rows["followed"]).sum()):
            found.departures.append(
                f"{endpoint.title}: {plural(unfollowed, 'person', 'people')} not yet followed for "
                "that long are left out of it."
            )
    tests = {id_: fisher(*each) for id_, each in counts.items()}
    said = {id_: p for id_, p in tests.items() if not isinstance(p, NotEstimable)}
    adjusted = holm(said)
    differences = {id_: risk_difference(*each, alpha=plan.alpha) for id_, each in counts.items()}
    found.figures["outcomes"] = {
        id_: {
            "intervention": each.intervention,
            "control": each.control,
            "risk_difference": differences[id_],
            "fisher_p": tests[id_],
            "holm_p": adjusted.get(id_),
        }
        for id_, each in counts.items()
    }
    found.blocks.append(
        Table(
            "Secondary outcomes",
            ("Outcome", "With texts", "Without", "Difference, points", "Fisher", "With Holm's"),
            [
                (
                    titles[id_],
                    events_of(each.intervention),
                    events_of(each.control),
                    told(differences[id_], points),
                    p_told(tests[id_]),
                    p_value(adjusted[id_]) if id_ in adjusted else "none",
                )
                for id_, each in counts.items()
            ],
            "People with at least one event from allocation on, of those followed for the whole "
            f"window. Intervals are {percent(1 - plan.alpha, 0)} (Newcombe), not widened for "
            "several outcomes; the last column allows for that.",
        )
    )
    estimates = [
        Estimate(titles[id_], *value, told(value, points), BLUE)
        for id_, value in differences.items()
        if not isinstance(value, NotEstimable)
    ]
    if estimates:
        found.blocks.append(_forest("Differences in secondary outcomes", estimates, plan.alpha))
    _sensitivity(found, cohort)
    return found


def _forest(caption: str, estimates: list[Estimate], alpha: float) -> Picture:
    return Picture(
        caption,
        intervals(
            "Risk differences: " + "; ".join(f"{each.label} {each.text}" for each in estimates),
            estimates,
            Axis(
                "Risk difference, percentage points",
                lambda value: number(100 * value, 0),
                0,
                ("fewer with texts", "more"),
            ),
            labels=375,
        ),
        f"Lines are {percent(1 - alpha, 0)} intervals (Newcombe).",
    )


def _sensitivity(found: Section, cohort: Cohort) -> None:
    """The primary outcome among others than everybody as randomised."""
    plan = cohort.extract.protocol.analysis
    rows = observed(cohort, plan.primary)
    every = observed(cohort, plan.primary, repeats=True)
    treated = rows["treated"].astype(bool)
    planned = rows["planned"].astype("float64")
    dose = (rows["delivered"].astype("float64") / planned.where(planned > 0)).fillna(0.0)
    followed = rows["followed"].astype(bool)
    correct = ~rows["recorded_in_error"].fillna(value=False).astype(bool)
    share = plan.per_protocol_share
    populations: dict[str, pd.DataFrame] = {
        "As randomised (primary)": rows[followed],
        f"Per protocol: {percent(share, 0)} or more of the texts delivered": rows[
            followed & (~treated | (dose >= share))
        ],
        "Without orders recorded in error": rows[followed & correct],
        "With repeat orders": every[every["followed"].astype(bool)],
    }
    counts = {name: by_arm(those) for name, those in populations.items()}
    found.figures["sensitivity"] = {
        name: {"counts": each, "risk_difference": risk_difference(*each, alpha=plan.alpha)}
        for name, each in counts.items()
    }
    found.say(
        "Sensitivity only. What follows compares people who were not made alike by randomisation: "
        "who is arrested early gets fewer texts. It is no evidence that texts work.",
        "warning",
    )
    found.blocks.append(
        Table(
            "Sensitivity: primary outcome in other populations",
            ("Population", "With texts", "Without", "Difference, points"),
            [
                (
                    name,
                    events_of(each.intervention),
                    events_of(each.control),
                    told(risk_difference(*each, alpha=plan.alpha), points),
                )
                for name, each in counts.items()
            ],
        )
    )
    _doses(found, rows[followed & treated], dose, rows[followed & ~treated])


def _doses(
    found: Section, treated: pd.DataFrame, dose: pd.Series[Any], control: pd.DataFrame
) -> None:
    table = [("control", of(int(control["event"].sum()), len(control)))]
    low = -1.0
    figures: dict[str, Counts] = {}
    for high, name in _DOSES:
        those = treated[(dose[treated.index] > low) & (dose[treated.index] <= high)]
        figures[name] = Counts(int(those["event"].sum()), len(those))
        table.append(
            (f"intervention, {name}", events_of(figures[name]) if len(those) else "nobody")
        )
        low = high
    found.figures["by_dose"] = figures
    found.blocks.append(
        Table(
            "Sensitivity: primary outcome by share of planned texts delivered",
            ("Dose", "With the outcome"),
            [tuple(row) for row in table],
            "Not a comparison of like with like: see above.",
        )
    )
