"""
The status of a person's orders depends on the facts, not on the order in which they arrive.

Each case is told in every order of its events. What is refused, since it comes too early, is told
again at the end, as upstream does.
"""

from collections.abc import Iterator
from math import factorial
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from tests.support.keys import mac_key
from tests.support.life import CUSTODY, METHODS, QUASHED, RELEASE, corrected
from tests.support.memory import Memory
from tests.support.samples import order
from tests.support.steps import call, post
from trial.identity import enrolment_id

pytestmark = pytest.mark.usefixtures("clock")

A, B, PROTECTING = 1, 2, 3
HERS, HIS = "+447700900456", "+447700900001"
SOMEBODY = {"person_id": "A1234BC"}
LACKING = {"mobile": {"missing_reason": "seized_evidence"}}
EARLY = {"made_on": "2026-11-19", "expires_on": "2026-12-02", "served_on": "2026-11-19"}
SALT = "memory"


class ReportedEvent(NamedTuple):
    """What upstream reports about one order; without an order, what staff do."""

    serial: int | None
    what: str
    body: dict[str, Any]

    def told(self) -> int:
        """The status of the answer."""
        if self.what == "posted":
            return post(self.body).status
        if self.serial is None:
            return call("POST", "/suppressions", self.body).status
        path = f"/enrolments/{ident(self.serial)}/{self.what}"
        return call(METHODS[self.what], path, self.body).status


def ident(serial: int) -> UUID:
    return enrolment_id(mac_key(f"{SALT}/identity"), "durham", f"DVPO-2026-{serial:06}")


def posted(serial: int, **changes: Any) -> ReportedEvent:
    return ReportedEvent(serial, "posted", order(serial, **{"respondent": SOMEBODY} | changes))


POST_A, POST_B = posted(A), posted(B)
PROTECT_HERS = posted(PROTECTING, respondent={}, protected_numbers=[HERS])
PROTECT_HIS = posted(PROTECTING, respondent={}, protected_numbers=[HIS])
SHARE_AND_PROTECT = posted(
    PROTECTING, respondent={}, mobile={"number": "+447700900002"}, protected_numbers=[HERS]
)
SUPPRESS_HERS = ReportedEvent(
    None, "suppressed", {"number": HERS, "reason": "wrong_number", "by": "PC-1182"}
)
VOID_A = ReportedEvent(A, "end", QUASHED | {"reason": "recorded_in_error"})
TAKEN_B, OUT_B = ReportedEvent(B, "end", CUSTODY), ReportedEvent(B, "resume", RELEASE)
COURT_B = ReportedEvent(B, "order", corrected(B, court="Durham Magistrates' Court"))
FOUND_A = ReportedEvent(A, "mobile", {"number": HERS})
FOUND_B = ReportedEvent(B, "mobile", {"number": HERS, "resolved_how": "officer_visit"})
SERVED_B = ReportedEvent(B, "service", {"served_on": "2026-12-01"})
UNSERVED_B = posted(B, order={"served_on": None})
LACKING_B = posted(B, **LACKING)
WITH_HERS_B = posted(B, mobile={"number": HERS})
CHILD_A = posted(A, respondent=SOMEBODY | {"date_of_birth": "2010-05-01"})
TOO_LATE_A = ReportedEvent(A, "order", corrected(A, **EARLY))

ALLOCATED, TAKEN = ("allocated", ()), ("ended", ("in_custody",))
VOID = ("ended", ("order_ended",))
CASES = {
    "the first is void": ([POST_A, POST_B, VOID_A, COURT_B], (VOID, ALLOCATED)),
    "in custody and out": ([POST_A, POST_B, VOID_A, TAKEN_B, OUT_B], (VOID, ALLOCATED)),
    "in custody still": ([POST_A, POST_B, VOID_A, TAKEN_B], (VOID, TAKEN)),
    "found": ([POST_A, LACKING_B, VOID_A, FOUND_B, COURT_B], (VOID, ALLOCATED)),
    "served": ([POST_A, UNSERVED_B, VOID_A, SERVED_B], (VOID, ALLOCATED)),
    "a child by mistake": (
        [CHILD_A, LACKING_B, FOUND_B, COURT_B],
        (("ineligible", ("under_18",)), ALLOCATED),
    ),
    "too late by a correction": (
        [POST_A, POST_B, TOO_LATE_A, COURT_B],
        (("ineligible", ("already_in_trial",)), ALLOCATED),
    ),
    "protected": (
        [POST_A, LACKING_B, VOID_A, FOUND_B, PROTECT_HERS],
        (VOID, ("waiting", ("unsafe_number",))),
    ),
    "suppressed": (
        [POST_A, LACKING_B, VOID_A, FOUND_B, SUPPRESS_HERS],
        (VOID, ("waiting", ("suppressed_number",))),
    ),
    "the first one's number is protected": (
        [POST_A, POST_B, PROTECT_HIS, COURT_B],
        (("waiting", ("unsafe_number",)), ALLOCATED),
    ),
    "protected by somebody who has the other order's number": (
        [POST_A, POST_B, FOUND_A, SHARE_AND_PROTECT],
        (("waiting", ("unsafe_number",)), ALLOCATED),
    ),
    "protected and suppressed, in custody and out": (
        [WITH_HERS_B, PROTECT_HERS, SUPPRESS_HERS, TAKEN_B, OUT_B],
        (None, ("waiting", ("unsafe_number",))),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_order_of_events_gives_the_same_result(case: str) -> None:
    events, expected = CASES[case]
    ends = list(lives(Memory(SALT), events, refused=[]))
    assert len(ends) == factorial(len(events))
    for end in ends:
        assert tuple(each and each["stands"] for each in end) == expected
        assert end == ends[0]


def lives(
    memory: Memory, left: list[ReportedEvent], refused: list[ReportedEvent]
) -> Iterator[list[Any]]:
    """Report the events in each order, then the refused ones again; the results."""
    if not left:
        with memory.lived_in():
            while refused:
                again = those_refused(refused)
                assert len(again) < len(refused), again
                refused = again
            memory.drain()
            yield [state(memory, serial) for serial in (A, B)]
    for place, event in enumerate(left):
        branch = memory.copied()
        branch.stream.extend(memory.stream)
        with branch.lived_in():
            again = those_refused([event])
        yield from lives(branch, left[:place] + left[place + 1 :], refused + again)


def those_refused(events: list[ReportedEvent]) -> list[ReportedEvent]:
    return [event for event in events if event.told() in (404, 409)]


def state(memory: Memory, serial: int) -> dict[str, Any] | None:
    """All that follows from the facts about one order."""
    if not any(str(ident(serial)) in pk for pk in memory.dynamo.partitions):
        return None
    file = memory.file(ident(serial))
    enrolment = file.enrolment
    return {
        "stands": (str(enrolment.status), tuple(map(str, enrolment.reasons))),
        "order": enrolment.order,
        "mobile": enrolment.mobile.model_dump(exclude={"sealed"}),
        "drawn": file.allocation and file.allocation.repeat,
    }
