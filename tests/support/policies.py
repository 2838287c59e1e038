"""What IAM policies allow: as much of IAM's rules as the template needs, and no more."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Statement = dict[str, Any]
Context: TypeAlias = Mapping[str, str | Sequence[str]]
"""What IAM knows of a request, by the names of its condition keys."""


def allows(
    statements: Iterable[Statement],
    action: str,
    resource: str,
    context: Context | None = None,
) -> bool:
    """Whether a statement allows it and none denies it."""
    effects = {each["Effect"] for each in statements if covers(each, action, resource, context)}
    return effects == {"Allow"}


def covers(
    statement: Statement,
    action: str,
    resource: str,
    context: Context | None = None,
) -> bool:
    """Whether a statement, of whichever effect, is about this."""
    assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys()
    return (
        any(like(action.lower(), each.lower()) for each in listed(statement["Action"]))
        and any(like(resource, each) for each in listed(statement.get("Resource", "*")))
        and all(
            _holds(operator, wanted, (context or {}).get(name))
            for operator, tests in statement.get("Condition", {}).items()
            for name, wanted in tests.items()
        )
    )


def rights(statements: Iterable[Statement]) -> Iterator[tuple[str, str]]:
    """Each action on each resource that is allowed, one by one."""
    for each in statements:
        if each["Effect"] == "Allow":
            for action in listed(each["Action"]):
                for resource in listed(each["Resource"]):
                    yield action, resource


def listed(value: Any) -> list[Any]:
    """One or many, as many."""
    return list(value) if isinstance(value, list | tuple) else [value]


def like(given: str, pattern: str) -> bool:
    """As IAM compares: `*` is any text, `?` any one letter."""
    parts = ({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch("".join(parts), given, re.DOTALL) is not None


def _same(given: str, wanted: str) -> bool:
    return given == wanted


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "ArnEquals": like,
    "ArnLike": like,
    "Bool": _same,
    "StringEquals": _same,
    "StringLike": like,
}


def _holds(operator: str, wanted: Any, given: str | Sequence[str] | None) -> bool:
    """A condition about what is not there holds only if it is negative, or says IfExists."""
    if operator == "Null":
        return (given is None) is (wanted == "true")
    every, _, rest = operator.rpartition(":")
    positive = rest.removesuffix("IfExists").replace("Not", "")
    negative = "Not" in rest
    if given is None:
        return negative or rest.endswith("IfExists") or every == "ForAllValues"
    compared = _OPERATORS[positive]
    found = [any(compared(one, each) for each in listed(wanted)) for one in listed(given)]
    return all(found) if every == "ForAllValues" else negative is not any(found)
