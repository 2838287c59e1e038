"""
What the table holds. One model per kind of item, apart from the wire's and the events'.

Partition of an enrolment: the enrolment, its allocation, its reminders, its audit entries.
Beside them: a person (whose orders are these), a number (who may not or does use it), a
stratum's cursor, a person's day with a text, a text's message id, and the switch.
"""

from datetime import date, datetime
from secrets import token_hex
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from trial.aws.acts import ABSENT, Act, Check, Key, put
from trial.codes import (
    AgeBand,
    Arm,
    Condition,
    EndReason,
    Ethnicity,
    Harm,
    HoldReason,
    Instrument,
    MissingReason,
    Model,
    OutcomeType,
    PriorIncidents,
    Reason,
    ReminderState,
    Retained,
    RiskGrade,
    Sex,
    Status,
    Suppression,
    Why,
)


class Record(Model):
    """An item, which knows how it is stored."""

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        return cls.model_validate(item)

    def item(self) -> dict[str, Any]:
        """What to store: JSON types only."""
        return self.model_dump(mode="json", exclude_none=True)


class Order(Model):
    """
    One DVPO. `made_on` is day 0, `expires_on` the last day of which it is in force.

    Its reference is erased with the respondent's identifiers.
    """

    reference: str | None = None
    force: str
    court: str
    made_on: date
    expires_on: date
    served_on: date | None = None
    conditions: tuple[Condition, ...]
    authorising_superintendent: str

    @property
    def days(self) -> int:
        """Its length, both ends counted."""
        return (self.expires_on - self.made_on).days + 1


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
    prior_incidents: PriorIncidents | None = None
    risk_grade: RiskGrade | None = None
    first_order: bool | None = None


class Mobile(Model):
    """A number, sealed, if one is known: whether an order protects it, whether others use it."""

    sealed: str | None = None
    number_hash: str | None = None
    last_digits: str | None = None
    unsafe: bool = False
    shared: bool = False


class Missing(Model):
    """A time without a number: why, by whose word, and how it came to an end."""

    reason: MissingReason
    recorded_by: str | None = None
    recorded_at: datetime
    follow_up_on: date | None = None
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


class Enrolment(Record):
    """
    One order taken into the system. `version` counts its changes.

    While something of it is to be erased one day, it is in the index `retained`.
    """

    kind: Literal["enrolment"] = "enrolment"
    enrolment_id: UUID
    status: Status
    reasons: tuple[Reason, ...] = ()
    order: Order
    respondent: Respondent
    person_hash: str
    mobile: Mobile
    former_numbers: tuple[str, ...] = ()
    protected_hashes: tuple[str, ...] = ()
    enrolled_at: datetime
    request_digest: str | None = None
    first_status: Status
    first_reasons: tuple[Reason, ...] = ()
    trial: str
    month: str
    missing: tuple[Missing, ...] = ()
    life: tuple[LifeEvent, ...] = ()
    allocated_at: datetime | None = None
    dates_changed_at: datetime | None = None
    breach_reported_at: datetime | None = None
    hold: Hold | None = None
    erased_at: datetime | None = None
    version: int = 1

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

    @property
    def missing_now(self) -> Missing | None:
        """Why there is no number, while there is none."""
        return self.missing[-1] if self.missing and not self.missing[-1].resolved_at else None

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
        due = {} if self.hold else {"retained": left, "last_day": self.order.expires_on.isoformat()}
        return super().item() | {"counted": counted} | due

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        laid_out = ("counted", "retained", "last_day")
        return super().of({name: value for name, value in item.items() if name not in laid_out})


class Allocation(Record):
    """An enrolment's arm, and where in the sequence it stands. Never changed."""

    kind: Literal["allocation"] = "allocation"
    enrolment_id: UUID
    arm: Arm
    stratum: str
    block: int | None = None
    position: int | None = None
    allocated_at: datetime
    protocol: str
    protocol_sha256: str
    repeat: bool = False


OPEN_STATES = frozenset(
    {
        ReminderState.PLANNED,
        ReminderState.SCHEDULED,
        ReminderState.CLAIMED,
        ReminderState.SENT,
        ReminderState.UNKNOWN,  # until no receipt can come any more
    }
)
"""The states in which reconciliation looks at a reminder."""

SHARDS = tuple(f"OPEN#{shard}" for shard in range(8))
"""Where the sparse index `open_reminders` keeps them, by when they are due."""


def open_shard(enrolment_id: UUID) -> str:
    """Where the open reminders of an enrolment are."""
    return SHARDS[enrolment_id.int % len(SHARDS)]


class Reminder(Record):
    """One planned text. While it is open, and only then, it is in the index `open_reminders`."""

    kind: Literal["reminder"] = "reminder"
    enrolment_id: UUID
    number: int
    theme: str
    due_at: datetime
    state: ReminderState
    reason: Suppression | str | None = None
    protocol: str
    protocol_sha256: str
    claimed_at: datetime | None = None
    message_id: str | None = None
    sent_at: datetime | None = None
    closed_at: datetime | None = None
    delivered_at: datetime | None = None
    parts: int | None = None
    price_pence: str | None = None

    def item(self) -> dict[str, Any]:
        """What to store, with its place in the index."""
        place = {"open_shard": open_shard(self.enrolment_id)} if self.state in OPEN_STATES else {}
        return super().item() | place

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        return super().of({name: value for name, value in item.items() if name != "open_shard"})


class Message(Record):
    """Which reminder a text was."""

    kind: Literal["message"] = "message"
    enrolment_id: UUID
    number: int


class Receipt(Model):
    """
    The carrier's word on one text: under its message id, and never with the number.

    `published_at` is when the provider took the text, `at` when it was delivered or given up.
    """

    message_id: str
    published_at: datetime
    at: datetime
    state: Literal[ReminderState.DELIVERED, ReminderState.UNDELIVERED]
    reason: str | None = None
    parts: int | None = None
    price_pence: str | None = None


class Stray(Record):
    """A receipt for a text that no reminder is known to have been."""

    kind: Literal["stray"] = "stray"
    receipt: Receipt
    number_hash: str


class Person(Record):
    """Which orders somebody has (the last day of each), and the first one allocated."""

    kind: Literal["person"] = "person"
    enrolments: dict[UUID, date] = Field(default_factory=dict)
    allocated: UUID | None = None
    version: int = 1


class SuppressedNumber(Model):
    """Why a number is never texted again, by whose word."""

    reason: str
    at: datetime
    by: str


class Number(Record):
    """Whose number this is, and whose orders protect it: the last day of each order."""

    kind: Literal["number"] = "number"
    respondents: dict[UUID, date] = Field(default_factory=dict)
    protected: dict[UUID, date] = Field(default_factory=dict)
    suppressed: SuppressedNumber | None = None
    version: int = 1


class Cursor(Record):
    """The next free slot of a stratum: block and position, both from 0, and the block's design."""

    kind: Literal["cursor"] = "cursor"
    block: int = 0
    position: int = 0
    design: str = ""


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


class Switch(Record):
    """Whether the whole trial's sending is paused, why and by whose word."""

    kind: Literal["switch"] = "switch"
    paused: bool
    reason: str
    by: str
    at: datetime
    version: int = 1


_WHY = {
    "enrolled": Why.COLLECTION,
    "outcome_reported": Why.COLLECTION,
    "collected": Why.COLLECTION,
    "consulted": Why.CONSULTATION,
    "disclosed": Why.DISCLOSURE,
    "number_protected": Why.COMBINATION,
    "number_shared": Why.COMBINATION,
    "erased": Why.ERASURE,
}


class Audit(Record):
    """One thing done to an enrolment's data: when, what and by whom. Never what it held."""

    kind: Literal["audit"] = "audit"
    at: datetime
    what: str
    by: str

    @property
    def why(self) -> Why:
        """Which kind of processing it was: its last word tells."""
        return _WHY.get(self.what.rpartition(" ")[2], Why.ALTERATION)

    def item(self) -> dict[str, Any]:
        """What to store, with its kind of processing."""
        return super().item() | {"why": self.why}

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        return super().of({name: value for name, value in item.items() if name != "why"})


def enrolment_partition(enrolment_id: UUID) -> str:
    """The partition with everything about one enrolment."""
    return f"ENROLMENT#{enrolment_id}"


def enrolment_key(enrolment_id: UUID) -> Key:
    """Where an enrolment is."""
    return Key(enrolment_partition(enrolment_id), "ENROLMENT")


def allocation_key(enrolment_id: UUID) -> Key:
    """Where an enrolment's allocation is."""
    return Key(enrolment_partition(enrolment_id), "ALLOCATION")


def reminder_key(enrolment_id: UUID, number: int) -> Key:
    """Where a reminder is."""
    return Key(enrolment_partition(enrolment_id), f"REMINDER#{number:02}")


def outcome_key(enrolment_id: UUID, outcome_id: str) -> Key:
    """Where an outcome is."""
    return Key(enrolment_partition(enrolment_id), f"OUTCOME#{outcome_id}")


def audit_key(enrolment_id: UUID, entry: Audit) -> Key:
    """Where a new audit entry goes: in order of time."""
    return audit_key_in(enrolment_partition(enrolment_id), entry)


def audit_key_in(partition: str, entry: Audit) -> Key:
    """Where a new audit entry about something else than an enrolment goes."""
    # Two that are alike, to the microsecond, are still two: neither is written over the other.
    return Key(partition, f"AUDIT#{entry.at.isoformat()}#{entry.what}#{token_hex(4)}")


def person_key(person_hash: str) -> Key:
    """Where a person is."""
    return Key(f"PERSON#{person_hash}", "PERSON")


def day_key(person_hash: str, day: date) -> Key:
    """Where it says that a person was texted on a local day."""
    return Key(f"PERSON#{person_hash}", f"DAY#{day.isoformat()}")


def texts_key(day: date) -> Key:
    """Where it says how many texts of the whole trial went on a local day."""
    return Key(f"TEXTS#{day.isoformat()}", "TEXTS")


def number_key(number_hash: str) -> Key:
    """Where a number is."""
    return Key(f"NUMBER#{number_hash}", "NUMBER")


def message_key(message_id: str) -> Key:
    """Where it says which reminder a text was; or a stray, as long as that is not known."""
    return Key(f"MESSAGE#{message_id}", "MESSAGE")


def stray_key(stray: Stray) -> Key:
    """Where a stray is found again by its number, in order of time."""
    receipt = stray.receipt
    sent = f"{receipt.published_at.isoformat()}#{receipt.message_id}"
    return Key(f"NUMBER#{stray.number_hash}", f"STRAY#{sent}")


SWITCH_KEY = Key("SWITCH", "SENDING")


def cursor_key(trial: str, stratum: str) -> Key:
    """Where a stratum's cursor is."""
    return Key(f"STRATUM#{trial}#{stratum}", "CURSOR")


def next_version(key: Key, record: Enrolment | Person | Number | Switch) -> Act:
    """Write a record one version on, unless somebody else did first; 0 is one not yet there."""
    seen = record.version
    condition = (
        Check("unchanged", "#version = :seen", {"seen": seen})
        if seen
        else Check("unchanged", ABSENT)
    )
    return put(key, record.model_copy(update={"version": seen + 1}).item(), condition)
