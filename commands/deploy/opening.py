"""Decides whether a deployment may open or close a trial."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from commands.audit import registration
from commands.deploy.approvals import to_be_deployed
from trial.errors import RejectedError
from trial.protocol.load import load, versions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from mypy_boto3_cloudformation.type_defs import StackTypeDef


_TAKES: Final = "TakesOrders"


def refuse_closing(
    given: Mapping[str, str], found: StackTypeDef | None, closes: str | None
) -> str | None:
    """
    The trial that the deployment closes, in a sentence; None if it closes none.

    Ends the command unless `closes` names the open trial, so that nobody closes one by mistake.
    """
    if found is None or given.get(_TAKES, "true") == "true" or not _takes_orders({}, found):
        return None
    trial = _trial_of(to_be_deployed({}, found))
    if closes != trial:
        named = f"{closes} is not open: {trial} is" if closes else f"this closes the trial {trial}"
        sys.exit(f"Refused: {named}. Name the one that you mean: make close-trial TRIAL={trial}")
    return f"This closes the trial {trial} and opens no other; its orders continue in it."


def closed_but_unknown(found: StackTypeDef, declared: Collection[str]) -> bool:
    """Whether the stack's trial is closed, and a version with these parameters would open it."""
    return not _takes_orders({}, found) and _TAKES not in declared


def _takes_orders(given: Mapping[str, str], found: StackTypeDef) -> bool:
    """Whether new orders are taken once these parameters are deployed."""
    known = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
    return (known | dict(given)).get(_TAKES, "true") == "true"


def _trial_of(version: str) -> str:
    """The trial of a protocol; of one that this copy does not have, its version."""
    return load(version).trial if version in versions() else version


def refuse_unregistered(
    given: Mapping[str, str], found: StackTypeDef | None, deposit: Path | None
) -> str | None:
    """
    The trials that open and close, in a sentence; None if the open trial stays open.

    Ends the command unless the trial to be opened was registered with its present protocol, even
    if it was open before. The earlier trial closes: it accepts no more orders, and its existing
    orders continue in it to their end.
    """
    if found is None:
        return None  # the key is made with the stack: its trial is registered before any order
    protocol = load(to_be_deployed(given, found))
    before = _trial_of(to_be_deployed({}, found))
    reopens = _takes_orders(given, found) and not _takes_orders({}, found)
    if protocol.trial == before and not reopens:
        return None
    opens = f"This opens the trial {protocol.trial}"
    if protocol.trial != before:
        opens += f", and closes {before} for new orders"
    if deposit is None:
        sys.exit(
            f"Refused: {opens[:1].lower()}{opens[1:]}. Register it first (make register "
            f"PROTOCOL={protocol.version}), and say where: make open-trial "
            f"PROTOCOL={protocol.version} DEPOSIT=.../registration.json"
        )
    try:
        registered = registration.read(deposit.read_text(encoding="utf-8"))
    except (OSError, RejectedError) as error:
        sys.exit(f"{deposit}: {error}")
    if (registered.trial, registered.protocol_sha256) != (protocol.trial, protocol.sha256):
        sys.exit(f"Refused: {deposit} registers another plan than {protocol.version} has now.")
    return f"{opens}; the orders that there are continue, each in its own trial."
