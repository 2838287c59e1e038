"""Checks an order against the protocol; an error names the field at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.api.problems import FieldError

if TYPE_CHECKING:
    from collections.abc import Collection

    from trial.codes import Condition, Language
    from trial.protocol.settings import Protocol
    from trial.protocol.term import Term


def refuse_impossible(protocol: Protocol, term: Term, conditions: Collection[Condition]) -> None:
    """Raise FieldError if an order of this type cannot have this length or these conditions."""
    name = term.order_type
    if name not in protocol.orders:
        has = ", ".join(protocol.orders)
        raise FieldError("type", f"is none of this trial's types of order: {has}")
    order_type = protocol.orders[name]
    if term.days is not None and term.days < 1:
        raise FieldError("expires_on", "is before made_on")
    if problem := order_type.why_not_days(term.days):
        raise FieldError("expires_on", f"{problem} ({name})")
    for condition in order_type.always:
        if condition not in conditions:
            reason = f"must hold {condition}, as every {name} does"
            raise FieldError("conditions", reason)
    for condition in conditions:
        if condition not in order_type.conditions:
            reason = f"holds what no {name} can: it may hold {', '.join(order_type.conditions)}"
            raise FieldError("conditions", reason)


def refuse_language(protocol: Protocol, language: Language) -> None:
    """Raise FieldError if the protocol has no texts in this language."""
    if language not in protocol.wordings:
        has = ", ".join(protocol.wordings)
        raise FieldError("language", f"is none of those that this trial texts in: {has}")
