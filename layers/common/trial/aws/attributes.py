"""
Items as DynamoDB's API has them, each value under its type, and as Python has them.

boto3 does the work. It refuses fractions, and a number comes back as a decimal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

if TYPE_CHECKING:
    from collections.abc import Mapping

typed = TypeSerializer().serialize
_untyped = TypeDeserializer().deserialize


def wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item in DynamoDB's form, without the fields that are None."""
    return {name: typed(value) for name, value in item.items() if value is not None}


def plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The stored item in Python's form."""
    return {name: _untyped(value) for name, value in raw.items()}
