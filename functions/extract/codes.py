"""Codes that only the extract has, such as groups of ethnicities."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from trial.codes import Condition, EndReason, Failure, Suppression

if TYPE_CHECKING:
    from collections.abc import Collection

    from trial.codes import Ethnicity


COMES_OF_TEXTS: Final = frozenset(
    {EndReason.WRONG_NUMBER, EndReason.SAFETY_STOP, EndReason.OBJECTION_UPHELD}
)
"""Ends that only texts can cause, so they reveal the arm. The order itself stays in force."""


class Form(StrEnum):
    """The form of a package: `blinded` hides which arm is which, and everything that reveals it."""

    BLINDED = "blinded"
    UNBLINDED = "unblinded"


class Label(StrEnum):
    """The blinded form's names of the two arms."""

    A = "A"
    B = "B"


class Group(StrEnum):
    """Self-defined ethnicity in the census's groups; `not_stated` also where none is recorded."""

    WHITE = "white"
    MIXED = "mixed"
    ASIAN = "asian"
    BLACK = "black"
    OTHER = "other"
    NOT_STATED = "not_stated"


class ResolvedHow(StrEnum):
    """How a number was found. Other words from upstream are not extracted: they become `other`."""

    PROPERTY_RETURNED = "property_returned"
    PROBATION = "probation"
    OFFICER_VISIT = "officer_visit"
    SOLICITOR = "solicitor"
    OTHER = "other"


class Refused(StrEnum):
    """SNS refused the request. The codes of its refusals may change, so they count as one."""

    REFUSED = "refused"


ReminderReason = Suppression | Failure | Refused
"""Why a reminder was not sent, was not delivered, or was refused."""


_GROUPS: Final = {
    "W": Group.WHITE,
    "M": Group.MIXED,
    "A": Group.ASIAN,
    "B": Group.BLACK,
    "O": Group.OTHER,
    "N": Group.NOT_STATED,
}


def group_of(ethnicity: Ethnicity | Group) -> Group:
    """The group that a code of the 18+1 classification belongs to; of a group, itself."""
    return ethnicity if isinstance(ethnicity, Group) else _GROUPS[ethnicity[0]]


def resolved_how(words: str | None) -> ResolvedHow | None:
    """The code for how a number was found, however upstream spells it."""
    if words is None:
        return None
    word = "_".join(words.lower().replace("-", " ").replace("_", " ").split())
    return ResolvedHow(word) if word in set(ResolvedHow) else ResolvedHow.OTHER


class Variant(StrEnum):
    """What an order forbids: molestation only, also contact, also coming near, or both."""

    MOL = "MOL"
    NC = "NC"
    NE = "NE"
    NCNE = "NCNE"


_AWAY: Final = {
    Condition.NO_ENTRY,
    Condition.LEAVE_PREMISES,
    Condition.KEEP_DISTANCE,
    Condition.NO_APPROACH,
}


def variant_of(conditions: Collection[Condition]) -> Variant:
    """The variant of an order with these conditions."""
    away = not _AWAY.isdisjoint(conditions)
    if Condition.NO_CONTACT in conditions:
        return Variant.NCNE if away else Variant.NC
    return Variant.NE if away else Variant.MOL
