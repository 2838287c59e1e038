"""Reads the table's items for the model."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tests.proofs.simulation.model import Draw
from tests.proofs.simulation.trials import TRIALS

if TYPE_CHECKING:
    from tests.proofs.simulation.conditions import Item


def is_a(item: Item | None, kind: str) -> bool:
    return item is not None and item.get("kind") == {"S": kind}


def ident_of(item: Item | None) -> UUID:
    return UUID((item or {})["enrolment_id"]["S"])


def arm_of(item: Item) -> Draw:
    block, position = (item.get(name, {}).get("N") for name in ("block", "position"))
    return Draw(
        item["arm"]["S"],
        item["stratum"]["S"],
        TRIALS[item["protocol"]["S"]],
        int(block or -1),
        int(position or -1),
    )
