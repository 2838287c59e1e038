"""
The table is taken back to a copy of some hours before, by the command that does it on AWS.

Upstream then reports again what it had reported since, and an operator resumes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from commands.repair.restore import Restore
from tests.proofs.simulation.cloud import Dynamo
from tests.proofs.simulation.conditions import holds
from tests.proofs.simulation.items import arm_of, ident_of, is_a
from tests.proofs.simulation.model import Violation
from tests.proofs.simulation.world import Failed
from tests.support.fixture_protocol import VERSION

if TYPE_CHECKING:
    from datetime import datetime

    from commands.deployed_stack import DeployedStack
    from commands.repair.rewind import ItemKey
    from tests.proofs.simulation.cloud import Bucket, Kms
    from tests.proofs.simulation.conditions import Item
    from tests.proofs.simulation.services import Phones
    from tests.proofs.simulation.trials import Trials
    from tests.proofs.simulation.upstream import Upstream
    from tests.proofs.simulation.world import World

_IDS = {
    "Table": "trial",
    "AuditBucket": "audit",
    "AllocationFunction": "allocation",
    "AllocationKey": "allocation",
    "ReceiptsFunction": "receipts",
    "DeliveryLogs": "delivered",
    "DeliveryFailureLogs": "undelivered",
}
_MAY_BE_SENT = {"planned", "scheduled", "suppressed"}


def straight(_: str, perform: Callable[[], dict[str, Any]], *_about: object) -> dict[str, Any]:
    """A gate in which nothing happens."""
    return perform()


@dataclass
class WholeTable(Dynamo):
    """The same table, as the command sees it: what it writes is announced at once."""

    def get_paginator(self, _: str) -> WholeTable:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {"Items": list(self.items())}

    def scan(self, **request: Any) -> dict[str, Any]:
        text = request["FilterExpression"]
        return {"Items": [item for item in self.items() if holds(text, item, request)]}

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        for each in request["RequestItems"]["trial"]:
            item = each.get("PutRequest", {}).get("Item")
            place = item or each["DeleteRequest"]["Key"]
            key = place["pk"]["S"], place["sk"]["S"]
            old = self.at(*key)
            self.keep(key, item)
            self.committed([(old, item)])
        return {"UnprocessedItems": {}}


@dataclass(frozen=True)
class _Watched:
    """A client of AWS."""

    client: object
    before_call: Callable[[str], None]

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*unnamed: Any, **named: Any) -> Any:
            self.before_call(operation)
            return getattr(self.client, operation)(*unnamed, **named)

        return call


@dataclass
class Restoring:
    """One restore of a simulated system."""

    world: World
    upstream: Upstream
    phones: Phones
    bucket: Bucket
    kms: Kms
    trials: Trials
    table: WholeTable
    before_call: Callable[[str], None] = lambda _: None
    """Runs before each of the command's calls of AWS, and may end the command by raising."""

    def keep(self) -> None:
        """Keep a copy of this moment, to which the table is taken back some hours later."""
        world = self.world
        copy = Restore(self.stack).copies.now()
        hours = world.rng.uniform(0, world.rng.choice((5, 30, 72)))
        world.after(hours * 3600, "a restore", partial(self.restore, copy, world.now))

    @property
    def stack(self) -> DeployedStack:
        """The deployed stack, as the command sees it."""
        clients = {
            "dynamodb": self.table,
            "kms": self.kms,
            "s3": self,
            "logs": self,
            "lambda": self,
        }
        seen = SimpleNamespace(
            ids=_IDS,
            client=lambda name: _Watched(clients[name], self.before_call),
            of_type=lambda _: {},
        )
        return cast("DeployedStack", seen)

    # --- what the command calls besides the table ------------------------------------------------

    def get_paginator(self, operation: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_object_versions(self, **_: Any) -> Iterator[dict[str, Any]]:
        objects = self.bucket.objects
        yield {"Versions": [{"Key": path, "VersionId": "first"} for path in objects]}

    def get_object(self, **request: Any) -> dict[str, Any]:
        return {"Body": BytesIO(self.bucket.objects[request["Key"]])}

    def filter_log_events(self, **request: Any) -> Iterator[dict[str, Any]]:
        logged = self.phones.logged if request["logGroupName"] == "delivered" else []
        yield {"events": [each for each in logged if each["timestamp"] >= request["startTime"]]}

    def get_function_configuration(self, **request: Any) -> dict[str, Any]:
        own = {"PROTOCOL": VERSION} | self.world.deployed.get(request["FunctionName"], {})
        return {"Environment": {"Variables": own}}

    def invoke(self, **request: Any) -> dict[str, Any]:
        try:
            self.world.invoke(request["FunctionName"], json.loads(request["Payload"]))
        except Failed:
            return {"FunctionError": "Unhandled"}
        return {}

    # --- the restore -----------------------------------------------------------------------------

    def restore(self, copy: dict[ItemKey, Item], of: datetime) -> None:
        """Take the table back and recover it, with sending paused; then upstream reports again."""
        world, upstream = self.world, self.upstream
        if world.stack or upstream.has_open_questions:
            world.after(7, "a restore waits", partial(self.restore, copy, of))
            return
        world.model.paused.sure = True
        self.trials.stay()
        upstream.report_again(of, self.finish)
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            found = list(Restore(self.stack).recovered(copy, of, world.now))
        world.counted.update(f"restored: {each.kind.name.lower()}" for each in found)
        world.counted["restores"] += 1
        self.nothing_is_forgotten()

    def finish(self) -> None:
        """Upstream has reported again."""
        self.trials.go_on()
        found = list(Restore(self.stack).finished(self.world.now))
        self.world.counted.update(f"restored: {each.kind.name.lower()}" for each in found)

    def nothing_is_forgotten(self) -> None:
        """Every arm is kept, nobody is drawn, and no text that may have gone can go."""
        model = self.world.model
        if (self.table.at("switch", "sending") or {}).get("paused") != {"BOOL": True}:
            raise Violation("only an operator resumes after a restore")
        for ident, arm in model.arms.items():
            item = self.table.at(f"allocation#{ident}", "allocation")
            if item is None or arm_of(item) != arm:
                raise Violation("a restore loses and changes no arm")
        for item in self.table.items():
            if is_a(item, "allocation") and ident_of(item) not in model.arms:
                raise Violation("a restore draws nobody")
            if is_a(item, "reminder"):
                which, state = (ident_of(item), int(item["number"]["N"])), item["state"]["S"]
                if which in model.handed and state in _MAY_BE_SENT:
                    raise Violation("what may have been sent is not to be sent after a restore")
                if state == "claimed":
                    model.counts_as_claimed(*which)
