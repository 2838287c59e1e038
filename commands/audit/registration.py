"""
Makes the deposit for a registry before a trial starts, and finds where a trial departs from it.

The commitment is a keyed hash, under the allocation key, of a message that no block uses. It
reveals no arm, and no other key produces it, so it proves that key and plan were not chosen
afterwards. It cannot rule out that several keys were made and one was picked: CloudTrail can,
because it logs the creation and every use of a key.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import AwareDatetime, ValidationError

from trial.codes import Model
from trial.errors import RejectedError
from trial.rehearsal import is_rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from commands.audit.allocation_evidence import Evidence
    from trial.aws.kms import MacKey
    from trial.protocol.plan import Endpoint
    from trial.protocol.settings import Protocol

TO_FILL_IN: Final = "to be filled in by the trial's sponsor"
WHO_ITEMS: Final = (
    "Primary registry and identifying number", "Date of registration in the primary registry",
    "Secondary identifying numbers", "Source of monetary or material support", "Primary sponsor",
    "Secondary sponsors", "Contact for public queries", "Contact for scientific queries",
    "Public title", "Scientific title", "Countries of recruitment", "Condition studied",
    "Interventions", "Inclusion and exclusion criteria", "Study type", "Date of first enrolment",
    "Target sample size", "Recruitment status", "Primary outcome", "Key secondary outcomes",
    "Ethics review", "Completion date", "Summary results", "IPD sharing statement",
)  # fmt: skip
"""
The 24 items of the WHO Trial Registration Data Set, version 1.3.1, in its order.

https://www.who.int/tools/clinical-trials-registry-platform/network/who-data-set; the same items
in SPIRIT 2025, item 1b: https://www.consort-spirit.org/item1b-structuredsummary-1.
"""


class Registration(Model):
    """One deposit: its content, its time, and the commitment to the key in hex."""

    trial: str
    protocol: str
    protocol_sha256: str
    registered_at: AwareDatetime
    commitment: str
    commitment_message: str
    fields: dict[str, str]


class Mismatch(NamedTuple):
    """A departure from the deposit."""

    what: str
    detail: str


def message(trial: str) -> bytes:
    """The message behind the commitment. A block's message has three parts, so they differ."""
    return f"{trial}|commitment".encode()


def registration(protocol: Protocol, key: MacKey, now: datetime) -> Registration:
    """The deposit to make. Raises a TrialError if the key cannot be used."""
    return Registration(
        trial=protocol.trial,
        protocol=protocol.version,
        protocol_sha256=protocol.sha256,
        registered_at=now,
        commitment=key.mac(message(protocol.trial)).hex(),
        commitment_message=message(protocol.trial).decode(),
        fields=fields(protocol),
    )


def read(content: str) -> Registration:
    """The deposit in a file. Raises RejectedError if it is not one."""
    try:
        return Registration.model_validate(json.loads(content))
    except (ValueError, ValidationError):
        raise RejectedError("not a registration that `make register` wrote") from None


def faults(
    deposit: Registration, protocol: Protocol | None, key: MacKey, evidence: Evidence
) -> Iterator[Mismatch]:
    """
    A trial's departures from its deposit: another key or plan, early or other allocations.

    `protocol` is the current file of the registered version, if there is one.
    """
    if deposit.commitment_message != message(deposit.trial).decode():
        yield Mismatch("commitment", "is to a message that is not a registration's")
    elif key.mac(message(deposit.trial)).hex() != deposit.commitment:
        yield Mismatch("key", "the allocation key in use is not the registered one")
    if protocol is None or protocol.sha256 != deposit.protocol_sha256:
        yield Mismatch("plan", f"the file of {deposit.protocol} in use is not the registered one")
    drawn = drawn_in(evidence, deposit.trial, {deposit.protocol_sha256})
    if others := sum(each.protocol_sha256 != deposit.protocol_sha256 for each in drawn):
        yield Mismatch("allocations", f"{others} of the trial, under another plan")
    if early := sum(each.allocated_at < deposit.registered_at for each in drawn):
        yield Mismatch("allocations", f"{early} of the trial, before it was registered")


def drawn_in(evidence: Evidence, trial: str, hashes: set[str]) -> list[Any]:
    """A trial's allocations, by its enrolments or its protocols' hashes; without rehearsals."""
    trials = {each.enrolment_id: each.trial for each in evidence.enrolments}
    return [
        each
        for each in evidence.allocations
        if not is_rehearsal(of := trials.get(each.enrolment_id, ""))
        and (of == trial or each.protocol_sha256 in hashes)
    ]


def fields(protocol: Protocol) -> dict[str, str]:
    """The answer to each of `WHO_ITEMS`, as far as the protocol has one."""
    plan = protocol.analysis
    estimand, planned = plan.estimand, plan.recruitment
    eligible = protocol.eligibility
    ratio = " to ".join(str(share) for share in protocol.arms.values())
    said = {
        "Public title": protocol.title,
        "Scientific title": f"{protocol.title}: a randomised controlled trial ({protocol.trial})",
        "Countries of recruitment": protocol.place.country,
        "Condition studied": "; ".join(each.title for each in protocol.orders.values()),
        "Interventions": f"{estimand.treatment}; compared with: {estimand.comparator}"
        if estimand
        else TO_FILL_IN,
        "Inclusion and exclusion criteria": (
            f"{estimand.population}. " if estimand else ""
        ) + f"Aged {eligible.minimum_age} or over; at least {eligible.min_days_left} days left.",
        "Study type": f"Interventional; parallel arms, randomised {ratio} "
        f"({' to '.join(protocol.arms)}) in permuted blocks within strata "
        f"{', '.join(each.id for each in protocol.strata)}; sequence concealed",
        "Date of first enrolment": f"{planned.first_day}" if planned else TO_FILL_IN,
        "Target sample size": f"{planned.people} people; forces: {planned.forces}; until "
        f"{planned.last_day}" if planned else TO_FILL_IN,
        "Recruitment status": "Not yet recruiting",
        "Primary outcome": _outcome(plan.primary),
        "Key secondary outcomes": "; ".join(map(_outcome, plan.secondary)),
        "Completion date": f"{plan.lock_date}, until when results by arm stay locked",
        "Summary results": "Not yet",
    }  # fmt: skip
    return {name: said.get(name, TO_FILL_IN) for name in WHO_ITEMS}


def readable(deposit: Registration) -> str:
    """The deposit for a person to read and to type into a registry's form."""
    rows = {
        "Protocol": f"{deposit.protocol}, SHA-256 {deposit.protocol_sha256}",
        "Registered at": deposit.registered_at.isoformat(),
        "Commitment to the allocation key": f"{deposit.commitment} (HMAC-SHA-256 by that key of "
        f"the text {deposit.commitment_message})",
    }
    lines = [f"# Registration of the trial {deposit.trial}", ""]
    lines += [f"**{name}.** {said}\n" for name, said in (rows | deposit.fields).items()]
    return "\n".join(lines)


def deposited(deposit: Registration, protocol: bytes) -> Mapping[str, bytes]:
    """The files of a deposit, by name."""
    content = json.dumps(deposit.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    return {
        "registration.json": content.encode(),
        "registration.md": readable(deposit).encode(),
        "protocol.toml": protocol,
    }


def _outcome(endpoint: Endpoint) -> str:
    until = f"{endpoint.days} days" if endpoint.days else "the order's last day"
    return f"{endpoint.title} (people with one or more, from allocation to {until})"
