"""A calm story of two orders that takes every function and route through its paths."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tests.proofs.simulation.model import Facts
from tests.proofs.simulation.run import Simulation

if TYPE_CHECKING:
    from collections.abc import Callable

_SEED = 0  # in which the first is drawn to intervention, the second to control


def story() -> Simulation:
    """
    Two orders on a day for which one is expected, and every report about the first.

    The second is held, then admitted. Nothing fails.
    """
    simulation = Simulation(_SEED)
    simulation.world.orders_per_day = 1
    world, upstream = simulation.world, simulation.upstream
    world.weather.clears()
    upstream.eager = 0  # no reports but this story's
    first, day = world.now, timedelta(days=1)
    facts = partial(
        Facts,
        made_on=first.date(),
        expires_on=first.date() + 13 * day,
        conditions=frozenset({"no_molestation"}),
        protected=frozenset({"+447700900999"}),
    )
    served = first.date()
    eventful = upstream.order(facts("P1", served_on=None, number=None), first)
    upstream.order(facts("P2", served_on=served, number="+447700900002"), first + 0.02 * day)

    def told(days: float, tell: Callable[..., None], *what: object, **more: object) -> None:
        world.at(first + days * day, "the story goes on", partial(tell, *what, **more))

    def number(given: str | None) -> None:
        ask_again = {"follow_up_on": f"{(first + 9 * day).date()}"}
        body = {"number": given} if given else {"missing_reason": "lost_stolen_broken"} | ask_again
        upstream.change(eventful, "mobile", body, number=given)

    body = {"served_on": f"{served}"}
    told(0.005, upstream.change, eventful, "service", body, served_on=served)
    told(0.01, number, "+447700900001")
    told(0.015, upstream.correct, eventful, ("no_molestation", "no_contact"), served + 16 * day)
    told(2.1, upstream.outcome, eventful, "breach")
    told(3.1, upstream.end, eventful, "in_custody")
    told(4.9, upstream.resume, eventful)
    told(6.1, upstream.switch, paused=True)
    told(8.5, upstream.switch, paused=False)
    told(9.1, number, None)
    told(11.1, number, "+447700900004")
    told(12.1, upstream.suppress, "+447700900998")
    told(13.9, upstream.end, eventful, "quashed")
    return simulation
