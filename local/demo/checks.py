"""Checks a run of the demo: each check names every order that fails it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import time
from typing import TYPE_CHECKING

from local.demo.orders import OrderStory
from local.demo.run import Run, local
from trial.codes import Arm, Condition, Reason, ReminderState, Status, Suppression
from trial.protocol.alphabet import ONE_PART, WordingError, septets
from trial.protocol.dates import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# Restated here from the trial's design, so that the checks do not depend on the code under test.
DOSE = {14: 7, 21: 10, 28: 13}
OPENS, CLOSES = time(9), time(20)
EXACT = frozenset({OrderStory.ON_TIME, OrderStory.REPEATED})
LATE = frozenset({OrderStory.POSTED_LATE, OrderStory.NUMBER_FOUND})
RANDOMISED = EXACT | LATE | {OrderStory.CUSTODY}
ANSWERS = dict.fromkeys(OrderStory, (202,)) | {
    OrderStory.REPEATED: (202, 200),
    OrderStory.NUMBER_FOUND: (202, 200),
    OrderStory.CUSTODY: (202, 201, 200),
    OrderStory.INVALID: (422,),
    OrderStory.UNSIGNED: (403,),
}
DECISIONS = dict.fromkeys(RANDOMISED, Status.ELIGIBLE.value) | {
    OrderStory.NUMBER_FOUND: f"{Status.WAITING} {Reason.NO_NUMBER}",
    OrderStory.NO_NUMBER: f"{Status.WAITING} {Reason.NO_NUMBER}",
    OrderStory.UNSAFE_NUMBER: f"{Status.WAITING} {Reason.UNSAFE_NUMBER}",
    OrderStory.NOT_SERVED: f"{Status.WAITING} {Reason.NOT_SERVED}",
    OrderStory.TOO_LATE: f"{Status.INELIGIBLE} {Reason.TOO_LATE}",
}
# A text's delivery according to the carrier, and the matching state of its reminder.
WORDS = {True: "delivered", False: "undelivered", None: "sent"}
RECORDED = {
    ReminderState.DELIVERED: "delivered",
    ReminderState.UNDELIVERED: "undelivered",
    ReminderState.SENT: "sent",
    ReminderState.UNCONFIRMED: "sent",
}
# Wording that is allowed only if the order has one of these conditions.
STATED = {
    "no contact|Do not reply": {Condition.NO_CONTACT},
    "do not go into": {Condition.NO_ENTRY, Condition.LEAVE_PREMISES},
    "keep away": {Condition.KEEP_DISTANCE},
    "Do not go in": {Condition.NO_ENTRY, Condition.LEAVE_PREMISES, Condition.KEEP_DISTANCE},
}
WRITTEN_DATE = re.compile(r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}\b")


def check_answers(run: Run) -> Iterator[str]:
    """A repeated request or a found number belongs to the same enrolment, not to a second one."""
    for case in run.cases:
        statuses = tuple(answer.status for answer in case.answers)
        if statuses != (expected := ANSWERS[case.order.kind]):
            yield f"{case.order.reference}: answered {statuses}, not {expected}"
        elif len({answer.body.get("enrolment_id") for answer in case.answers}) > 1:
            yield f"{case.order.reference}: one order, two enrolments"


def check_decisions(run: Run) -> Iterator[str]:
    """Orders not randomised have the right reason; all others have an arm at the end."""
    for case in run.cases:
        if case.order.kind in DECISIONS:
            body = case.answers[0].body
            decided = " ".join([body.get("status", "nothing"), *body.get("reasons", [])])
            if decided != (expected := DECISIONS[case.order.kind]):
                yield f"{case.order.reference}: decided {decided}, not {expected}"
        if (case.arm is not None) != (case.order.kind in RANDOMISED):
            yield f"{case.order.reference}: {case.order.kind}, and its arm is {case.arm}"


def check_dose(run: Run) -> Iterator[str]:
    """Orders enrolled on their first day get 7, 10 or 13 texts."""
    for case in run.of(Arm.INTERVENTION):
        if case.order.kind in EXACT:
            got, expected = len(run.texts_to(case)), DOSE[case.order.days]
            if got != expected:
                yield f"{case.order.reference}: {got} texts, not {expected}"


def check_late_starts(run: Run) -> Iterator[str]:
    """
    Every reminder of a late order was sent or recorded as missed, and a text gave the expiry.

    The first text gave the conditions, unless another text was due the same day.
    """
    for case in run.of(Arm.INTERVENTION):
        if case.order.kind not in LATE:
            continue
        if len(case.reminders) != DOSE[case.order.days]:
            yield f"{case.order.reference}: {len(case.reminders)} reminders planned"
        lost = [
            reminder["theme"]
            for reminder in case.reminders
            if not reminder["sent_at"] and reminder["reason"] != Suppression.MISSED_LATE_START
        ]
        sent = case.sent()
        first_days = {local(text.seen_at).date() for text in run.texts_to(case)[:1]}
        if not sent or sent[-1]["theme"] != "expiry":
            lost.append("expiry")
        known_on = local(case.order.known_at).date()
        if not sent or (sent[0]["theme"] != "conditions" and known_on not in first_days):
            lost.append("conditions")
        if lost:
            yield f"{case.order.reference}: started late, never told {', '.join(lost)}"


def check_ended(run: Run) -> Iterator[str]:
    """Nobody is texted once in custody, and every remaining reminder has that reason."""
    for case in run.of(Arm.INTERVENTION):
        taken_at = case.order.taken_at
        if taken_at is None:
            continue
        texts = sum(text.seen_at > taken_at for text in run.texts_to(case))
        reasons = {reminder["reason"] for reminder in case.reminders if not reminder["sent_at"]}
        if texts or reasons != {Suppression.ENDED}:
            yield f"{case.order.reference}: {texts} texts after the end, {reasons}"


def check_records(run: Run) -> Iterator[str]:
    """The recorded texts are those that were sent, with the delivery that the carrier reported."""
    for case in run.of(Arm.INTERVENTION):
        said = Counter(RECORDED.get(reminder["state"], "not sent") for reminder in case.sent())
        came = Counter(WORDS[text.delivered] for text in run.texts_to(case))
        if said != came:
            yield f"{case.order.reference}: recorded {dict(said)}, in fact {dict(came)}"


def check_once(run: Run) -> Iterator[str]:
    """Nobody gets a text twice, or two texts on one day."""
    for case in run.of(Arm.INTERVENTION):
        texts = run.texts_to(case)
        bodies = Counter(text.body for text in texts)
        days = Counter(local(text.seen_at).date() for text in texts)
        again = [f"the same text {times} times" for times in bodies.values() if times > 1]
        again += [f"{times} texts on {day}" for day, times in days.items() if times > 1]
        yield from (f"{case.order.reference}: {what}" for what in again)


def check_hours(run: Run) -> Iterator[str]:
    """Every text comes between 09:00 and 20:00 local time."""
    for text in run.texts:
        if not OPENS <= local(text.seen_at).time() < CLOSES:
            yield f"{run.owner(text)}: a text at {local(text.seen_at):%H:%M on %d %B}"


def check_days(run: Run) -> Iterator[str]:
    """No text comes before the order and its number are known, or after its last day."""
    for case in run.of(Arm.INTERVENTION):
        for text in run.texts_to(case):
            at = local(text.seen_at)
            if at < case.order.known_at or at.date() > case.order.expires_on:
                yield f"{case.order.reference}: a text at {at:%H:%M on %d %B}"


def check_wording(run: Run) -> Iterator[str]:
    """A text that states a condition or a date that its order lacks misstates a court order."""
    for case in run.of(Arm.INTERVENTION):
        conditions = set(case.order.body["order"]["conditions"])
        for text in run.texts_to(case):
            yield from (
                f"{case.order.reference}: a text says {found[0]!r}, the order does not"
                for words, allowing in STATED.items()
                if (found := re.search(words, text.body)) and conditions.isdisjoint(allowing)
            )
            yield from (
                f"{case.order.reference}: a text says {day}"
                for day in WRITTEN_DATE.findall(text.body)
                if day != written(case.order.expires_on)
            )


def check_one_part(run: Run) -> Iterator[str]:
    """A text in two parts costs twice, and may arrive in halves."""
    for text in run.texts:
        try:
            if (length := septets(text.body)) > ONE_PART:
                yield f"{run.owner(text)}: a text of {length} septets"
        except WordingError as error:
            yield f"{run.owner(text)}: a text {error}"


def check_control(run: Run) -> Iterator[str]:
    """Control has neither texts nor anything planned."""
    for case in run.of(Arm.CONTROL):
        texts, planned = len(run.texts_to(case)), len(case.reminders)
        if texts or planned:
            yield f"{case.order.reference}: control, {texts} texts, {planned} reminders planned"


def check_not_randomised(run: Run) -> Iterator[str]:
    """Waiting, ineligible and refused orders get nothing."""
    for case in run.of(None):
        if texts := run.texts_to(case):
            yield f"{case.order.reference}: {case.order.kind}, but {len(texts)} texts"


def check_recipients(run: Run) -> Iterator[str]:
    """Every text went to a number in intervention, and none to a protected person."""
    approved = {case.order.number for case in run.of(Arm.INTERVENTION)}
    for case in run.cases:
        approved -= set(case.order.body["protected_numbers"])
    strangers = Counter(run.owner(text) for text in run.texts if text.number not in approved)
    yield from (f"{who}: {times} texts to this number" for who, times in strangers.items())


def check_coverage(run: Run) -> Iterator[str]:
    """The run covered both arms and every kind of order, so no check passed vacuously."""
    yield from (f"nobody in {arm}" for arm in Arm if not run.of(arm))
    sides = {local(text.seen_at).date() >= run.clock_change for text in run.texts}
    if False not in sides:
        yield "no text before the clock change"
    if True not in sides:
        yield "no text after the clock change"
    kinds = {case.order.kind for case in run.cases}
    yield from (f"no order of the kind {kind}" for kind in OrderStory if kind not in kinds)


def check_work(run: Run) -> Iterator[str]:
    """Each found number shortens the worklist; a digest names only the superintendent's orders."""
    for each in run.found:
        if each.after != each.before - 1:
            yield (
                f"{each.reference}: {each.before} waited before its number was found,"
                f" {each.after} after"
            )
    own = {
        case.order.reference
        for case in run.cases
        if case.order.body["order"]["authorising_superintendent"] == run.superintendent
    }
    named = set(re.findall(r"DVPO-[0-9]{4}-[0-9]+", run.digest))
    yield from (f"{each} is in a digest of {run.superintendent}'s" for each in sorted(named - own))
    if not named:
        yield f"{run.superintendent} was sent no digest"


CHECKS: dict[str, Callable[[Run], Iterator[str]]] = {
    "Every call was answered as the contract says; a repeat changed nothing": check_answers,
    "Everybody was randomised, or is waiting or left out for the right reason": check_decisions,
    "Intervention orders got exactly their 7, 10 or 13 texts": check_dose,
    "Late starts got what was left to send, with the rest recorded as missed": check_late_starts,
    "Nobody got a text after being taken into custody": check_ended,
    "The recorded texts are those sent, with the carrier's report": check_records,
    "No text came twice, and no two on one day": check_once,
    "Every text came between 09:00 and 20:00 local time": check_hours,
    "No text came before its order did, or after its last day": check_days,
    "No text states a condition or a date that its order lacks": check_wording,
    "Every text fits in one part": check_one_part,
    "Control got nothing": check_control,
    "Waiting, ineligible and refused orders got nothing": check_not_randomised,
    "Nobody else got anything": check_recipients,
    "Each number found shortened the worklist; digests named the right orders": check_work,
    "Both arms, every kind of order and both sides of the clock change occurred": check_coverage,
}


def verdicts(run: Run) -> dict[str, list[str]]:
    """The problems that each check found, by its title."""
    return {title: list(check(run)) for title, check in CHECKS.items()}
