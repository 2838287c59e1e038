"""The extract's tables as text, and what happened to each order's person in its window."""

import csv
import gzip
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.evaluation.second.formulas import Arms

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

HARMS = ("wrong_recipient", "disclosure", "complaint", "threat", "other")
SENT = ("sent", "delivered", "undelivered", "unconfirmed")
CAME_OF_TEXTS = ("wrong_number", "safety_stop", "objection_upheld")


class TextTables:
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
