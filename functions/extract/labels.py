"""The meaning of codes that do not explain themselves."""

from __future__ import annotations

from typing import Final

from trial.codes import AgeBand, PriorIncidents, RiskGrade

LABELS: Final = {
    "cy": "Welsh",
    "en": "English",
    "W1": "White: English, Welsh, Scottish, Northern Irish or British",
    "W2": "White: Irish",
    "W3": "White: Gypsy or Irish Traveller",
    "W9": "White: any other",
    "M1": "Mixed: White and Black Caribbean",
    "M2": "Mixed: White and Black African",
    "M3": "Mixed: White and Asian",
    "M9": "Mixed: any other",
    "A1": "Asian: Indian",
    "A2": "Asian: Pakistani",
    "A3": "Asian: Bangladeshi",
    "A4": "Asian: Chinese",
    "A9": "Asian: any other",
    "B1": "Black: Caribbean",
    "B2": "Black: African",
    "B9": "Black: any other",
    "O2": "Other: Arab",
    "O9": "Other: any other",
    "NS": "would not say",
    "not_stated": "not stated or not recorded",
    "MOL": "no molestation only",
    "NC": "no contact",
    "NE": "no entry",
    "KD": "keep away",
    "NCNE": "no contact and no entry",
    "NCKD": "no contact and keep away",
    "18-24": "18 to 24",
    "25-34": "25 to 34",
    "35-44": "35 to 44",
    "45-54": "45 to 54",
    "55+": "55 and over",
    "A": "arm A",
    "B": "arm B",
    "asian": "Asian",
    "black": "Black",
    "dvpo": "Domestic Violence Protection Order",
    "dvpn": "Domestic Violence Protection Notice",
    "dapo": "Domestic Abuse Protection Order",
    "non_molestation": "non-molestation order",
    "restraining": "restraining order",
    "non_uk_number": "not a UK number",
    "in_custody_no_access": "in custody, no access",
    "lost_stolen_broken": "lost, stolen or broken",
}

ORDERED: Final = frozenset(kind.__name__ for kind in (AgeBand, PriorIncidents, RiskGrade))
"""Codes that go from less to more, as listed."""


def label(code: str) -> str:
    """A code in words, with a capital letter first."""
    words = LABELS.get(code, code.replace("_", " "))
    return words[:1].upper() + words[1:]
