"""
Adds `dynamodb:LeadingKeys`, the partitions that a request names, to the emulator's IAM.

Without it every condition on that key would hold, and a role could read partition families that
AWS denies it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONDITION_KEY = "dynamodb:LeadingKeys"
PARTITION_KEY = "pk"
PARTS = ("ConditionCheck", "Put", "Update", "Delete", "Get")


class PartOfTransaction(str):
    """The action of one part of a transaction: IAM evaluates it against that part's own key."""

    __slots__ = ("keys",)
    keys: list[str]


def install(actions: Any, evaluator: Any) -> None:  # noqa: ANN401 - modules of the emulator
    """Patch these modules of the emulator so that policies see the partitions."""
    context_of, checks_of = actions.dynamodb_service_context, actions.dynamodb_transaction_checks
    enforce: Callable[..., object] = evaluator.enforce

    def with_keys(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        named = list(leading_keys(json.loads(body or b"{}")))
        return context | ({CONDITION_KEY: named} if named else {})

    def each_with_its_key(action: str, body: bytes, *more: str) -> list[tuple[str, str]]:
        checks: list[tuple[str, str]] = checks_of(action, body, *more)
        if not checks:
            return []
        parts = json.loads(body)["TransactItems"]
        keys = [list(_of_an_item(part[kind])) for part in parts for kind in PARTS if kind in part]
        return [(_part(each, own), arn) for (each, arn), own in zip(checks, keys, strict=True)]

    def enforced(access_key: str, action: str, *more: object, **named: object) -> object:
        if isinstance(action, PartOfTransaction):
            known: Any = named.get("service_context") or {}
            named["service_context"] = {**known, CONDITION_KEY: action.keys}
        return enforce(access_key, action, *more, **named)

    actions.dynamodb_service_context = with_keys
    actions.dynamodb_transaction_checks = each_with_its_key
    evaluator.enforce = enforced


def leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """The partitions of the table that a request names; none for an index or a scan."""
    for asked in (request.get("RequestItems") or {}).values():
        for key in asked["Keys"] if isinstance(asked, dict) else map(_written, asked):
            yield from _of_an_item({"Key": key})
    if "KeyConditionExpression" in request and "IndexName" not in request:
        yield from _asked(request)
    yield from _of_an_item(request)


def _of_an_item(request: dict[str, Any]) -> Iterator[str]:
    key = request.get("Item") or request.get("Key") or {}
    if PARTITION_KEY in key:
        yield key[PARTITION_KEY]["S"]


def _written(write: dict[str, Any]) -> dict[str, Any]:
    (request,) = write.values()
    key: dict[str, Any] = request.get("Item") or request["Key"]
    return key


def _asked(query: dict[str, Any]) -> Iterator[str]:
    names = query.get("ExpressionAttributeNames") or {}
    for name, value in re.findall(r"(#?\w+) *= *(:\w+)", query["KeyConditionExpression"]):
        if names.get(name, name) == PARTITION_KEY:
            yield query["ExpressionAttributeValues"][value]["S"]


def _part(action: str, keys: list[str]) -> PartOfTransaction:
    part = PartOfTransaction(action)
    part.keys = keys
    return part
