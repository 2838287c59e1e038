"""One order taken into the system, and what upstream reports to have happened since."""

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self
from uuid import UUID

from trial.aws.acts import Key
from trial.codes import (
    AgeBand,
    Condition,
    EndReason,
    Ethnicity,
    Harm,
    HoldReason,
    Instrument,
    Language,
    MissingReason,
    Model,
    NumberSource,
    OutcomeType,
    PriorIncidents,
    Reason,
    Retained,
    RiskGrade,
    Sex,
    Status,
)
from trial.identity import reference
from trial.protocol.strata import NOT_SAID, Baselines
from trial.protocol.term import Term
from trial.records.record import Record, Versioned

if TYPE_CHECKING:
    from trial.protocol.settings import Protocol

NO_END: Final = date(9999, 12, 30)
"""The last day of an order that has none, where days are compared; a day may be added to it."""


class Order(Model):
    """
    One order. `made_on` is day 0, `expires_on` the last day of which it is in force, if it has any.

    Its reference is erased with the respondent's identifiers.
    """

    type: str = "dvpo"
    reference: str | None = None
    force: str
    court: str
    made_on: date
    expires_on: date | None = None
    served_on: date | None = None
    conditions: tuple[Condition, ...]
    authorising_superintendent: str

    @property
    def days(self) -> int | None:
        """Its length, both ends counted; none without an end."""
        return self.term.days

    @property
    def last_day(self) -> date:
        """Its last day; without an end, a day that comes after all others."""
        return self.expires_on or NO_END

    @property
    def term(self) -> Term:
        """What its timetable depends on."""
        return Term(self.type, self.made_on, self.expires_on)


class Identifiers(Model):
    """Who a respondent is: never stored but sealed."""

    person_id: str
    date_of_birth: date


class Respondent(Model):
    """
    The person subject to the order: what the trial compares, and sealed, who it is.

    `of_age_on` is kept only of whoever was not of age for a year when the order was made: a
    correction of its date may go past that day. Without identifiers it is erased.
    """

    sealed: str | None = None
    age_band: AgeBand
    of_age_on: date | None = None
    sex: Sex
    ethnicity: Ethnicity | None = None
    language: Language = Language.EN
    prior_incidents: PriorIncidents | None = None
    risk_grade: RiskGrade | None = None
    first_order: bool | None = None

    @property
    def baselines(self) -> Baselines:
        """What was said of the person at enrolment and may be a stratum."""
        first = self.first_order
        return Baselines(
            prior_incidents=self.prior_incidents or NOT_SAID,
            risk_grade=self.risk_grade or NOT_SAID,
            first_order=NOT_SAID if first is None else "yes" if first else "no",
        )


class Mobile(Model):
    """A number, sealed, if one is known; and what orders, staff and others make of it."""

    sealed: str | None = None
    number_hash: str | None = None
    last_digits: str | None = None
    source: NumberSource | None = None
    unsafe: bool = False
    suppressed: bool = False
    shared: bool = False

    @property
    def seal_sha256(self) -> str | None:
        """By what the audit trail knows this seal again; it tells nothing of the number."""
        return sha256(self.sealed.encode()).hexdigest() if self.sealed else None


class Missing(Model):
    """
    A report that there is no number: why, when, by whose word, and how one was found after it.

    Another report, before one is found, stands beside it and does not change it.
    """

    reason: MissingReason
    recorded_by: str | None = None
    recorded_at: datetime
    follow_up_on: date | None = None
    follow_up_by: str | None = None
    resolved_at: datetime | None = None
    resolved_how: str | None = None


class LifeEvent(Model):
    """An end or, where `reason` is none, a return from custody: when, by whose word."""

    reason: EndReason | None = None
    at: datetime
    by: str


class Hold(Model):
    """Why an enrolment is kept as it is, whatever its age: since when, by whose word."""

    reason: HoldReason
    at: datetime
    by: str


MOST_VARIATIONS = 15
"""Variations that an enrolment's item holds; each may bring two texts more."""


class Variation(Model):
    """
    A court varied the order on a day: by whose word, and what it was until then.

    It holds `at` the moment of the answer, when remaining texts begin to follow it.
    """

    at: datetime
    varied_on: date
    by: str
    until_then: Order


class Version(NamedTuple):
    """An order as it was from a moment on."""

    since: datetime
    order: Order


class Enrolment(Versioned):
    """
    One order taken into the system. `version` counts its changes.

    While something of it is to be erased one day, it is in the index `retained`; while somebody
    has to act before it can be randomised or texted, it is in the index `worklist`.
    """

    kind: Literal["enrolment"] = "enrolment"
    enrolment_id: UUID
    status: Status
    reasons: tuple[Reason, ...] = ()
    order: Order
    respondent: Respondent
    person_hash: str
    mobile: Mobile
    mobile_recorded_at: datetime | None = None
    former_numbers: tuple[str, ...] = ()
    protected_hashes: tuple[str, ...] = ()
    enrolled_at: datetime
    changed_on: date | None = None
    request_digest: str | None = None
    first_status: Status
    first_reasons: tuple[Reason, ...] = ()
    trial: str
    stratum: str | None = None
    strata: tuple[str, ...] = ()
    month: str
    missing: tuple[Missing, ...] = ()
    life: tuple[LifeEvent, ...] = ()
    allocated_at: datetime | None = None
    dates_changed_at: datetime | None = None
    variations: tuple[Variation, ...] = ()
    breach_reported_at: datetime | None = None
    over_daily_limit: bool | None = None
    admitted_by: str | None = None
    hold: Hold | None = None
    erased_at: datetime | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The hashes of the respondent's numbers, of now and before."""
        return (*filter(None, [self.mobile.number_hash]), *self.former_numbers)

    @property
    def end(self) -> LifeEvent | None:
        """
        What ended it, if it has ended: the first end for good, or the latest custody.

        A function of which events there are, not of the order in which they came.
        """
        for_good = [each for each in self.life if each.reason not in (None, EndReason.IN_CUSTODY)]
        if for_good:
            return min(for_good, key=lambda each: (each.at, each.reason or ""))
        latest = max(self.life, key=lambda each: (each.at, each.reason is None), default=None)
        return latest if latest and latest.reason else None

    def stratum_in(self, protocol: "Protocol") -> str:
        """The stratum to which its order, as it is now, belongs."""
        return protocol.stratum_of(self.order.type, self.order.days, self.respondent.baselines)

    @property
    def held_over_daily_limit(self) -> bool:
        """Whether it came beyond the orders expected in a day, and nobody has admitted it yet."""
        return bool(self.over_daily_limit) and self.admitted_by is None

    @property
    def missing_now(self) -> Missing | None:
        """Why there is no number, while there is none."""
        return self.missing[-1] if self.missing and not self.missing[-1].resolved_at else None

    @property
    def kept_from(self) -> date:
        """The local day from which the time counts for which it is kept."""
        last_day, end = self.order.last_day, self.end
        if end and end.reason is not EndReason.IN_CUSTODY:
            discharged = end.reason is EndReason.DISCHARGED or self.order.expires_on is None
            last_day = min(last_day, end.at.date()) if discharged else last_day
        return max(last_day, self.changed_on or self.enrolled_at.date())

    @property
    def versions(self) -> Iterator[Version]:
        """The order as it was enrolled, or corrected, and as each variation made it."""
        orders = [*(each.until_then for each in self.variations), self.order]
        moments = [self.enrolled_at, *(each.at for each in self.variations)]
        return map(Version, moments, orders)

    @property
    def waits_for(self) -> tuple[Reason, ...]:
        """What keeps it from being randomised, or from its texts, until somebody acts."""
        if self.status is Status.WAITING:
            return self.reasons
        if self.status is Status.ALLOCATED and self.mobile.sealed is None:
            return (Reason.NO_NUMBER,)
        if self.status is Status.ALLOCATED and self.mobile.unsafe:
            return (Reason.UNSAFE_NUMBER,)
        if self.status is Status.ALLOCATED and self.mobile.suppressed:
            return (Reason.SUPPRESSED_NUMBER,)
        return ()

    def item(self) -> dict[str, Any]:
        """What to store, with what is counted and what is to be erased laid out for indexes."""
        # A number lost later is no attrition: this person could be randomised.
        first = next((each for each in self.missing if each.recorded_at == self.enrolled_at), None)
        counted = {
            "status": self.status,
            "reasons": list(self.reasons),
            "superintendent": self.order.authorising_superintendent,
            "missing": first.reason if first else None,
            "found": first is not None and first.resolved_at is not None,
            "resolved_how": first.resolved_how if first else None,
            "allocated": self.allocated_at is not None,
            "end": self.end.reason if self.end else None,
        }
        left = Retained.TRIAL_DATA if self.erased_at else Retained.IDENTIFIERS
        due = {
            "retained": Retained.HELD if self.hold else left,
            "last_day": self.kept_from.isoformat(),
        }
        return super().item() | {"counted": counted} | due | self._place_in_the_worklist()

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        laid_out = {"counted", "retained", "last_day", *_WORKLIST_ATTRIBUTES}
        return super().of({name: value for name, value in item.items() if name not in laid_out})

    def _place_in_the_worklist(self) -> dict[str, Any]:
        """Empty for an enrolment that waits for nothing, and once nobody can be found."""
        if not self.waits_for or self.erased_at:
            return {}
        missing = self.missing_now
        follow_up_on = (missing and missing.follow_up_on) or date.max
        place = f"{follow_up_on.isoformat()}#{self.enrolment_id}"
        return dict(zip(_WORKLIST_ATTRIBUTES, (WORKLIST, place, list(self.waits_for)), strict=True))


WORKLIST = "WAITING"
"""Where the sparse index `worklist` keeps who waits, the oldest follow-up first, undated last."""

FOLLOW_UPS = "FOLLOW_UPS"
"""Where the same index keeps what is still to be done for others."""

_WORKLIST_ATTRIBUTES = ("worklist", "worklist_place", "waits_for")


class FollowUp(Record):
    """
    That something is still to be done for others, since which version of an enrolment, by whom.

    It is in the index `worklist` until it is `done`, apart from who waits: an index has no families
    of partitions, so upstream's routes read one in which nothing depends on the arm.
    """

    kind: Literal["follow_up"] = "follow_up"
    enrolment_id: UUID
    version: int
    by: str
    done: bool = False

    def item(self) -> dict[str, Any]:
        """What to store, with its place in the index."""
        place = (FOLLOW_UPS, str(self.enrolment_id))
        laid_out = {} if self.done else dict(zip(_WORKLIST_ATTRIBUTES, place, strict=False))
        return super().item() | laid_out

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        known = {name: value for name, value in item.items() if name not in _WORKLIST_ATTRIBUTES}
        return super().of(known)


class Outcome(Record):
    """What upstream reports to have happened. A harm is of a kind, and against no instrument."""

    kind: Literal["outcome"] = "outcome"
    outcome_id: str
    type: OutcomeType
    instrument: Instrument | None = None
    harm: Harm | None = None
    same_protected_person: bool | None = None
    occurred_at: datetime
    reference: str | None = None
    reported_at: datetime


def enrolment_partition(enrolment_id: UUID) -> str:
    """The partition of an enrolment and its outcomes: nothing in it depends on the arm."""
    return f"enrolment#{enrolment_id}"


def enrolment_key(enrolment_id: UUID) -> Key:
    """Where an enrolment is."""
    return Key(enrolment_partition(enrolment_id), "enrolment")


def follow_up_key(enrolment_id: UUID) -> Key:
    """Where it says that something is still to be done for others."""
    return Key(enrolment_partition(enrolment_id), "follow_up")


def orders_key(day: date) -> Key:
    """Where it says how many orders were taken in on a local day."""
    return Key(f"orders#{day.isoformat()}", "orders")


def outcome_key(enrolment_id: UUID, outcome_id: str) -> Key:
    """Where an outcome is."""
    return Key(enrolment_partition(enrolment_id), f"outcome#{reference(outcome_id)}")
