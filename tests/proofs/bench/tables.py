"""One table of all that was measured, each goal with whether it is met."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from rich.table import Table

from tests.proofs.bench.cost import GOAL, prices, unconfirmed
from tests.proofs.bench.month import GOAL as GOAL_A_MONTH
from tests.proofs.bench.month import SIZES

COLD = {"enrolment": 1.7, "allocation": 1.5, "scheduling": 1.5, "sending": 1.5, "receipts": 1.5}
WARM = 1.5
LINEAR = 1.2  # for each, when there are ten times as many: what noise adds, and no more
GROWN = 16  # megabytes, from a thousand orders to the most
CALLS = {"allocation": 3, "sending": 4}

Row = tuple[str, str, str, str]


def shown(found: dict[str, Any]) -> Table:
    """The table of `build/bench.json`."""
    table = Table("what", "measured", "goal", "", title="bench")
    for rows in (_cold, _warm, _counted, _cost, _month, _scale, _nightly, _throughput, _capacity):
        table.add_section()
        for row in rows(found):
            table.add_row(*row)
    waiting = unconfirmed()
    table.caption = (
        f"prices: {len(waiting)} of {len(prices())} were not confirmed on AWS's own page: "
        + ", ".join(f"{name} ({prices()[name]['status']})" for name in waiting)
    )
    return table


def goals(found: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Each goal, and whether it is met."""
    for rows in (_cold, _warm, _counted, _cost, _month, _scale, _nightly):
        for what, _, goal, met in rows(found):
            if goal:
                yield what, met == _met(met=True)


def _cold(found: dict[str, Any]) -> Iterator[Row]:
    for function, each in found["cold"].items():
        took = f"{each['ratio']:.2f} x ({each['ours_ms']:.0f} by {each['bare_ms']:.0f} ms)"
        if most := COLD.get(function):
            yield f"cold start, {function}", took, f"{most:.2f} x", _met(met=each["ratio"] <= most)
        else:
            yield f"cold start, {function}", took, "", ""
    for function, spent in found["imports"].items():
        yield f"  imports, {function}", _listed(spent, "ms", 1), "", ""


def _warm(found: dict[str, Any]) -> Iterator[Row]:
    for act, each in found["warm"].items():
        took = f"{each['ratio']:.2f} x ({each['ours_ms']:.2f} by {each['bare_ms']:.2f} ms)"
        yield f"warm, {act}", took, f"{WARM:.2f} x", _met(met=each["ratio"] <= WARM)


def _counted(found: dict[str, Any]) -> Iterator[Row]:
    for days, acts in found["acts"].items():
        for act, each in acts["first"].items():
            counted = ", ".join(f"{n} {name}" for name, n in each["calls"].items())
            units = f"{each['reads']:g} read and {each['writes']} write units"
            goal, met = _call_goal(act, each, acts["reminders"])
            yield f"{days}, {act}", f"{counted}; {units}", goal, _met(met=met)
        yield f"{days}, stored", f"{acts['stored']:,} bytes", "", ""


def _call_goal(act: str, each: dict[str, Any], reminders: int) -> tuple[str, bool]:
    calls = each["calls"]
    writes = calls.get("dynamodb.transact_write_items", 0)
    match act:
        case "scheduling":
            made = calls["scheduler.create_schedule"]
            return "1 schedule a reminder", made == reminders
        case "allocation" | "sending":
            most = CALLS[act]
            return f"{most} calls", sum(calls.values()) <= most
        case "hand over" | "announce":
            return "1 call", sum(calls.values()) == 1
    return "1 write", writes == 1


def _cost(found: dict[str, Any]) -> Iterator[Row]:
    for days in (each for each in found["cost"] if each.endswith("days")):
        each = found["cost"][days]
        yield f"{days}, services", _listed(each["services"], "$", 6), "", ""
        for name in ("running", "infrastructure"):
            share = each[f"{name}_share"]
            took = f"{share:.2%} of the texts (${each[name]:.6f} by ${each['texts']:.4f})"
            goal = (f"{GOAL:.2%}", _met(met=share <= GOAL)) if name == "running" else ("", "")
            yield f"{days}, {name}", took, *goal
        for other, usd in each["timing"].items():
            yield f"  timing, {other}", f"${usd:.6f} an order", "", ""


def _month(found: dict[str, Any]) -> Iterator[Row]:
    for size, each in found["month"].items():
        yield f"{size}, a month", _listed(each["lines"], "$", 2), "", ""
        goal, met = "", ""
        if size == next(iter(SIZES)):
            goal, met = f"${GOAL_A_MONTH:.0f}", _met(met=each["billed"] <= GOAL_A_MONTH)
        said = f"${each['billed']:.2f} billed, ${each['list']:.2f} by the list"
        yield "  in all, beside the texts", said, goal, met
        yield "  texts", f"${each['texts']:.2f}", "", ""


def _scale(found: dict[str, Any]) -> Iterator[Row]:
    sizes = list(found["scale"])
    for act, first in found["scale"][sizes[0]].items():
        every = [found["scale"][size][act] for size in sizes]
        flat = all(each["calls"] == first["calls"] and each["writes"] == first["writes"]
                   and each["reads"] == first["reads"] for each in every)  # fmt: skip
        took = ", ".join(f"{each['ms']:.2f}" for each in every)
        each_takes = (
            f"{first['calls']:.3g} calls, {first['reads']:.3g} + {first['writes']:.3g} units"
        )
        orders = "/".join(f"{int(size):,}" for size in sizes)
        yield (
            f"{act} at {orders}",
            f"{each_takes}; {took} ms",
            "as many calls, units",
            _met(met=flat),
        )


def _nightly(found: dict[str, Any]) -> Iterator[Row]:
    every = {int(size): each for size, each in found["nightly"].items()}
    least, *_, most = every
    orders = "/".join(f"{size:,}" for size in every)
    spent = [1000 * each["seconds"] / size for size, each in every.items()]
    took = "/".join(f"{each:.2f}" for each in spent)
    yield f"extract of {orders}", f"{took} ms an order", "no more for many", _met(met=_flat(spent))
    grown = every[most]["megabytes"] - every[least]["megabytes"]
    held = "/".join(f"{each['megabytes']:.0f}" for each in every.values())
    goal = f"{GROWN:g} MB more at most"
    yield f"  memory at {orders}", f"{held} MB", goal, _met(met=grown <= GROWN)
    orders = "/".join(f"{int(size):,}" for size in found["proof"])
    calls, reads, ms = (
        [each[name] for each in found["proof"].values()] for name in ("calls", "reads", "ms")
    )
    took = f"{calls[-1]:.3g} calls, {reads[-1]:.3g} units; " + "/".join(f"{x:.2f}" for x in ms)
    met = _met(met=all(map(_flat, (calls, reads, ms))))
    yield f"proof of {orders}", f"{took} ms an order", "no more for many", met


def _throughput(found: dict[str, Any]) -> Iterator[Row]:
    if each := found["throughput"]:
        took = f"{each['orders_a_second']:.1f} orders, {each['noops_a_second']:.1f} no-ops a second"
        yield "emulator", f"{took}: {each['ratio']:.2f} x", "", ""
        took = (
            f"{each['switch_ms']:.0f} ms alone, {each['switch_in_flood_ms']:.0f} ms in a flood, "
            f"where an order took {each['enrolment_in_flood_ms']:.0f} ms"
        )
        yield "  the switch", took, "", ""


def _capacity(found: dict[str, Any]) -> Iterator[Row]:
    for each in found["capacity"][:3]:
        carries = f"{each['orders_a_day']:,.0f} orders a day; then {each['then']}"
        yield f"limit: {each['name']}", carries, "", ""


def _listed(spent: dict[str, float], unit: str, digits: int) -> str:
    def written(each: float) -> str:
        return f"${each:.{digits}f}" if unit == "$" else f"{each:.{digits}f} {unit}"

    pairs: Iterable[tuple[str, float]] = spent.items()
    return ", ".join(f"{name} {written(each)}" for name, each in pairs)


def _flat(spent: list[float]) -> bool:
    """Whether ten times as many take no more each, but for the noise."""
    return all(more <= LINEAR * few for few, more in pairwise(spent))


def _met(*, met: bool) -> str:
    return "met" if met else "not met"
