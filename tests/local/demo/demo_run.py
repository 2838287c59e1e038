"""A run of the demo in which all went well, made up without a stack."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from typing import Any
from uuid import UUID, uuid5

from commands.api import Answer
from local.demo.checks import ANSWERS, DECISIONS, DOSE, RANDOMISED
from local.demo.orders import OrderStory, SyntheticOrder, first_morning, synthetic_orders
from local.demo.run import Case, DemoText, Run
from local.demo.work import NumberFound
from tests.support.fixture_protocol import AGREED
from trial.codes import Arm, ReminderState, Suppression
from trial.protocol.term import Term
from trial.protocol.timetable import Slot, timetable
from trial.protocol.wording import Recipient, Sender, render

ANYWHERE = UUID(int=0)


def good_run(how_many: int = 48, *, seed: int = 1) -> Run:
    start, change = first_morning(datetime(2026, 11, 22, tzinfo=UTC))
    arms = {kind: cycle((Arm.INTERVENTION, Arm.CONTROL)) for kind in RANDOMISED}
    cases, texts = [], []
    orders = synthetic_orders(how_many, seed=seed, start=start)
    on_time = [index for index, order in enumerate(orders) if order.kind is OrderStory.ON_TIME]
    for index in on_time[1:3]:
        taken_at = start + timedelta(days=4)
        orders[index] = replace(orders[index], kind=OrderStory.CUSTODY, taken_at=taken_at)
    for order in orders:
        arm = next(arms[order.kind]) if order.kind in arms else None
        case = replace(_case(order), allocation=_allocation(order, arm) if arm else None)
        cases.append(case)
        texts += [_text(order, reminder) for reminder in case.sent()]
    return Run(
        seed=seed,
        started_at=start,
        ended_at=start + timedelta(days=31),
        clock_change=change,
        seconds=71.4,
        found=tuple(_found(orders)),
        superintendent=_superintendent(orders[0]),
        digest=f"1 order waits\n\n{orders[0].reference}: no number (refused); 9 days left",
        cases=tuple(cases),
        texts=tuple(texts),
    )


def _superintendent(order: SyntheticOrder) -> str:
    return str(order.body["order"]["authorising_superintendent"])


def _found(orders: list[SyntheticOrder]) -> Iterator[NumberFound]:
    """Seven wait before the first is found."""
    each_found = [order for order in orders if order.found_at]
    for before, order in zip(count(7, -1), each_found, strict=False):
        assert order.found_at
        yield NumberFound(order.reference, order.found_at, before, before - 1)


def _case(order: SyntheticOrder) -> Case:
    body: dict[str, Any] = {}
    if order.kind in DECISIONS:
        status, *reasons = DECISIONS[order.kind].split()
        body = {"enrolment_id": str(uuid5(ANYWHERE, order.reference))}
        body |= {"status": status, "reasons": reasons}
    mobile = order.body["mobile"]
    known = {"known": "number" in mobile, "last_digits": mobile.get("number", "")[-3:] or None}
    return Case(
        order=order,
        answers=tuple(Answer(status, body) for status in ANSWERS[order.kind]),
        enrolment=body | {"mobile": known} if body else None,
    )


def _allocation(order: SyntheticOrder, arm: Arm) -> dict[str, Any]:
    protocol = AGREED
    slots = timetable(
        enrolment_id=uuid5(ANYWHERE, order.reference),
        term=Term("dvpo", order.made_on, order.expires_on),
        protocol=protocol,
        start=order.known_at,
    )
    reminders = [
        {
            "number": slot.number,
            "theme": slot.theme,
            "due_at": slot.due_at.isoformat(),
            "state": state,
            "reason": reason,
            "sent_at": (slot.due_at + timedelta(seconds=2)).isoformat()
            if state is not ReminderState.SUPPRESSED
            else None,
        }
        for slot in slots
        for state, reason in [_state(order, slot)]
    ]
    assert len(reminders) == DOSE[order.days]
    return {"arm": arm, "reminders": reminders if arm is Arm.INTERVENTION else []}


def _state(order: SyntheticOrder, slot: Slot) -> tuple[ReminderState, str | None]:
    """One text in twelve does not arrive."""
    if slot.missed:
        return ReminderState.SUPPRESSED, Suppression.MISSED_LATE_START
    if order.taken_at and slot.due_at > order.taken_at:
        return ReminderState.SUPPRESSED, Suppression.ENDED
    if (int(order.reference[-6:]) + slot.number) % 12 == 0:
        return ReminderState.UNDELIVERED, "phone_unreachable"
    return ReminderState.DELIVERED, None


def _text(order: SyntheticOrder, reminder: dict[str, Any]) -> DemoText:
    body = render(
        AGREED,
        reminder["theme"],
        turn=0,
        about=Recipient(
            order_type="dvpo",
            conditions=order.body["order"]["conditions"],
            expires_on=order.expires_on,
        ),
        sender=Sender(force="Durham Police", contact="101"),
    ).message
    assert order.number
    delivered = reminder["state"] == ReminderState.DELIVERED
    return DemoText(order.number, body, datetime.fromisoformat(reminder["sent_at"]), delivered)
