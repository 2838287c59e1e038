"""The digest of every morning: its time, and its permitted content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.proofs.simulation.model import Violation
from trial.records.enrolment import WORKLIST

if TYPE_CHECKING:
    from tests.proofs.simulation.cloud import Dynamo
    from tests.proofs.simulation.services import Lambda
    from tests.proofs.simulation.upstream import Upstream
    from tests.proofs.simulation.world import World

_DAY = timedelta(days=1)
_DISCLOSED = {"S": "digest disclosed"}
_REFERENCE = re.compile(r"DVPO-\d{6}")


@dataclass
class Mornings:
    """The digest's daily schedule, and its topic."""

    world: World
    run: Lambda
    dynamo: Dynamo
    upstream: Upstream

    def come(self) -> None:
        """One morning, and the next; but a digest of nobody is not worth a simulation."""
        world = self.world
        if self.dynamo.indexes["worklist"].get(WORKLIST):
            world.note("digest")
            self.run.invoke("digest", {})
        world.at(world.now + _DAY, "", self.come)

    def published(self, request: dict[str, Any]) -> dict[str, Any]:
        """A message to a superintendent has arrived."""
        self.world.counted["digests"] += 1
        text = f"{request['Subject']} {request['Message']} {request['MessageAttributes']}"
        self.world.model.left(text, by_email=True)
        references = {each["reference"]: ident for ident, each in self.upstream.orders.items()}
        for reference in _REFERENCE.findall(text):
            trail = self.dynamo.partitions.get(f"audit#{references[reference]}", {}).values()
            if not any(each.get("what") == _DISCLOSED for each in trail):
                raise Violation("what a digest names is in the trail before it goes")
        return {"MessageId": "digest"}
