"""
Converts items between DynamoDB's form, in which each value has a type tag, and Python's.

boto3 does the conversion. It refuses floats, and returns every number as a Decimal.
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
