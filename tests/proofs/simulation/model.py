"""
What should be true, in about a hundred lines that share nothing with the production code.

The model gets upstream's requests and answers, the commits, and the requests to the provider.
Between a request and its answer two worlds are possible: a text must be right in one of them. After
the answer there is only one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypeVar
from zoneinfo import ZoneInfo

from trial.open_claims import BEGIN_WITHIN

if TYPE_CHECKING:
    from uuid import UUID

LONDON = ZoneInfo("Europe/London")
FRESHNESS = timedelta(hours=6)
STAFF = ("Harker", "Ibbotson")
"""Who reports that there is no number, and who is to ask again."""
OPENS, CLOSES = time(9), time(20)
SLOW = timedelta(seconds=30)  # a function's timeout: how long after its look it may act

T = TypeVar("T")


class Violation(BaseException):
    """A rule is broken."""


@dataclass(frozen=True)
class Facts:
    """Upstream's reports about one order."""

    person: str
    made_on: date
    expires_on: date
    served_on: date | None
    conditions: frozenset[str]
    number: str | None
    protected: frozenset[str]
    ended: str | None = None

    @property
    def reminders(self) -> int:
        days = (self.expires_on - self.made_on).days + 1
        return int(1 + 3 * days / 7 + 0.5)


@dataclass
class Belief(Generic[T]):
    """What is certain, and what may be true while a request has no answer."""

    sure: T | None = None
    asked: T | None = None
    earlier: list[T] = field(default_factory=list)
    """What was so before, and may be again until it is reported again after a restore."""

    @property
    def worlds(self) -> list[T]:
        return [each for each in (self.sure, self.asked, *self.earlier) if each is not None]

    def answered(self, *, accepted: bool) -> None:
        self.sure, self.asked = (self.asked if accepted else self.sure), None


@dataclass(frozen=True)
class Draw:
    """The result of an enrolment's draw."""

    arm: str
    stratum: str
    trial: str
    block: int = -1  # none: a later order of somebody who has an arm
    position: int = -1

    @property
    def sequence(self) -> tuple[str, str]:
        return self.trial, self.stratum


@dataclass
class TrialModel:
    """Each check is one line that states a rule."""

    lives: dict[UUID, Belief[Facts]] = field(default_factory=lambda: defaultdict(Belief))
    paused: Belief[bool] = field(default_factory=lambda: Belief(sure=False))
    suppressed: set[str] = field(default_factory=set)
    opted_out: dict[str, datetime] = field(default_factory=dict)
    held: set[UUID] = field(default_factory=set)
    admitted: set[UUID] = field(default_factory=set)
    trials: dict[UUID, str] = field(default_factory=dict)
    arms: dict[UUID, Draw] = field(default_factory=dict)
    claims: dict[tuple[UUID, int], tuple[str, list[Facts]]] = field(default_factory=dict)
    ever_claimed: set[tuple[UUID, int]] = field(default_factory=set)
    handed: dict[tuple[UUID, int], str] = field(default_factory=dict)
    days: dict[tuple[str, date], tuple[UUID, int]] = field(default_factory=dict)

    def stored(self, ident: UUID, trial: str, opened: str | None) -> None:
        """An enrolment was stored in a trial by a function for which perhaps one was open."""
        known = self.trials.get(ident, opened)
        _must(trial == known, "an order stays in the trial that was open when it came")
        self.trials[ident] = trial

    def in_its_trial(self, ident: UUID, trial: str) -> None:
        """Something was stored of an enrolment and for a trial."""
        _must(trial == self.trials[ident], "no record of one trial counts in another")

    def left(self, text: str, *, by_email: bool) -> None:
        """Something is sent to people or systems that must not know this."""
        digits = re.sub(r"[ +()-]", "", text)
        _must("77009000" not in digits, "no number leaves the system")
        _must(not re.search("control|intervention", text), "no arm leaves the system")
        names = by_email and re.search(rf"{'|'.join(STAFF)}|\bP\d\b|1990", text)
        _must(not names, "no name leaves by email")

    def allocated(self, ident: UUID, arm: Draw, reminders: int) -> None:
        """An allocation was committed, with so many reminders."""
        _must(ident not in self.arms, "one allocation per enrolment")
        _must(
            arm.block < 0
            or (arm.sequence, arm.block, arm.position)
            not in {(each.sequence, each.block, each.position) for each in self.arms.values()},
            "no slot is used twice",
        )
        worlds = self.lives[ident].worlds
        _must(any(world.served_on for world in worlds), "nobody is drawn before service")
        _must(ident not in self.held, "nobody over the day's limit is drawn before being admitted")
        wanted = {world.reminders for world in worlds} if arm.arm == "intervention" else {0}
        _must(reminders in wanted, "a timetable is as long as the order says; for control, empty")
        self.in_its_trial(ident, arm.trial)
        own = [other for other in self.arms if self._person(other) == self._person(ident)]
        same = [other for other in own if self.trials[other] == arm.trial]
        kept = all(self.arms[other].arm == arm.arm for other in same)
        _must(kept and (arm.block < 0) == bool(same), "a person keeps the arm and has one slot")
        _must(not any(map(self._live, own)), "one live order of a person in all trials")
        self.arms[ident] = arm

    def _person(self, ident: UUID) -> str:
        return self.lives[ident].worlds[0].person

    def _live(self, ident: UUID) -> bool:
        """Whether an order is in force for sure, its respondent in custody or not."""
        today = datetime.now(LONDON).date()
        return all(
            world.ended in (None, "in_custody") and world.expires_on >= today
            for world in self.lives[ident].worlds
        )

    def planned(self, ident: UUID) -> None:
        """A reminder or a schedule came to be."""
        _must(self.arms[ident].arm == "intervention", "control has no reminder and no schedule")

    def claimed(self, ident: UUID, number: int, *, theme: str, due_at: datetime) -> None:
        """A claim was made: what the order says now suffices from here on."""
        now = datetime.now(LONDON)
        _must((ident, number) not in self.handed, "what may have been sent is not claimed again")
        worlds = self.lives[ident].worlds
        against = [self._against_claim(world, now.date()) for world in worlds]
        _must(None in against, f"no text {against[0]}")
        _must(due_at <= now <= due_at + FRESHNESS + SLOW, "no text early, none past its freshness")
        _must(now.time() >= OPENS and (now - SLOW).time() < CLOSES, "no text outside the window")
        fit = [world for world, reason in zip(worlds, against, strict=True) if reason is None]
        self.claims[ident, number] = theme, fit
        self.ever_claimed.add((ident, number))

    def counts_as_claimed(self, ident: UUID, number: int) -> None:
        """After a restore it is unknown whether a text went."""
        _must((ident, number) in self.ever_claimed, "a restore recovers claims that there were")

    def _against_claim(self, facts: Facts, today: date) -> str | None:
        """What of the order in one world forbids a claim."""
        reasons = {
            "before service": facts.served_on is None,
            "after the end": facts.ended is not None,
            "after the last day": today > facts.expires_on,
            "without a number": facts.number is None,
        }
        return next((reason for reason, applies in reasons.items() if applies), None)

    def _against(self, facts: Facts, today: date) -> str | None:
        """What in one world forbids a text: of the order, or of its number."""
        if reason := self._against_claim(facts, today):
            return reason
        reasons = {
            "to a suppressed number": facts.number in self.suppressed,
            "to a protected number": facts.number in self._protected(today),
        }
        return next((reason for reason, applies in reasons.items() if applies), None)

    def _protected(self, today: date) -> set[str]:
        """The numbers that live orders protect, in either world."""
        numbers: set[str] = set()
        for belief in self.lives.values():
            live = [w for w in belief.worlds if not w.ended and w.expires_on >= today]
            if belief.sure and len(live) == len(belief.worlds):
                numbers |= frozenset.intersection(*(world.protected for world in live))
        return numbers

    def handed_over(self, ident: UUID, number: int, phone: str, text: str) -> None:
        """One request to the provider, whatever its result."""
        _must(self.arms[ident].arm == "intervention", "control is never texted")
        _must((ident, number) not in self.handed, "one request to the provider per reminder")
        _must((ident, number) in self.claims, "no text without a claim")
        theme, fit = self.claims.pop((ident, number))
        told = [world for world in fit if world.number == phone and _says(world, theme, text)]
        _must(bool(told), "the number approved for that person, and what the order says")
        today = datetime.now(LONDON).date()
        day = (told[0].person, today)
        _must(day not in self.days, "one text a day to a person")
        against = [self._against(world, today) for world in self.lives[ident].worlds]
        _must(None in against and False in self.paused.worlds, "no text after an answer")
        now = datetime.now(LONDON)
        opted_out = self.opted_out.get(phone, now)
        _must(now - opted_out <= BEGIN_WITHIN, "no text to a number that opted out")
        clock = now.time()
        _must(OPENS <= clock < CLOSES, "no text leaves outside the window")
        self.handed[ident, number] = phone
        self.days[day] = (ident, number)

    def begun(self, ident: UUID) -> bool:
        """Whether a text may have gone, so that the dates are settled."""
        return any(who == ident for who, _ in self.handed)

    def opts_out(self, ident: UUID, number: int) -> None:
        """The carrier or the provider was understood to say that the phone opted out."""
        self.opted_out.setdefault(self.handed[ident, number], datetime.now(LONDON))

    def turned_away(self, ident: UUID, number: int) -> None:
        """The provider certainly did not take it: it may be handed over again."""
        self.handed.pop((ident, number), None)
        self.days = {day: what for day, what in self.days.items() if what != (ident, number)}

    def blocks_are_filled_in_order_and_balanced(self) -> None:
        slots = defaultdict(list)
        for each in self.arms.values():
            if each.block >= 0:
                slots[each.sequence].append((each.block, each.position, each.arm))
        for filled in map(sorted, slots.values()):
            _must(filled[0][:2] == (0, 0), "a sequence starts at its first slot")
            for (block, position, _), after in pairwise(filled):
                following = (block, position + 1), (block + 1, 0)
                _must(after[:2] in following, "no slot is skipped")
            for block in range(filled[-1][0]):
                arms = [arm for each, _, arm in filled if each == block]
                _must(arms.count("control") * 2 == len(arms), "each full block is balanced")


def _says(facts: Facts, theme: str, text: str) -> bool:
    """The text names the last day where it should, and states no condition the order lacks."""
    last = facts.expires_on
    forbids = theme == "conditions" and "contact" in text
    return (
        theme not in ("conditions", "reminder", "ends_soon", "expiry")
        or f"{last:%a} {last.day} {last:%b %Y}" in text
    ) and (not forbids or "no_contact" in facts.conditions)


def _must(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Violation(what)
