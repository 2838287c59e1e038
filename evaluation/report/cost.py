"""10. What the texts cost, and what it costs to prevent a breach by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.cohort import by_arm, followed
from evaluation.report.charts.bars import Bar, bars
from evaluation.report.charts.drawing import BLUE
from evaluation.report.parts import Method, Section
from evaluation.report.words import estimate_heading, estimate_text, of, plural, pounds
from evaluation.statistics.costs import cost_per_event_prevented, cost_per_order
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import NotEstimable
from trial.codes import ReminderState

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from trial.protocol.plan import Costs

METHODS: Final = [
    Method(
        "Cost per person prevented: interval of a ratio (MOVER-R)",
        "Donner and Zou (2012), Statistical Methods in Medical Research 21:347-359",
    ),
]
_TAKEN: Final = (
    ReminderState.SENT,
    ReminderState.DELIVERED,
    ReminderState.UNDELIVERED,
    ReminderState.UNCONFIRMED,
)
_UNITS: Final = {
    "text_part_pence": ("One text part without a receipt", "pence"),
    "infrastructure_pence_per_order": ("Infrastructure, per treated order", "pence"),
    "staff_minutes_per_order": ("Staff time, per treated order", "minutes"),
    "staff_pence_per_hour": ("Staff, per hour", "pence"),
    "breach_pence": ("One breach, to the police", "pence"),
}


def section(cohort: Cohort) -> Section:
    """Costs per treated order and per person prevented from the primary outcome."""
    protocol = cohort.extract.protocol
    plan, costs = protocol.analysis, protocol.costs
    found = Section("cost", "Costs", methods=METHODS)
    rows = followed(cohort, plan.primary)
    treated = rows[rows["treated"].astype(bool)]
    texts, unpriced = _text_pence(cohort, treated)
    each = cost_per_order(
        text_pence=texts,
        infrastructure_pence=costs.infrastructure_pence_per_order.value,
        staff_minutes=costs.staff_minutes_per_order.value,
        staff_pence_per_hour=costs.staff_pence_per_hour.value,
    )
    found.figures = {"per_order": each, "texts_without_price": unpriced, "treated": len(treated)}
    if isinstance(each, NotEstimable):
        found.say(f"The cost per treated order is {each}.", "note")
        _show_sources(found, costs)
        return found
    counts = by_arm(rows)
    fixed = each.infrastructure + each.staff
    prevented = cost_per_event_prevented(
        cost_pence=texts + fixed,
        intervention=counts.intervention,
        control=counts.control,
        alpha=plan.alpha,
    )
    difference = risk_difference(*counts, alpha=plan.alpha)
    found.figures |= {"per_person_prevented": prevented, "risk_difference": difference}
    found.say(
        f"Texting costs {pounds(each.total)} per treated order. The cost of preventing the primary "
        f"outcome in one person is {estimate_text(prevented, pounds)}."
    )
    found.picture(
        "Cost of one treated order",
        bars(
            f"Texts {pounds(each.texts)}, infrastructure {pounds(each.infrastructure)}, staff "
            f"{pounds(each.staff)}.",
            [
                Bar("texts", each.texts, pounds(each.texts)),
                Bar("infrastructure", each.infrastructure, pounds(each.infrastructure)),
                Bar("staff time", each.staff, pounds(each.staff)),
            ],
            BLUE,
        ),
        f"Mean of {plural(len(treated), 'order')} in the intervention arm, first orders only.",
    )
    breach = costs.breach_pence.value
    table = [
        ("Cost of a treated order", pounds(each.total)),
        ("Cost of preventing the outcome in one person", estimate_text(prevented, pounds)),
    ]
    if not isinstance(difference, NotEstimable):
        saved = [-end * breach - each.total for end in difference]
        found.figures["net_saving_per_order"] = [saved[0], saved[2], saved[1]]
        table.append(
            (
                f"Net saving per treated order, at {pounds(breach)} per breach",
                f"{pounds(saved[0])} ({pounds(saved[2])} to {pounds(saved[1])})",
            )
        )
    found.table(
        "Costs and what they buy",
        ("Measure", estimate_heading(plan.alpha)),
        table,
        f"{of(len(treated), len(rows))} people were randomised to texts. The receipts of "
        f"{plural(unpriced, 'text')} have no price, so the protocol's price is used.",
        words=True,
    )
    _show_sources(found, costs)
    return found


def _text_pence(cohort: Cohort, treated: pd.DataFrame) -> tuple[pd.Series[float], int]:
    """The cost of each treated person's texts, and the number of texts with an assumed price."""
    reminders = cohort.extract.reminders
    taken = reminders[reminders["state"].isin(_TAKEN)]
    assumed = cohort.extract.protocol.costs.text_part_pence.value
    prices = taken["price_pence"].astype("float64")
    sums = prices.fillna(assumed).groupby(taken["enrolment"]).sum()
    unpriced = prices.isna() & taken["enrolment"].isin(treated["enrolment"])
    return treated["enrolment"].map(sums).fillna(0.0).astype("float64"), int(unpriced.sum())


def _show_sources(found: Section, costs: Costs) -> None:
    found.table(
        "Where the figures come from",
        ("Figure", "Value", "Source"),
        [
            (label, f"{getattr(costs, name).value:,g} {unit}", getattr(costs, name).source)
            for name, (label, unit) in _UNITS.items()
        ],
        "The protocol sets these figures. The prices of texts are those in the carrier's receipts.",
        words=True,
    )
