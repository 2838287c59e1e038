"""4. Whether the texts went as planned, and to nobody in control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.report import periods
from evaluation.report.charts.bars import Part, columns
from evaluation.report.charts.drawing import BLUE
from evaluation.report.charts.heat import heat
from evaluation.report.parts import Method, Section
from evaluation.report.words import (
    capital,
    count,
    interval,
    named,
    number,
    of,
    percent,
    plural,
)  # fmt: skip
from trial.codes import ReminderState

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from trial.protocol.settings import Protocol

STATES: Final = (
    ReminderState.DELIVERED,
    ReminderState.UNDELIVERED,
    ReminderState.UNCONFIRMED,
    ReminderState.SENT,
    ReminderState.SUPPRESSED,
    ReminderState.FAILED,
    ReminderState.UNKNOWN,
    ReminderState.PLANNED,
)
_STILL_TO_COME: Final = (ReminderState.SCHEDULED, ReminderState.CLAIMED)
_DOSE: Final = (
    *("planned", "sent", "delivered", "undelivered", "unconfirmed"),
    *("suppressed", "failed", "unknown"),
)
_TENTHS: Final = 10
METHOD = Method(
    "Fidelity: dose planned, sent and received",
    "Intervention delivery, CONSORT 2025, item 24a: Hopewell and others (2025), "
    "https://doi.org/10.1136/bmj-2024-081123",
)


def section(cohort: Cohort) -> Section:
    """The dose by arm. Repeats count too, because nobody in control may ever get a text."""
    found = Section(
        "fidelity", "Fidelity: were the texts sent and received?", consort="24a", methods=[METHOD]
    )
    control, treated = (
        cohort.allocated[cohort.allocated["arm"] == arm] for arm in cohort.extract.arms
    )
    crossed = control[(control[["planned", "sent"]].fillna(0) > 0).any(axis=1)]
    untreated = treated[treated["planned"].fillna(0) == 0]
    reminders = cohort.extract.reminders
    strays = reminders[~reminders["enrolment"].isin(treated["enrolment"])]
    found.figures = {
        "control": len(control),
        "intervention": len(treated),
        "crossovers_to_texts": len(crossed),
        "crossovers_to_none": len(untreated),
        "reminders_of_control": len(strays),
        "dose": _dose(treated),
    }
    _say_crossovers(found)
    if treated.empty or reminders.empty:
        found.say("No texts have been planned yet.")
        return found
    _show_heat(found, reminders.drop(strays.index), len(control))
    _show_dose(found, treated)
    periods.show(found, reminders, cohort.allocated, cohort.extract.protocol)
    _show_suppressed(found, reminders, cohort.extract.protocol)
    return found


def _dose(treated: pd.DataFrame) -> dict[str, Any]:
    totals = {name: int(treated[name].fillna(0).sum()) for name in (*_DOSE, "parts")}
    hours = treated["hours_to_first_text"].dropna()
    quartiles = [float(hours.quantile(q)) for q in (0.25, 0.5, 0.75)] if len(hours) else None
    return totals | {"hours_to_first_text": quartiles, "with_a_text": len(hours)}


def _say_crossovers(found: Section) -> None:
    figures = found.figures
    wrong = figures["crossovers_to_texts"] + figures["reminders_of_control"]
    found.say(
        f"Of {plural(figures['control'], 'allocation')} to control, "
        f"{count(figures['crossovers_to_texts'])} had a text planned or sent; none should. "
        f"Of {plural(figures['intervention'], 'allocation')} to intervention, "
        f"{count(figures['crossovers_to_none'])} had no timetable.",
        "warning" if wrong or figures["crossovers_to_none"] else "plain",
    )
    if wrong:
        found.departures.append(
            f"{plural(figures['crossovers_to_texts'], 'person', 'people')} in control had texts "
            "planned or sent. They are analysed in control, as allocated."
        )


def _show_heat(found: Section, reminders: pd.DataFrame, control: int) -> None:
    state = reminders["state"].replace(dict.fromkeys(_STILL_TO_COME, ReminderState.PLANNED))
    states = [each for each in STATES if (state == each).any()]
    rows, shares, texts = ["control"], [[0.0] * len(states)], [["0"] * len(states)]
    figures = {}
    for place in sorted(set(reminders["number"])):
        those = reminders[reminders["number"] == place]
        n = len(those)
        counts = [int((state[those.index] == each).sum()) for each in states]
        figures[int(place)] = {"reminders": n} | dict(zip(map(str, states), counts, strict=True))
        rows.append(f"text {place} (n={n:,})")
        shares.append([each / n for each in counts])
        texts.append([percent(each / n, 0) if each else "0" for each in counts])
    found.figures["by_reminder"] = figures
    found.picture(
            "What became of each text",
            heat(
                "Heat map of texts by number and state: control got none; in the intervention arm "
                + "; ".join(f"{rows[i]} {texts[i][0]} {states[0]}" for i in range(1, len(rows))),
                rows, [named(each) for each in states], shares, texts,
                "Intervention by reminder; control as a whole",
            ),
            "Each row adds up to 100% of the texts with that number (n), repeat orders included. "
            "Only longer orders have the later texts. Control: "
        f"{plural(control, 'allocation')}, no text.",
        )  # fmt: skip


def _show_dose(found: Section, treated: pd.DataFrame) -> None:
    dose = found.figures["dose"]
    planned = dose["planned"]
    hours = dose["hours_to_first_text"]
    found.table(
            "Dose in the intervention arm",
            ("Texts", "Number"),
            [
                ("Planned", count(planned)),
                *(
                    (capital(named(name)), of(dose[name], planned))
                    for name in _DOSE[1:]
                ),
                (
                    "Hours from allocation to the first text, median (quartiles)",
                    f"{number(hours[1])} ({interval(hours[0], hours[2])})" if hours else "none yet",
                ),
            ],
            "The denominator is all texts planned, including missed ones. Delivered, undelivered "
            "and unconfirmed texts are also sent texts. The hours are those of "
        f"{plural(dose['with_a_text'], 'person', 'people')}.",
        )  # fmt: skip
    with_plan = treated[treated["planned"].fillna(0) > 0]
    shares = (with_plan["delivered"] / with_plan["planned"]).astype("float64").clip(0, 1)
    tenths = (shares * _TENTHS).astype(int).clip(upper=_TENTHS - 1)
    counts = [int((tenths == tenth).sum()) for tenth in range(_TENTHS)]
    found.figures["people_by_tenth_delivered"] = counts
    found.picture(
        "How much of the planned dose people received",
        columns(
            "Columns of people by the share of their planned texts that was delivered: "
            + ", ".join(f"{10 * i} to {10 * i + 10}%: {n}" for i, n in enumerate(counts)),
            [f"{10 * i}\N{EN DASH}{10 * i + 10}%" for i in range(_TENTHS)],
            [Part("people in the intervention arm", BLUE, counts)],
            "Share of planned texts delivered",
        ),
        f"{plural(len(with_plan), 'allocation')} with a timetable.",
    )


def _show_suppressed(found: Section, reminders: pd.DataFrame, protocol: Protocol) -> None:
    kept = reminders[reminders["state"].isin([ReminderState.SUPPRESSED, ReminderState.UNDELIVERED])]
    why = (kept["state"] + ":" + kept["reason"].replace("", "not_said")).value_counts()
    found.figures["reasons"] = {str(each): int(n) for each, n in why.items()}
    if len(kept):
        found.table(
            "Why texts were not sent, or did not arrive",
            ("Reason", "Texts"),
            [
                (capital(named(reason).replace(":", ": ")), of(n, len(reminders)))
                for reason, n in found.figures["reasons"].items()
            ],
            "Of all texts planned.",
        )
    themes = {
        theme: reminders[reminders["theme"] == theme]
        for theme in dict.fromkeys(
            plan.theme for each in protocol.orders.values() for plan in each.themes
        )
        if (reminders["theme"] == theme).any()
    }
    found.figures["themes"] = {
        str(theme): {"planned": len(those), "delivered": _delivered(those)}
        for theme, those in themes.items()
    }
    found.table(
        "Delivered, by theme",
        ("Theme", "Delivered, of planned"),
        [
            (capital(named(theme)), of(_delivered(those), len(those)))
            for theme, those in themes.items()
        ],
    )


def _delivered(reminders: pd.DataFrame) -> int:
    return int((reminders["state"] == ReminderState.DELIVERED).sum())
