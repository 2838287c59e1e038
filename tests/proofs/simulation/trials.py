"""A re-run: the open trial is closed and another opened, of which each function learns in turn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.proofs.simulation.model import Violation
from tests.proofs.simulation.world import FUNCTIONS
from tests.support.fixture_protocol import AGREED, VERSION
from tests.support.samples import sample
from trial.protocol.load import path_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proofs.simulation.world import World

AGAIN = "again-1"
TRIALS = {VERSION: AGREED.trial, AGAIN: "again"}
"""The trial that each version of the protocol opens."""

_PATH = path_of(VERSION)
_ROLLOUT = 120  # seconds, within which the last function has its new settings


@cache
def folder() -> TemporaryDirectory[str]:
    """The fixture's protocol, and the same for another trial. Removed when the process ends."""
    made, text = TemporaryDirectory(), _PATH.read_text()
    renamed = text.replace(f'version = "{VERSION}"', f'version = "{AGAIN}"').replace(
        f'trial = "{TRIALS[VERSION]}"', f'trial = "{TRIALS[AGAIN]}"'
    )
    for version, content in ((VERSION, text), (AGAIN, renamed)):
        Path(made.name, f"{version}.toml").write_text(content)
    return made


@dataclass
class Trials:
    """Which trial is open: at first the fixture's."""

    world: World
    kept: dict[str, dict[str, str]] | None = None
    """While a restore is under way: the functions' settings from before it."""

    def stay(self) -> None:
        """While a restore is under way, operators neither close nor open a trial for new orders."""
        self.kept = dict(self.world.deployed)

    def open_again(self, trial: str) -> None:
        """Open the trial of a lost order, so that it can be posted again."""
        (version,) = (version for version, opened in TRIALS.items() if opened == trial)
        for function in FUNCTIONS:
            self.world.deployed[function] = {"PROTOCOL": version, "TAKES_ORDERS": "true"}

    def go_on(self) -> None:
        """The restore is finished."""
        self.world.deployed = self.kept or {}
        self.kept = None

    def _once_restored(self, act: Callable[[], None]) -> bool:
        """Whether a restore is under way, so that it is done later."""
        if self.kept is not None:
            self.world.after(600, "", act)
        return self.kept is not None

    def close(self) -> None:
        """It takes no more orders. Another is opened at once, or somewhat later."""
        if self._once_restored(self.close):
            return
        self.world.deployed["enrolment"] = {"PROTOCOL": VERSION, "TAKES_ORDERS": "false"}
        wait = self.world.rng.choice((0, 600, 86400))
        self.world.after(wait, "another trial is opened", self.open)

    def open(self) -> None:
        """Each function has the new protocol a moment sooner or later."""
        if self._once_restored(self.open):
            return
        for function in FUNCTIONS:
            reaches = partial(self._reaches, function)
            self.world.after(self.world.rng.uniform(0, _ROLLOUT), "", reaches)

    def _reaches(self, function: str) -> None:
        if self._once_restored(partial(self._reaches, function)):
            return
        self.world.deployed[function] = {"PROTOCOL": AGAIN, "TAKES_ORDERS": "true"}

    def counted_apart(self) -> None:
        """The reports count each order, and each draw, in its own trial."""
        world, model = self.world, self.world.model
        world.script = lambda *_: None
        for version, trial in TRIALS.items():
            world.deployed["operations"] = {"PROTOCOL": version}
            path = "/reports/flow"
            event = {"httpMethod": "GET", "path": path, "resource": path, "body": None}
            answer = world.invoke("operations", sample("api-enrol") | event, label=f"GET {path}")
            flow = json.loads(answer["body"])
            taken_in = list(model.trials.values()).count(trial)
            drawn = [each.trial for each in model.arms.values()].count(trial)
            if (flow["enrolled"], flow["randomised"]) != (taken_in, drawn):
                raise Violation(f"{trial} counts {flow}, not {taken_in} and {drawn}")
