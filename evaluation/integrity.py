"""Checks that an extract follows the protocol beside it, and that this repository has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from evaluation.groups import codes_of
from evaluation.report.words import plural
from trial.protocol import load as protocols
from trial.protocol.strata import NOT_SAID, VALUES, Baselines

if TYPE_CHECKING:
    from evaluation.package import Extract
    from trial.protocol.settings import Protocol


def known_hashes() -> dict[str, str]:
    """The version of every protocol in this copy of the repository, by its SHA-256."""
    return {protocols.load(version).sha256: version for version in protocols.versions()}


def faults(extract: Extract) -> list[str]:
    """
    Why the results must not be trusted, a sentence each.

    The protocol beside the data must be one of this repository's, byte for byte; so must those
    under which people were randomised and texts planned. Another version of the same trial is a
    departure, not a fault.
    """
    known = known_hashes()
    found = []
    agreed = extract.protocol
    if known.get(agreed.sha256) != agreed.version:
        found.append(
            f"The protocol beside the extract is named {agreed.version}, but its SHA-256 is not "
            "that of this repository's file of that name. One of the two was changed, or this copy "
            "of the repository is out of date."
        )
    for name, frame in (("order", extract.enrolments), ("text", extract.reminders)):
        stamps = frame["protocol_sha256"][frame["protocol_sha256"] != ""]
        strange = stamps[~stamps.isin([*known, agreed.sha256])]
        if len(strange):
            found.append(
                f"{plural(len(strange), name)} {'has' if len(strange) == 1 else 'have'} the stamp "
                "of a protocol that is neither beside the extract nor in this repository."
            )
    rows = extract.enrolments
    drawn = rows[rows["allocated"].fillna(value=False).astype(bool)]
    misnamed = drawn["protocol"] != drawn["protocol_sha256"].map(
        known | {agreed.sha256: agreed.version}
    )
    misnamed &= drawn["protocol_sha256"].isin([*known, agreed.sha256])
    if count := int(misnamed.sum()):
        found.append(
            f"{plural(count, 'order')} {'names' if count == 1 else 'name'} a protocol whose "
            "SHA-256 is not the one stamped on the allocation."
        )
    if count := _misplaced(drawn, agreed):
        found.append(
            f"{plural(count, 'order')} {'was' if count == 1 else 'were'} drawn in a stratum that "
            "the protocol does not have, or has for people of other baselines."
        )
    if extract.trials - {agreed.trial}:
        found.append("Some orders belong to another trial than the protocol beside the extract.")
    return found


def _misplaced(drawn: pd.DataFrame, protocol: Protocol) -> int:
    """How many were drawn under this protocol in a stratum that does not hold such people."""
    here = drawn[drawn["protocol_sha256"] == protocol.sha256]
    said = {name: codes_of(here, name).fillna(NOT_SAID) for name in VALUES}
    places = pd.DataFrame({"stratum": here["stratum"], **said}).value_counts()
    people_of = {each.id: each.holds_person for each in protocol.strata}
    return sum(
        int(count)
        for (stratum, *values), count in places.items()
        if stratum not in people_of or not people_of[stratum](Baselines(*values))
    )
