"""
The police system: posts orders and changes, and retries until it gets an answer.

It never has two open requests about one order; otherwise anything may come at any moment.
All people are made up, and so few that they share numbers and return.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.proofs.simulation.faults import Fault
from tests.proofs.simulation.model import LONDON, STAFF, Facts, Violation
from tests.proofs.simulation.world import Failed
from tests.support.routing import answering
from tests.support.samples import sample
from trial.identity import enrolment_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tests.proofs.simulation.world import World
    from trial.aws.kms import MacKey

_REFUSED, _CONFLICT, _SERVER_ERROR = 400, 409, 500
_MOST_NEWS = 200  # in mid-call: each makes calls, which bring more, in some seeds without end
_FOR_GOOD = ("recorded_in_error", "quashed", "deceased", "wrong_number", "safety_stop")
_CONDITIONS = (
    ("no_molestation",),
    ("no_molestation", "no_contact"),
    ("no_molestation", "no_entry"),
)

_BY = {"recorded_by": f"DC {STAFF[0]}", "follow_up_by": f"PC {STAFF[1]}"}


@dataclass(frozen=True)
class Request:
    """One call of the API, and the facts once it is accepted."""

    method: str
    path: str
    body: dict[str, Any]
    expected: frozenset[int]
    about: UUID | None = None
    facts: Facts | None = None
    paused: bool | None = None
    suppresses: str | None = None
    repeatable: bool = True
    then: Callable[[], None] | None = None
    """What follows its answer, if it reports again after a restore."""


class Upstream:
    """A handful of people over a few weeks: `scatter` makes them up, or a test gives a story."""

    def __init__(self, world: World, start: datetime, identity: MacKey) -> None:
        self._world = world
        self._identity = identity
        self._rng = world.rng
        self._serial = count(1)
        self._meddled = 0
        self._busy: set[UUID | str] = set()
        self._accepted: list[tuple[datetime, Request]] = []
        self._again: deque[Request] = deque()
        self._finish: Callable[[], None] = lambda: None
        self._restoring = False
        self._reported_again: set[UUID] = set()
        """Orders whose dates may change after a text: a restore may have lost a correction."""
        self.open_trial: Callable[[str], None] = lambda _: None
        self.eager = self._rng.choice((0.02, 0.1, 0.5))
        self._numbers = [f"+4477009000{each:02}" for each in range(self._rng.choice((3, 10, 40)))]
        self._start = start
        self.orders: dict[UUID, dict[str, Any]] = {}
        self.until = start

    def scatter(self) -> None:
        """People, orders and lives by chance, sometimes all of them known at one moment."""
        rng, first = self._rng, self._start.date()
        self._world.orders_per_day = rng.choice((1000, 1000, 1))
        burst = self._sometime(first, 8) if rng.random() < 0.4 else None
        for person in range(rng.choice((1, 2, 3, 3, 4, 8))):
            made_on = first + timedelta(days=rng.randint(0, 6))
            for _ in range(rng.choice((1, 1, 1, 2))):
                days = rng.choice((14, 14, 28, rng.randint(14, 28)))
                known_at = self._sometime(made_on, rng.choice((1, 1, 9)))
                facts = Facts(
                    f"P{person}",
                    made_on,
                    made_on + timedelta(days=days - 1),
                    made_on if rng.random() < 0.8 else None,
                    frozenset(rng.choice(_CONDITIONS)),
                    rng.choice(self._numbers) if rng.random() < 0.8 else None,
                    frozenset([rng.choice(self._numbers)] if rng.random() < 0.3 else []),
                )
                at = burst if burst and burst.date() > made_on else known_at
                ident = self.order(facts, at, of_age=rng.random() < 0.9)
                for _ in range(rng.choice((0, 0, 1, 2, 4))):
                    told_at = self._sometime(made_on, days)
                    self._world.at(told_at, "life goes on", partial(self.send_news, ident))
                if self._world.strikes(Fault.POISONED):
                    self._world.poisoned.add(ident)
                made_on += timedelta(days=rng.choice((days, days, rng.randint(1, days))))
        for _ in range(rng.choice((0, 0, 1, 2))):
            self._world.at(self._sometime(first, 30), "operations", self.operate)

    def order(self, facts: Facts, known_at: datetime, *, of_age: bool = True) -> UUID:
        """An order that will be posted at that moment."""
        reference = f"DVPO-{next(self._serial):06}"
        ident = enrolment_id(self._identity, "durham", reference)
        self.orders[ident] = {
            "reference": reference,
            "force": "durham",
            "court": "Peterlee Magistrates' Court",
            "made_on": f"{facts.made_on}",
            "expires_on": f"{facts.expires_on}",
            "conditions": sorted(facts.conditions),
            "authorising_superintendent": "S-0417",
        } | ({"served_on": f"{facts.served_on}"} if facts.served_on else {})
        missing = {"missing_reason": "no_phone"} | _BY
        body = {
            "event_id": f"E-{reference}",
            "order": self.orders[ident],
            "respondent": {
                "person_id": facts.person,
                "date_of_birth": "1990-05-01" if of_age else "2010-05-01",
                "sex": "male",
            },
            "mobile": {"number": facts.number} if facts.number else missing,
            "protected_numbers": sorted(facts.protected),
        }
        enrol = Request("POST", "/enrolments", body, frozenset({200, 202}), ident, facts)
        self._world.at(known_at, "an order", partial(self.ask, enrol))
        self._world.counted["person-days"] += (facts.expires_on - facts.made_on).days + 1
        self._lasts(facts.expires_on)
        return ident

    def _lasts(self, last_day: date) -> None:
        self.until = max(self.until, datetime.combine(last_day, time(23), UTC))

    def _sometime(self, day: date, days: int) -> datetime:
        seconds = self._rng.randint(0, days * 86400 - 1)
        return datetime.combine(day, time(), LONDON).astimezone(UTC) + timedelta(seconds=seconds)

    def sometime(self, what: str, act: Callable[[], None]) -> None:
        """It happens in the days in which most orders come and are drawn."""
        self._world.at(self._sometime(self._start.date(), 10), what, act)

    def rerun(self, close: Callable[[], None]) -> None:
        """The trial is closed while orders arrive; some people get new orders."""
        closing = self._sometime(self._start.date(), 8)
        self._world.at(closing, "the trial is closed", close)
        for _ in range(self._rng.choice((1, 2, 4))):
            ident = self._rng.choice(list(self.orders))
            at = self._sometime(closing.date(), 14)
            self._world.at(at, "anew", partial(self._anew, ident))

    def meddle(self, about: UUID | None) -> None:
        """Something happens in mid-call, most likely to the enrolment being processed."""
        chance = self._rng.random()
        if about in self.orders and chance < self.eager:
            if self._meddled < _MOST_NEWS:
                self._meddled += 1
                self.send_news(about)
        elif chance > 1 - self.eager / 20:
            self.operate()

    def admit(self, ident: UUID) -> None:
        """Somebody looked at an order beyond the day's limit, and lets it in."""
        model = self._world.model
        if model.lives[ident].sure is None or self._must_wait(ident):
            self._world.after(30, "an admission waits", partial(self.admit, ident))
            return
        model.held.discard(ident)
        model.admitted.add(ident)
        path, facts = f"/enrolments/{ident}/admit", model.lives[ident].sure
        body = {"by": "OPS-1"}
        self.ask(Request("POST", path, body, frozenset({200, 409}), ident, facts))

    def _told(self, request: Request, answer: dict[str, Any]) -> None:
        """What the answer to an order says of it: beyond the day's limit it is held."""
        model, ident = self._world.model, request.about
        reasons = answer.get("reasons", ())
        held = request.path == "/enrolments" and "held_over_daily_limit" in reasons
        if held and ident and ident not in model.held | model.admitted:
            model.held.add(ident)
            self._world.counted["held over the day's limit"] += 1
            wait = self._rng.choice((60, 5 * 3600, 5 * 86400))
            self._world.after(wait, "an order is admitted", partial(self.admit, ident))

    def send_news(self, ident: UUID) -> None:
        """One more thing about an order that is known."""
        facts = self._world.model.lives[ident].sure
        if facts and not self._must_wait(ident):
            self._rng.choice(
                (self._found, self._found, self._lost, self._served, self._correct, self._correct,
                 self._end, self._outcome, self._other_content)
            )(ident, facts)  # fmt: skip

    def operate(self) -> None:
        """The switch is turned for a while, or a number suppressed."""
        if "operations" in self._busy:
            return
        if self._rng.random() < 0.2:
            self.suppress(self._rng.choice(self._numbers))
        elif not self._world.model.paused.sure:
            self.switch(paused=True)
            wait = self._rng.choice((600, 5 * 3600, 30 * 3600))
            self._world.after(wait, "operations resume", partial(self.switch, paused=False))

    def suppress(self, number: str) -> None:
        body = {"number": number, "reason": "wrong_number", "by": "OPS-1"}
        self.ask(Request("POST", "/suppressions", body, frozenset({200, 201}), suppresses=number))

    def switch(self, *, paused: bool) -> None:
        body = {"paused": paused, "reason": "exercise", "by": "OPS-1"}
        expected = frozenset({200})
        self.ask(Request("PUT", "/sending", body, expected, paused=paused, repeatable=False))

    def change(self, ident: UUID, what: str, body: dict[str, Any], **after: Any) -> None:
        """Report the present facts; accepted unless the order has ended."""
        facts = self._world.model.lives[ident].sure
        if facts is None or self._must_wait(ident):
            later = partial(self.change, ident, what, body, **after)
            self._world.after(30, f"{what} waits", later)
            return
        method = "PUT" if what in ("mobile", "service", "order") else "POST"
        moves = after.get("expires_on", facts.expires_on) != facts.expires_on
        begun = self._world.model.begun(ident) and ident not in self._reported_again
        refused = moves and begun
        expected = frozenset({409} if refused else {200, 201, 409})
        path, then = f"/enrolments/{ident}/{what}", replace(facts, **after)
        self.ask(Request(method, path, body, expected, ident, then, repeatable=method == "POST"))

    def _found(self, ident: UUID, _: Facts) -> None:
        number = self._rng.choice(self._numbers)
        self.change(ident, "mobile", {"number": number}, number=number)

    def _lost(self, ident: UUID, facts: Facts) -> None:
        on = self._world.now.date() + timedelta(days=2)
        body = {"missing_reason": "lost_stolen_broken", "follow_up_on": f"{on}"} | _BY
        self.change(ident, "mobile", body, number=None)
        wait = self._rng.choice((86400, 4 * 86400))
        self._world.after(wait, "a number is found", partial(self._found, ident, facts))

    def _served(self, ident: UUID, facts: Facts) -> None:
        today = self._world.now.astimezone(LONDON).date()
        if facts.served_on is None:
            self.change(ident, "service", {"served_on": f"{today}"}, served_on=today)

    def _correct(self, ident: UUID, facts: Facts) -> None:
        """Correct the conditions, and sometimes the last day."""
        last = facts.expires_on
        if self._rng.random() < 0.5:
            last = facts.made_on + timedelta(days=self._rng.randint(14, 28) - 1)
        self.correct(ident, self._rng.choice(_CONDITIONS), last)

    def correct(self, ident: UUID, conditions: tuple[str, ...], last: date) -> None:
        self._lasts(last)
        body = self.orders[ident] | {"conditions": list(conditions), "expires_on": f"{last}"}
        after = {"conditions": frozenset(conditions), "expires_on": last}
        self.change(ident, "order", body, **after)

    def _end(self, ident: UUID, _: Facts) -> None:
        self.end(ident, self._rng.choice((*_FOR_GOOD, *["in_custody"] * 9)))
        back = self._rng.choice((600, 86400, 3 * 86400))
        self._world.after(back, "out of custody", partial(self.resume, ident))

        if self._rng.random() < 0.3:
            self._world.after(self._rng.choice((0, 60, 9000)), "anew", partial(self._anew, ident))

    def _anew(self, ident: UUID) -> None:
        """The same person gets another order today."""
        facts = self._world.model.lives[ident].sure
        today = self._world.now.astimezone(LONDON).date()
        if facts and len(self.orders) < 16:
            last = today + timedelta(days=13)
            again = replace(facts, made_on=today, expires_on=last, served_on=today, ended=None)
            self.order(again, self._world.now)

    def end(self, ident: UUID, reason: str) -> None:
        facts = self._world.model.lives[ident].sure
        before = facts.ended if facts else None
        ended = before if before in _FOR_GOOD else reason
        self.change(ident, "end", self._event(reason), ended=ended)

    def resume(self, ident: UUID) -> None:
        facts = self._world.model.lives[ident].sure
        if facts and facts.ended == "in_custody":
            self.change(ident, "resume", self._event("in_custody"), ended=None)

    def _event(self, reason: str) -> dict[str, Any]:
        """Each at a moment of its own: two at one moment have no order."""
        at = self._world.now + timedelta(microseconds=next(self._serial))
        return {"reason": reason, "at": at.isoformat(), "by": "PC-1182"}

    def _outcome(self, ident: UUID, _: Facts) -> None:
        self.outcome(ident, self._rng.choice(("arrest", "breach")))

    def outcome(self, ident: UUID, kind: str) -> None:
        body = {
            "outcome_id": f"O-{next(self._serial)}",
            "type": kind,
            "instrument": "dvpo",
            "occurred_at": self._world.now.isoformat(),
        }
        self.change(ident, "outcomes", body)

    def _other_content(self, ident: UUID, facts: Facts) -> None:
        """The same order as if it were another: refused, whatever has happened since."""
        body = {
            "event_id": "E-other",
            "order": self.orders[ident] | {"court": "Newton Aycliffe Magistrates' Court"},
            "respondent": {"person_id": "other", "date_of_birth": "1980-01-01", "sex": "male"},
            "mobile": {"missing_reason": "refused"},
        }
        self.ask(Request("POST", "/enrolments", body, frozenset({409}), ident, facts))

    # --- asking, until there is an answer ----------------------------------------------------

    def ask(self, request: Request) -> None:
        place = request.about or "operations"
        if place in self._busy or (self._restoring and not request.then):
            self._world.after(30, f"{request.path} waits", partial(self.ask, request))
            return
        self._busy.add(place)
        self._ask(request, place)

    def _ask(self, request: Request, place: UUID | str) -> None:
        if request.about:
            self._world.model.lives[request.about].asked = request.facts
        if request.paused is not None:
            self._world.model.paused.asked = request.paused
        shut = self._world.deployed.get("enrolment", {}).get("TAKES_ORDERS") == "false"
        status = self._status(request)
        if status is None or status >= _SERVER_ERROR:
            wait = self._rng.choice((0.2, 5, 60))
            self._world.after(wait, f"{request.path} again", partial(self._ask, request, place))
            return
        self._must_be_expected(status, request, shut=shut)
        self._busy.discard(place)
        self._answered(request, status)

    def _answered(self, request: Request, status: int) -> None:
        """One possible world fewer."""
        if request.about and self._rng.random() < self.eager / 2:
            self._world.after(0.5, "at once", partial(self.send_news, request.about))
        accepted = status < _REFUSED
        if accepted and not request.then:
            self._accepted.append((self._world.now, request))
        for belief, asked in (
            (self._world.model.lives[request.about] if request.about else None, request.facts),
            (self._world.model.paused, request.paused),
        ):
            if belief is not None and asked is not None:
                belief.answered(accepted=accepted)
        if request.suppresses:
            self._world.model.suppressed.add(request.suppresses)
        if request.then:
            self._world.after(1, "upstream goes on", request.then)
        if accepted and request.repeatable and self._world.strikes(Fault.ASKED_AGAIN):
            wait = self._rng.choice((0, 600, 25 * 3600))
            again = partial(self._repeated, request)
            self._world.after(wait, f"{request.path} repeated", again)

    def _must_wait(self, ident: UUID) -> bool:
        """Whether what is so of an order is still to be answered, or to be reported again."""
        return self._restoring or ident in self._busy

    @property
    def has_open_questions(self) -> bool:
        return bool(self._busy)

    def report_again(self, since: datetime, finish: Callable[[], None]) -> None:
        """The system has lost the later reports: report them again, then resume."""
        self._restoring, self._finish = True, finish
        model, since = self._world.model, since - timedelta(minutes=1)
        lost = [each for at, each in self._accepted if at >= since and each.paused is None]
        self._reported_again |= {each.about for each in lost if each.about}
        for ident in self._reported_again:
            of_it = [(at, each.facts) for at, each in self._accepted if each.about == ident]
            before = [facts for at, facts in of_it if at < since][-1:]
            after = [facts for at, facts in of_it if at >= since]
            model.lives[ident].earlier = [each for each in (*before, *after) if each]
        again = frozenset({200, 201, 202, _CONFLICT})
        self._again.extend(
            replace(
                each,
                facts=model.lives[each.about].sure if each.about else None,
                expected=again,
                repeatable=False,
                then=self._report_next,
            )
            for each in lost
        )
        self._world.after(60, "upstream reports again", self._report_next)

    def _report_next(self) -> None:
        if self._again:
            request = self._again.popleft()
            if request.path == "/enrolments" and request.about:
                self.open_trial(self._world.model.trials[request.about])
                # It counts among today's orders now, and may be within the limit.
                self._world.model.held.discard(request.about)
            facts = request.facts
            if request.path.endswith("/order") and facts and facts.served_on:  # as it is now
                served = {"served_on": f"{facts.served_on}"}
                request = replace(request, body=request.body | served)
            if "follow_up_on" in request.body:  # the day may have passed: another is given
                on = {"follow_up_on": f"{self._world.now.date() + timedelta(days=2)}"}
                request = replace(request, body=request.body | on)
            self.ask(request)
            return
        for belief in self._world.model.lives.values():
            belief.earlier.clear()
        self._restoring = False
        self._finish()
        wait = self._rng.choice((60, 3600))
        self._world.after(wait, "operations resume", partial(self.switch, paused=False))

    def _must_be_expected(self, status: int, request: Request, *, shut: bool) -> None:
        """While no trial is open, orders are refused, and posted again later."""
        if status in request.expected:
            return
        if not (shut and status == _CONFLICT and request.path == "/enrolments"):
            raise Violation(f"{request.method} {request.path} is answered {status}")
        self._world.after(6 * 3600, "an order again", partial(self.ask, request))

    def _repeated(self, request: Request) -> None:
        """Repeat it long after the answer: no fact changes, whatever the answer."""
        self._status(request)

    def _status(self, request: Request) -> int | None:
        label = f"{request.method} {'/'.join(request.path.split('/')[1:4:2])}"
        event = sample("api-enrol") | {
            "httpMethod": request.method,
            "path": request.path,
            "resource": request.path,
            "body": json.dumps(request.body),
        }
        try:
            function = answering(request.method, request.path)
            answer = self._world.invoke(function, event, label=label, about=request.about)
        except Failed:
            return None
        self._world.note(f"{label} is answered {answer['statusCode']}")
        self._told(request, json.loads(answer["body"]))
        status: int = answer["statusCode"]
        return status
