"""Whether an extract was drawn under the plan that lies beside it, and that plan is one we know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.report.words import plural
from trial.protocol import load as protocols

if TYPE_CHECKING:
    from evaluation.package import Extract


def known_hashes() -> dict[str, str]:
    """The version of every protocol in this copy of the repository, by its SHA-256."""
    return {protocols.load(version).sha256: version for version in protocols.versions()}


def faults(extract: Extract) -> list[str]:
    """
    Why its results are not to be believed, a sentence each.

    The protocol beside the data must be one of this repository's, to the byte; so must be the one
    under which each person was randomised, and each text planned. Another version of the same
    trial is no fault but a departure.
    """
    known = known_hashes()
    found = []
    agreed = extract.protocol
    if known.get(agreed.sha256) != agreed.version:
        found.append(
            f"The protocol beside the extract calls itself {agreed.version}, but its SHA-256 is "
            "not that of this repository's file of that name: one of them was changed, or this "
            "copy of the repository is too old to know it."
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
    if extract.trials - {agreed.trial}:
        found.append("Some orders belong to another trial than the protocol beside the extract.")
    return found
