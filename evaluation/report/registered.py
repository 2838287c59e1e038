"""What was registered before the trial began, and the trial's departures from it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from commands.audit import registration
from commands.audit.registration import TO_FILL_IN, Registration, fields
from evaluation.report.parts import Method, ReportTable, Section
from evaluation.report.words import count, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evaluation.cohort import Cohort

METHODS: Final = [
    Method(
        "Registration",
        "WHO Trial Registration Data Set 1.3.1, https://www.who.int/tools/"
        "clinical-trials-registry-platform/network/who-data-set; commitment: HMAC-SHA-256 "
        "(RFC 2104) by the allocation key, published before the first allocation",
    ),
]


class Deposit(NamedTuple):
    """A deposit that `make register` wrote, with the SHA-256 of its file."""

    said: Registration
    sha256: str


def read(path: Path) -> Deposit:
    """The deposit in a file. Raises OSError, and RejectedError if it is not a deposit."""
    content = path.read_bytes()
    return Deposit(
        registration.read(content.decode(errors="replace")), hashlib.sha256(content).hexdigest()
    )


def section(cohort: Cohort, deposits: Sequence[Deposit]) -> Section:
    """The deposits, one for each force's allocation key, and each departure from them."""
    found = Section("registration", "Registration", consort="2, 3, 10", methods=METHODS)
    if not deposits:
        found.figures = {"deposits": []}
        found.say(
            "No deposit was given with this report, so the report cannot show that the plan and "
            "the allocation key were fixed before the first allocation. Give it with "
            "REGISTRATION=...",
            "warning",
        )
        return found
    found.figures = {
        "deposits": [
            {
                "sha256": each.sha256,
                "trial": each.said.trial,
                "protocol": each.said.protocol,
                "protocol_sha256": each.said.protocol_sha256,
                "registered_at": each.said.registered_at.isoformat(),
                "commitment": each.said.commitment,
                "commitment_message": each.said.commitment_message,
            }
            for each in deposits
        ],
    }
    found.blocks.append(_table(deposits))
    found.departures = list(
        dict.fromkeys(each for one in deposits for each in departures(cohort, one.said))
    )
    if (sources := cohort.extract.enrolments["source"].nunique()) > len(deposits):
        found.departures.append(
            f"{plural(sources, 'extract')} in this report, {plural(len(deposits), 'deposit')}: "
            "each force randomises with its own key, which needs its own commitment."
        )
    found.figures["departures"] = found.departures
    if found.departures:
        found.say("The trial departs from what was registered:", "warning")
        found.table(
            "Departures from the registration",
            ("", "What differs"),
            [(str(place), each) for place, each in enumerate(found.departures, start=1)],
            words=True,
        )
    else:
        found.say("The plan and the trial are as registered: nothing differs.")
    return found


def departures(cohort: Cohort, deposit: Registration) -> Iterator[str]:
    """The departures of plan and allocations from those registered, a sentence each."""
    agreed, drawn = cohort.extract.protocol, cohort.allocated
    if deposit.trial != agreed.trial:
        yield f"The deposit registers the trial {deposit.trial}, not {agreed.trial}."
    if deposit.protocol_sha256 != agreed.sha256:
        yield (
            f"The registered protocol is {deposit.protocol}, with another SHA-256. This report "
            f"follows {agreed.version}."
        )
        now = fields(agreed)
        for name, said in deposit.fields.items():
            if said not in (TO_FILL_IN, now.get(name)):
                yield f"{name}: the registered text is: {said}"
    if others := int((drawn["protocol_sha256"] != deposit.protocol_sha256).sum()):
        yield f"{plural(others, 'allocation')} under another plan than the registered one."
    first = deposit.registered_at.astimezone(agreed.place.tz)
    if early := int((drawn["month"] < f"{first:%Y-%m}").sum()):
        yield (
            f"{plural(early, 'order')} of {count(len(drawn))} allocated came in before the month "
            "of the registration."
        )


def _table(deposits: Sequence[Deposit]) -> ReportTable:
    rows: list[tuple[str, ...]] = []
    for place, (said, sha256) in enumerate(deposits, start=1):
        if len(deposits) > 1:
            rows.append((f"Deposit {place}", ""))
        rows += [
            ("Trial", said.trial),
            ("Protocol", said.protocol),
            ("SHA-256 of the protocol", said.protocol_sha256),
            ("Registered", f"{said.registered_at:%-d %B %Y, %H:%M} UTC"),
            ("Commitment to the allocation key", said.commitment),
            (
                "How it is computed",
                f"HMAC-SHA-256, with that key, of the text {said.commitment_message}",
            ),
            ("SHA-256 of the deposit", sha256),
        ]
    return ReportTable(
        "What was registered",
        ("", "As deposited"),
        rows,
        "The extract has only the month of each order. An auditor who has the key can check the "
        "key, the plan and the exact time of each allocation: make register "
        "CHECK=registration.json.",
        words=True,
    )
