"""The acts on one order, each by its function's handler, and the promises of each."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations_with_replacement
from typing import Any
from uuid import UUID

from allocation.handler import lambda_handler as allocation
from receipts.handler import lambda_handler as receipts
from reconciliation.handler import lambda_handler as reconciliation
from retention.handler import lambda_handler as retention
from sending.handler import lambda_handler as sending
from tests.proofs.interleavings.stage import Stage
from tests.proofs.interleavings.world import Breach, SmallWorld
from tests.proofs.simulation.services import logged, stream_record
from tests.support.life import ARREST
from tests.support.memory import Memory, StoredEnrolment
from tests.support.samples import MORNING, order, sample
from tests.support.steps import CONTEXT, UNHURRIED, call, schedule, stream
from trial.codes import Arm, EndReason, ReminderState, Status, Suppression
from trial.records.enrolment import Enrolment, enrolment_key

NUMBER, ANOTHER, LATER = "+447700900001", "+447700900701", "+447700900702"
SECOND = 2
_ACCEPTED = 300

Act = Callable[[SmallWorld, UUID], str]
"""Lets it happen; what it came to: an HTTP status, or what a function says."""


def fresh() -> tuple[SmallWorld, UUID]:
    """A person enrolled in the morning and not drawn yet."""
    world = SmallWorld(Memory("interleavings"), MORNING)
    with Stage(world).lived_in():
        ident = _enrolled(1)
    world.memory.stream.clear()
    return world, ident


def due() -> tuple[SmallWorld, UUID]:
    """Somebody in the intervention arm, whose second reminder is due now."""
    for serial in range(100):
        world = SmallWorld(Memory(f"interleavings {serial}"), MORNING)
        stage = Stage(world)
        with stage.lived_in():
            ident = _enrolled(1)
            world.memory.drain()
            file = world.memory.file(ident)
            if file.allocation and file.allocation.arm is Arm.INTERVENTION:
                first, second = _numbered(file, 1), _numbered(file, SECOND)
                world.now = first
                stage.set_to(world)
                assert _fired(ident, 1) == "sent"
                world.events.clear()
                world.now = second
                for name in list(world.memory.scheduler.schedules):
                    if name.endswith(f"-{1:02}"):  # it has fired, and is gone
                        del world.memory.scheduler.schedules[name]
                return world, ident
    raise AssertionError("nobody is drawn to the intervention")


def old() -> tuple[SmallWorld, UUID]:
    """The same, when the order has ended so long ago that its identifiers are to be erased."""
    world, ident = due()
    world.now = MORNING + timedelta(days=104)
    world.memory.scheduler.schedules.clear()
    stage = Stage(world)
    with stage.lived_in():
        for reminder in world.memory.file(ident).reminders:
            if reminder.state in (ReminderState.PLANNED, ReminderState.SCHEDULED):
                late = {"state": ReminderState.SUPPRESSED, "reason": Suppression.STALE}
                world.memory.keep(reminder.model_copy(update=late))
    return world, ident


def _numbered(file: StoredEnrolment, number: int) -> Any:
    return next(each.due_at for each in file.reminders if each.number == number)


def _enrolled(serial: int) -> UUID:
    answer = call("POST", "/enrolments", order(serial, mobile={"number": NUMBER}))
    assert answer.status == 202, answer.text
    return UUID(answer.body["enrolment_id"])


def _fired(ident: UUID, number: int) -> str:
    event = {"enrolment_id": str(ident), "number": number}
    return str(sending(event, CONTEXT)["outcome"])


def _route(method: str, path: str, body: Callable[[SmallWorld], object]) -> Act:
    def act(world: SmallWorld, ident: UUID) -> str:
        answer = call(method, path.format(ident), body(world))
        return str(answer.status)

    return act


def _announced(world: SmallWorld, ident: UUID) -> str:
    """The stream announces the order, as it stood before."""
    item = world.memory.dynamo.at(*enrolment_key(ident))
    record = stream_record(1, None, item, world.now)
    return str(len(allocation(stream(record), CONTEXT)["batchItemFailures"]))


def _handed_over(_: SmallWorld, ident: UUID) -> str:
    schedule(ident)
    return "done"


def _receipt(words: str | None) -> Act:
    """The carrier's receipt for the first text."""

    def act(world: SmallWorld, _: UUID) -> str:
        receipts(logged("text-1", NUMBER, world.now, words=words), CONTEXT)
        return "taken"

    return act


def _reconciled(*_: object) -> str:
    return json.dumps(reconciliation(sample("reconciliation-hourly"), UNHURRIED)["gaps"])


def _erased(*_: object) -> str:
    return json.dumps(retention(sample("retention-nightly"), UNHURRIED)["erased"])


def _moment(world: SmallWorld) -> str:
    return (world.now - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")


def _days(world: SmallWorld) -> dict[str, str]:
    """An order made today."""
    today, last = f"{world.now:%F}", f"{world.now + timedelta(days=13):%F}"
    return {"made_on": today, "served_on": today, "expires_on": last}


ACTS: dict[str, Act] = {
    "enrol again": _route("POST", "/enrolments", lambda _: order(1, mobile={"number": NUMBER})),
    "enrol another order": _route(
        "POST",
        "/enrolments",
        lambda world: order(
            1, order=_days(world) | {"reference": "DVPO-2026-000777"}, mobile={"number": LATER}
        ),
    ),
    "allocate": _announced,
    "schedule": _handed_over,
    "send": lambda _, ident: _fired(ident, SECOND),
    "receipt": _receipt(None),
    "opt out": _receipt("Phone number is opted out"),
    "end": _route(
        "POST",
        "/enrolments/{}/end",
        lambda world: {"reason": "quashed", "at": _moment(world), "by": "PC-1"},
    ),
    "custody": _route(
        "POST",
        "/enrolments/{}/end",
        lambda world: {"reason": "in_custody", "at": _moment(world), "by": "PC-1"},
    ),
    "resume": _route(
        "POST", "/enrolments/{}/resume", lambda world: {"at": _moment(world), "by": "PC-1"}
    ),
    "number": _route("PUT", "/enrolments/{}/mobile", lambda _: {"number": ANOTHER}),
    "no number": _route(
        "PUT", "/enrolments/{}/mobile", lambda _: {"missing_reason": "lost_stolen_broken"}
    ),
    "protect": _route(
        "POST",
        "/enrolments",
        lambda world: order(
            9, order=_days(world), mobile={"number": LATER}, protected_numbers=[NUMBER]
        ),
    ),
    "suppress": _route(
        "POST",
        "/suppressions",
        lambda _: {"number": NUMBER, "reason": "wrong_number", "by": "ops-1"},
    ),
    "correct": _route(
        "PUT",
        "/enrolments/{}/order",
        lambda _: order(1)["order"] | {"court": "Durham Magistrates' Court"},
    ),
    "pause": _route(
        "PUT", "/sending", lambda _: {"paused": True, "reason": "a drill", "by": "ops-1"}
    ),
    "outcome": _route(
        "POST",
        "/enrolments/{}/outcomes",
        lambda world: ARREST | {"occurred_at": _moment(world)},
    ),
    "hold": _route(
        "POST", "/enrolments/{}/hold", lambda _: {"reason": "proceedings", "by": "PC-1"}
    ),
    "reconcile": _reconciled,
    "erase": _erased,
}

SILENCING = frozenset({"end", "custody", "number", "no number", "protect", "suppress", "pause"})
"""After the answer to one of these no text goes to the earlier number."""


def settled(world: SmallWorld, ident: UUID, came_to: dict[str, str]) -> None:
    """Finish all remaining work, and check the promises. Raises Breach."""
    _promised(world, came_to)
    world.memory.drain()
    world.check(ident)
    file = world.memory.file(ident)
    accepted = {name for name, status in came_to.items() if _is_accepted(status)}
    if "end" in accepted and file.enrolment.status is not Status.ENDED:
        raise Breach("it was ended, and is not")
    if "protect" in accepted and not _harmless(file.enrolment):
        raise Breach("its number is protected, and it does not know")
    if file.enrolment.erased_at and _identifiers(file.enrolment):
        raise Breach("its identifiers are erased, and are there")
    claimed = [each for each in file.reminders if each.state is ReminderState.CLAIMED]
    if claimed:
        raise Breach("nobody died, and a reminder is left claimed")


def _promised(world: SmallWorld, came_to: dict[str, str]) -> None:
    """No text goes after the answer to an act that rules it out."""
    silent = False
    for what, about in world.events:
        if what == "answer" and about in SILENCING and _is_accepted(came_to[about]):
            silent = True
        if silent and what == "text" and about == NUMBER:
            raise Breach("a text went after the answer that rules it out")


def _identifiers(enrolment: Enrolment) -> bool:
    own = enrolment.respondent.sealed, enrolment.mobile.sealed, enrolment.order.reference
    return any(own)


def _is_accepted(status: str) -> bool:
    return status.isdigit() and int(status) in range(200, _ACCEPTED)


def _harmless(enrolment: Enrolment) -> bool:
    """It is known to be unsafe; or it has another number by now, or has ended for good."""
    mobile, end = enrolment.mobile, enrolment.end
    ended = end is not None and end.reason is not EndReason.IN_CUSTODY
    return ended or mobile.unsafe or (mobile.last_digits or "") != NUMBER[-3:]


def cases() -> Iterator[tuple[str, ...]]:
    """
    What happens at once, each at its moment.

    Every two acts, and each act twice, on a fresh order and on one whose reminder is due; erasing,
    with every act, on an old order; and triples of acts that write what another of them reads.
    """
    names = list(ACTS)
    for moment in ("fresh", "due"):
        yield from ((moment, *pair) for pair in combinations_with_replacement(names, 2))
    yield from (("old", "erase", name) for name in names)
    yield from TRIPLES


TRIPLES = (
    ("fresh", "allocate", "number", "end"),
    ("fresh", "allocate", "allocate", "correct"),
    ("fresh", "allocate", "enrol another order", "suppress"),
    ("due", "send", "send", "pause"),
    ("due", "send", "suppress", "receipt"),
    ("due", "send", "opt out", "reconcile"),
    ("due", "send", "end", "schedule"),
    ("due", "send", "number", "protect"),
    ("old", "erase", "hold", "enrol again"),
    ("old", "erase", "hold", "number"),
)
