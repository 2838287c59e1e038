"""The parts of a transaction: keys, conditions and acts. Independent of boto3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Key(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Check:
    """A condition with a name, by which a refusal reports it."""

    name: str
    text: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Act:
    """One part of a transaction."""

    operation: str
    key: Key
    expression: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    item: Mapping[str, Any] = field(default_factory=dict)
    condition: Check | None = None


ABSENT = "attribute_not_exists(#pk)"


def put(key: Key, item: Mapping[str, Any], condition: Check | None = None) -> Act:
    """Write the whole item."""
    return Act("Put", key, item=item, condition=condition)


def update(
    key: Key,
    *,
    condition: Check,
    remove: Iterable[str] = (),
    **attributes: Any,  # noqa: ANN401 - whatever an attribute may hold
) -> Act:
    """Set and remove attributes of an item that meets the condition."""
    text = "SET " + ", ".join(f"#{name} = :set_{name}" for name in attributes)
    if gone := ", ".join(f"#{name}" for name in remove):
        text += f" REMOVE {gone}"
    values = {f"set_{name}": value for name, value in attributes.items()}
    return Act("Update", key, expression=text, values=values, condition=condition)


def count(key: Key, kind: str, by: int, condition: Check | None = None) -> Act:
    """Add to the attribute `counted` of a counter item, which starts at 0."""
    values = {"kind": kind, "by": by}
    return Act("Update", key, "SET #kind = :kind ADD #counted :by", values, condition=condition)


def check(key: Key, condition: Check) -> Act:
    """Write nothing, but refuse the transaction unless the condition holds."""
    return Act("ConditionCheck", key, condition=condition)


def delete(key: Key, condition: Check | None = None) -> Act:
    """Remove the item."""
    return Act("Delete", key, condition=condition)
