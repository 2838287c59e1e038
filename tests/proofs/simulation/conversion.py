"""What boto3's converter of items does, in less time: a seed converts 100,000 values."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_typed: Any = TypeSerializer().serialize
_untyped: Any = TypeDeserializer().deserialize


def typed(value: object) -> Any:
    """A value with its type's tag."""
    if type(value) is str:
        return {"S": value}
    if type(value) is dict:
        return {"M": {name: typed(each) for name, each in value.items()}}
    if type(value) is list:
        return {"L": [typed(each) for each in value]}
    return _typed(value)


def untyped(value: Any) -> Any:
    """A value without its type's tag."""
    ((kind, held),) = value.items()
    if kind == "S":
        return held
    if kind == "M":
        return {name: untyped(each) for name, each in held.items()}
    if kind == "L":
        return [untyped(each) for each in held]
    return _untyped(value)
