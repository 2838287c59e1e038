"""One order taken into the system, and what upstream has reported about it since."""

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple
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
"""Stands for the last day of an order without an end; leaves room to add a day."""


WORKLIST = "WAITING"
"""The part of the sparse index `worklist` with waiting orders, the oldest follow-up first."""

FOLLOW_UPS = "FOLLOW_UPS"
"""The part of the same index with follow-ups that are still to be done."""

_WORKLIST_ATTRIBUTES = ("worklist", "worklist_place", "waits_for")


class Order(Model):
    """
    One order. `made_on` is day 0; `expires_on` is the last day on which it is in force, if any.

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
        """Its length in days, first and last included; None without an end."""
        return self.term.days

    @property
    def last_day(self) -> date:
        """Its last day; without an end, a day after all others."""
        return self.expires_on or NO_END

    @property
    def term(self) -> Term:
        """The part of it that determines its timetable."""
        return Term(self.type, self.made_on, self.expires_on)

    def says_the_same_as(self, other: "Order") -> bool:
        """Whether they differ at most in the reference and in the sequence of their conditions."""
        alike = {"reference": other.reference, "conditions": other.conditions}
        same_conditions = set(self.conditions) == set(other.conditions)
        return same_conditions and self.model_copy(update=alike) == other


class Identifiers(Model):
    """Who a respondent is: only stored sealed."""

    person_id: str
    date_of_birth: date


class Respondent(Model):
    """
    The person subject to the order: what the trial compares and, sealed, who it is.

    `of_age_on` is stored only if it is later than a year before the order was made, because a
    correction of the order's date may cross it. It is erased with the identifiers.
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
        """The facts recorded at enrolment by which a protocol may stratify."""
        first = self.first_order
        return Baselines(
            prior_incidents=self.prior_incidents or NOT_SAID,
            risk_grade=self.risk_grade or NOT_SAID,
            first_order=NOT_SAID if first is None else "yes" if first else "no",
        )


class Mobile(Model):
    """A number, sealed, if one is known; and how orders, staff and other people mark it."""

    sealed: str | None = None
    number_hash: str | None = None
    last_digits: str | None = None
    source: NumberSource | None = None
    unsafe: bool = False
    suppressed: bool = False
    shared: bool = False

    @property
    def seal_sha256(self) -> str | None:
        """The hash by which the audit trail recognises this seal; it reveals nothing."""
        return sha256(self.sealed.encode()).hexdigest() if self.sealed else None


class Missing(Model):
    """
    A report that there is no number: why, when, who recorded it, and how one was found later.

    A second report, before a number is found, is added and does not change the first.
    """

    reason: MissingReason
    recorded_by: str | None = None
    recorded_at: datetime
    follow_up_on: date | None = None
    follow_up_by: str | None = None
    resolved_at: datetime | None = None
    resolved_how: str | None = None


class LifeEvent(Model):
    """An end or, if `reason` is None, a return from custody: when, and who reported it."""

    reason: EndReason | None = None
    at: datetime
    by: str


class Hold(Model):
    """Why nothing of an enrolment may be erased: since when, and who asked for it."""

    reason: HoldReason
    at: datetime
    by: str


MOST_HOLDS = 20
"""The most holds that an enrolment's item names."""

MOST_VARIATIONS = 15
"""The most variations that an enrolment's item holds; each may add two texts."""


class Variation(Model):
    """
    A court's variation of the order: on which day, who reported it and how, and the order before.

    It takes effect at `at`, the moment of the answer, from when remaining texts follow it.
    """

    at: datetime
    varied_on: date
    by: str
    until_then: Order
    reported: Order | None = None


class Version(NamedTuple):
    """An order as it is from a moment on."""

    since: datetime
    order: Order


class Enrolment(Versioned):
    """
    One order taken into the system. `version` counts its changes.

    It is in the index `retained` while any of it is still to be erased, and in the index `worklist`
    while somebody has to act before it can be randomised or texted.
    """

    derived: ClassVar[frozenset[str]] = frozenset(
        {"counted", "retained", "last_day", *_WORKLIST_ATTRIBUTES}
    )
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
    other_holds: tuple[Hold, ...] = ()
    erased_at: datetime | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        """The hashes of the respondent's numbers, present and former."""
        return (*filter(None, [self.mobile.number_hash]), *self.former_numbers)

    @property
    def end(self) -> LifeEvent | None:
        """
        What ended it, if it has ended: the first final end, or the latest custody.

        It depends on which events there are, not on the order in which they arrived.
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
        """Whether it exceeds the day's limit of orders and nobody has admitted it yet."""
        return bool(self.over_daily_limit) and self.admitted_by is None

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Everybody's holds, the latest last: while there is any, nothing is erased."""
        return (*self.other_holds, *filter(None, [self.hold]))

    def with_holds(self, holds: tuple[Hold, ...]) -> "Enrolment":
        """The enrolment with these holds instead."""
        update = {"hold": holds[-1] if holds else None, "other_holds": holds[:-1]}
        return self.model_copy(update=update)

    @property
    def missing_now(self) -> Missing | None:
        """Why there is no number, while there is none."""
        return self.missing[-1] if self.missing and not self.missing[-1].resolved_at else None

    @property
    def kept_from(self) -> date:
        """The local day on which its retention period begins."""
        last_day, end = self.order.last_day, self.end
        if end and end.reason is not EndReason.IN_CUSTODY:
            discharged = end.reason is EndReason.DISCHARGED or self.order.expires_on is None
            last_day = min(last_day, end.at.date()) if discharged else last_day
        return max(last_day, self.changed_on or self.enrolled_at.date())

    @property
    def versions(self) -> Iterator[Version]:
        """The order as enrolled or corrected, then after each variation."""
        orders = [*(each.until_then for each in self.variations), self.order]
        moments = [self.enrolled_at, *(each.at for each in self.variations)]
        return map(Version, moments, orders)

    @property
    def waits_for(self) -> tuple[Reason, ...]:
        """Why it cannot be randomised, or texted, until somebody acts."""
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
        """What to store, with the attributes that indexes need."""
        # A number lost later is not counted as missing: this person could be randomised.
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

    def _place_in_the_worklist(self) -> dict[str, Any]:
        """Empty for an enrolment that waits for nothing or is erased."""
        if not self.waits_for or self.erased_at:
            return {}
        missing = self.missing_now
        follow_up_on = (missing and missing.follow_up_on) or date.max
        place = f"{follow_up_on.isoformat()}#{self.enrolment_id}"
        return dict(zip(_WORKLIST_ATTRIBUTES, (WORKLIST, place, list(self.waits_for)), strict=True))


class FollowUp(Record):
    """
    A note that other enrolments are still to be updated after a version of this one, and by whom.

    After a suppression it names a number instead: everyone with it is still to be settled. If it
    replaced a note that was not done, all are to be settled `again`. It is in the index `worklist`
    until it is `done`, separate from waiting orders. An index has no families of partitions, so
    upstream's routes use one in which nothing depends on the arm.
    """

    derived: ClassVar[frozenset[str]] = frozenset(_WORKLIST_ATTRIBUTES)
    kind: Literal["follow_up"] = "follow_up"
    enrolment_id: UUID | None = None
    number_hash: str | None = None
    version: int = 0
    by: str
    again: bool = False
    done: bool = False

    def item(self) -> dict[str, Any]:
        """What to store, with its place in the index."""
        place = (FOLLOW_UPS, str(self.enrolment_id or self.number_hash))
        laid_out = {} if self.done else dict(zip(_WORKLIST_ATTRIBUTES, place, strict=False))
        return super().item() | laid_out


class Outcome(Record):
    """An outcome that upstream reports. A harm has a kind (`harm`) and no instrument."""

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
    """The key of an enrolment."""
    return Key(enrolment_partition(enrolment_id), "enrolment")


def enrolment_at(key: Key) -> UUID | None:
    """The enrolment of an item, by the item's key; None if the key is no enrolment's."""
    try:
        return UUID(key.pk.partition("#")[2])
    except ValueError:
        return None


def follow_up_key(enrolment_id: UUID) -> Key:
    """The key of an enrolment's note of a follow-up."""
    return Key(enrolment_partition(enrolment_id), "follow_up")


def number_follow_up_key(number_hash: str) -> Key:
    """The key of the note that those with a suppressed number are still to be settled."""
    return Key(f"number#{number_hash}", "follow_up")


def orders_key(day: date, *, rehearsals: bool = False) -> Key:
    """The key of the count of orders, or of rehearsals, taken in on a local day."""
    return Key(f"orders#{day.isoformat()}", "rehearsals" if rehearsals else "orders")


def outcome_key(enrolment_id: UUID, outcome_id: str) -> Key:
    """The key of an outcome."""
    return Key(enrolment_partition(enrolment_id), f"outcome#{reference(outcome_id)}")
