"""Refuses to deploy a protocol whose wordings may not be sent to the public."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trial.protocol.load import CURRENT, ProtocolError, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation.type_defs import StackTypeDef


def to_be_deployed(given: Mapping[str, str], found: StackTypeDef | None) -> str:
    """The protocol version that a deployment would use: the given, the deployed or the default."""
    parameters = found["Parameters"] if found and "Parameters" in found else []
    known = {each["ParameterKey"]: each["ParameterValue"] for each in parameters}
    return given.get("Protocol") or known.get("Protocol") or CURRENT


def refuse_drafts(given: Mapping[str, str], found: StackTypeDef | None) -> None:
    """
    Exit if a text without approval could go to the public.

    On AWS, sending refuses such a text again, whatever was deployed.
    """
    if given.get("OnAws", "true") != "true":
        sys.exit("OnAws=false is for the local stack: on AWS it would let drafts go to the public.")
    version = to_be_deployed(given, found)
    try:
        protocol = load(version)
    except ProtocolError as error:
        sys.exit(f"The protocol cannot be used: {error}")
    lacking = [
        f"  {key} ({language}): {', '.join(protocol.wordings[language][key].lacks)}"
        for language, key in protocol.drafts
    ]
    if lacking:
        reason = f"Refused: {len(lacking)} wordings of {version} lack an approval, and may not go"
        remedy = "Have each approved, in the protocol's file. Drafts are for the local stack alone."
        sys.exit("\n".join([f"{reason} to the public:", *lacking, remedy]))
