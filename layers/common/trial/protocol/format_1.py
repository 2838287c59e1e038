"""
The first format of protocol files, kept for `dvpo-2026-1` and allowed for no other.

It has one type of order, one language and one country. It chooses wordings by four codes, and
withholds one theme once a breach is reported.
"""

from collections.abc import Mapping
from typing import Any, Final

_ADDRESS: Final = ("no_entry", "leave_premises", "keep_distance")
_VARIANTS: Final = {
    "conditions": (
        *((("no_contact", each), "NCNE") for each in _ADDRESS),
        (("no_contact",), "NC"),
        *(((each,), "NE") for each in _ADDRESS),
        ((), "MOL"),
    ),
    "meaning": ((("no_contact",), "NC"), *(((each,), "NE") for each in _ADDRESS), ((), "MOL")),
}


def upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """The content of such a file, converted to the current format."""
    rest = {key: each for key, each in data.items() if key not in ("cadence", "themes", "wordings")}
    cadence, themes = data["cadence"], data["themes"]
    wording = {plan["theme"]: plan["wording"] for plan in themes}
    dvpo = {
        "title": "Domestic Violence Protection Order",
        "shortest_days": cadence["shortest"],
        "longest_days": cadence["longest"],
        "conditions": ["no_molestation", "no_contact", "no_eviction", *_ADDRESS],
        "always": ["no_molestation"],
        "breach": "civil_contempt",
        "instrument": "dvpo",
        "follow_up_days": 365,
        "timetable": {"kind": "even", "first": cadence["first"], "per_week": cadence["per_week"]},
        "themes": themes,
        "variants": {
            wording[theme]: [
                {"needs": needs, "wording": f"{wording[theme]}-{code}"} for needs, code in choices
            ]
            for theme, choices in _VARIANTS.items()
        },
        "withheld_after_breach": ["plan"],
    }
    longest = {key: each for key, each in data["longest"].items() if key != "expiry_date"}
    # "Treated as planned" groups people by what happened after allocation: reports no longer do.
    analysis = {key: each for key, each in data["analysis"].items() if key != "per_protocol_share"}
    return rest | {
        "format": 2,
        "place": {"country": "GB", "zone": "Europe/London"},
        "longest": longest,
        "analysis": analysis,
        "orders": {"dvpo": dvpo},
        "wordings": {"en": data["wordings"]},
    }
