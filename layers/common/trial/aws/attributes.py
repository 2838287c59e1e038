"""
Items as DynamoDB's API has them, each value under its type, and as Python has them.

Only the types that items are made of: JSON, without fractions. boto3 does this for all types,
but to import it takes a fifth of a cold start, and botocore makes the same clients.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item to be stored; what is None is not, for absence says the same."""
    return {name: typed(value) for name, value in item.items() if value is not None}


def plain(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A stored item; its numbers are decimals."""
    return {name: _untyped(value) for name, value in raw.items()}


def typed(value: object) -> dict[str, Any]:
    """One value under its type."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case Mapping():
            return {"M": {name: typed(each) for name, each in value.items()}}
        case list() | tuple():
            return {"L": [typed(each) for each in value]}
    raise TypeError(f"items hold no {type(value).__name__}")


def _untyped(raw: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever an attribute may hold
    ((kind, value),) = raw.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return Decimal(value)
        case "NULL":
            return None
        case "M":
            return plain(value)
        case "L":
            return [_untyped(each) for each in value]
    raise TypeError(f"items hold no attributes of type {kind}")
