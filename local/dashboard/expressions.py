"""The parts of CloudWatch's metric math and searches that the template uses."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Series: TypeAlias = dict[int, float]
"""Values by the second at which their period starts."""

_SEARCH = re.compile(
    r"(?P<total>SUM\()?SEARCH\('\{(?P<schema>[^}]+)\} MetricName=\"(?P<name>\w+)\"(?P<filters>.*)',"
    r" '(?P<stat>[^']+)', (?P<period>\d+)\)\)?"
)
_FILTER = re.compile(r' (\w+)=\((".*?")\)')
_SIGNS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


class Search(NamedTuple):
    """A search for a name's metrics with exactly these dimensions, and some of their values."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    allowed: dict[str, set[str]]
    stat: str
    period: int
    summed: bool

    @classmethod
    def of(cls, expression: str) -> Self:
        """The search in an expression. Raises ValueError if it is not such a search."""
        found = _SEARCH.fullmatch(expression)
        if not found:
            raise ValueError(f"not a search: {expression}")
        namespace, *dimensions = found["schema"].split(",")
        return cls(
            namespace,
            found["name"],
            frozenset(dimensions),
            {
                name: {each.strip('"') for each in values.split(" OR ")}
                for name, values in _FILTER.findall(found["filters"])
            },
            found["stat"],
            int(found["period"]),
            found["total"] is not None,
        )


def evaluate(expression: str, inputs: Mapping[str, Series], times: Iterable[int]) -> Series:
    """The expression at each of these times; empty if no input has a value at any of them."""
    tree = ast.parse(expression.replace(" AND ", " and "), mode="eval").body
    result: Series = {}
    asked = list(times)
    if not any(time in series for series in inputs.values() for time in asked):
        return result
    for time in asked:
        at = {name: series.get(time) for name, series in inputs.items()}
        if (value := _value(tree, at)) is not None:
            result[time] = value
    return result


def _value(node: ast.expr, at: Mapping[str, float | None]) -> float | None:
    """A number; None where an input is missing and the expression has no FILL for it."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return at[name]
        case ast.Call(func=ast.Name(id="FILL"), args=[metric, default]):
            value = _value(metric, at)
            return _value(default, at) if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            holds = _value(condition, at)
            return None if holds is None else _value(then if holds else otherwise, at)
        case ast.BoolOp(op=ast.And(), values=parts):
            values = [_value(part, at) for part in parts]
            return None if None in values else float(all(values))
        case (
            ast.BinOp(left=left, op=sign, right=right)
            | ast.Compare(left=left, ops=[sign], comparators=[right])
        ):
            one, other = _value(left, at), _value(right, at)
            return None if one is None or other is None else float(_SIGNS[type(sign)](one, other))
    raise ValueError(f"not understood: {ast.unparse(node)}")
