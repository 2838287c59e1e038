"""Whether a deployment may open the trial that it would open."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from commands.audit import registration
from commands.deploy.approvals import to_be_deployed
from trial.errors import RejectedError
from trial.protocol.load import load, versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mypy_boto3_cloudformation.type_defs import StackTypeDef


def refuse_unregistered(
    given: Mapping[str, str], found: StackTypeDef | None, deposit: Path | None
) -> str | None:
    """
    What opens and what closes, in a sentence; none if the open trial stays the open one.

    Ends the command unless the trial to be opened was registered as its protocol stands now. The
    earlier trial closes: it takes in no order more, and its own go on in it to their end.
    """
    if found is None:
        return None  # the key is made with the stack: its trial is registered before any order
    protocol = load(to_be_deployed(given, found))
    was = to_be_deployed({}, found)
    before = load(was).trial if was in versions() else was
    if protocol.trial == before:
        return None
    opens = f"This opens the trial {protocol.trial}, and closes {before} for new orders"
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
    return f"{opens}; those it has go on in it."
