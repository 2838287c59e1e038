"""
Every field of everything stored: in which columns researchers find it, or why they do not.

This is not only a list. Each field is given another value in turn: columns that are said to carry
it must change, all others must not, and of a field that is withheld nothing at all may show.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import import_module
from inspect import isclass
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

import pytest

from extract.pseudonyms import Pseudonyms
from extract.rows import File
from extract.schema import ROWS
from tests.support.extracts import completed
from tests.support.fixture_protocol import AGREED
from tests.support.people import ADULT, ALLOCATION, ENROLMENT, REMINDER, SERVED
from trial import records
from trial.codes import (
    AgeBand,
    Arm,
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
    ReminderState,
    RiskGrade,
    Sex,
    Status,
)
from trial.records.allocation import Allocation, Cursor, DrawnSlot
from trial.records.audit import AuditEntry
from trial.records.enrolment import (
    Enrolment,
    FollowUp,
    Hold,
    Identifiers,
    LifeEvent,
    Missing,
    Mobile,
    Order,
    Outcome,
    Respondent,
    Variation,
)
from trial.records.person import Number, OrderOfPerson, Person, SuppressedNumber, Use
from trial.records.receipt import Message, OptOut, Receipt, Stray
from trial.records.record import Record, Versioned
from trial.records.reminder import Reminder, TextSent
from trial.records.switch import Switch
from trial.records.waiting import Waiting

_MAY_VARY = AGREED.orders["dvpo"].model_copy(update={"may_be_varied": True})
VARIABLE = AGREED.model_copy(update={"orders": {"dvpo": _MAY_VARY, "dapo": _MAY_VARY}})
EARLIER = SERVED.model_copy(update={"reference": None, "court": "Leeds"})
T = ENROLMENT.enrolled_at
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Carried:
    """A field, another value for it, and the columns that then change."""

    other: Any
    columns: str


@dataclass(frozen=True)
class Withheld:
    """A field, another value for it, and why the extract omits it."""

    other: Any
    why: str


NOT_READ = {
    AuditEntry: "who did what to the data: for who looks after it",
    FollowUp: "what is still to be done for others after an act",
    Cursor: "where a stratum's sequence stands: it would tell the next arm",
    Identifiers: "who somebody is: never stored but sealed",
    Message: "which reminder a text was",
    Number: "whose number it is and whose orders protect it",
    OrderOfPerson: "what a person's other orders need to know of one",
    Person: "which orders somebody has: the pseudonym says as much",
    Receipt: "the carrier's word, which is kept with its reminder",
    DrawnSlot: "where somebody stands in a sequence: the allocation says as much",
    OptOut: "that a number opted out: its reminders say why they were not sent",
    Stray: "a receipt for no reminder, with the hash of a number",
    SuppressedNumber: "who is never to be texted",
    TextSent: "what makes a text again: for a court",
    Switch: "the whole trial's sending",
    Use: "until when an order's respondent has a number",
    Waiting: "who waits for a number, for those who chase it",
}

HELD = Hold(reason=HoldReason.PROCEEDINGS, at=T, by="PC-1182")

FIELDS: dict[type[Model], dict[str, Carried | Withheld]] = {
    Enrolment: {
        "enrolment_id": Carried(
            UUID(int=1),
            "enrolments.enrolment reminders.enrolment outcomes.enrolment missing.enrolment"
            " versions.enrolment",
        ),
        "status": Carried(Status.ENDED, "enrolments.status"),
        "reasons": Carried((Reason.TOO_LATE,), "enrolments.reasons"),
        "person_hash": Carried("bb", "enrolments.person outcomes.person"),
        "former_numbers": Withheld(("gg",), "phones"),
        "protected_hashes": Withheld(("dd",), "about the protected person"),
        "enrolled_at": Carried(
            T - 2 * HOUR - DAY,
            "enrolments.days_to_enrolment enrolments.days_to_number enrolments.days_to_end"
            " enrolments.days_to_allocation enrolments.number_at_enrolment"
            " enrolments.missing_reason enrolments.number_found enrolments.resolved_how"
            " missing.days_recorded missing.days_resolved versions.days_from",
        ),
        "request_digest": Withheld("ee", "a hash of all that was sent"),
        "first_status": Carried(Status.INELIGIBLE, "enrolments.first_status"),
        "over_daily_limit": Withheld(True, "the reason tells while it is held over"),  # noqa: FBT003
        "admitted_by": Withheld("other", "somebody's name"),
        "first_reasons": Carried((Reason.NOT_SERVED,), "enrolments.first_reasons"),
        "trial": Carried("another", "enrolments.trial"),
        "stratum": Withheld("1-14", "the allocation says as much"),
        "strata": Withheld(("1-14", "15-28"), "corrections across strata: for the auditor"),
        "month": Carried("2026-11", "enrolments.month"),
        "allocated_at": Withheld(T, "the allocation has it"),
        "other_holds": Withheld((HELD,), "a court's or a complaint's business"),
        "mobile_recorded_at": Withheld(T, "of technical use only"),
        "changed_on": Withheld(date(2026, 12, 2), "of technical use only"),
        "dates_changed_at": Withheld(T, "the dates stand as corrected"),
        "breach_reported_at": Withheld(T, "the outcome has it"),
        "erased_at": Withheld(T, "what is told is the same, before and after"),
        "version": Withheld(9, "of technical use only"),
    },
    Order: {
        "type": Carried("dapo", "enrolments.order_type"),
        "reference": Withheld("DVPO-X", "the court's name for it"),
        "force": Carried("cumbria", "enrolments.force enrolments.superintendent"),
        "court": Withheld("Consett", "near to where people live"),
        "made_on": Carried(
            date(2026, 11, 29),
            "enrolments.days versions.days enrolments.days_to_service"
            " enrolments.days_to_enrolment reminders.day outcomes.days_from_order",
        ),
        "expires_on": Carried(
            date(2026, 12, 20),
            "enrolments.days versions.days enrolments.days_at_risk outcomes.within_order",
        ),
        "served_on": Carried(date(2026, 12, 2), "enrolments.days_to_service"),
        "conditions": Carried(
            (Condition.NO_MOLESTATION, Condition.NO_EVICTION, Condition.NO_ENTRY),
            "enrolments.conditions enrolments.no_eviction versions.conditions",
        ),
        "authorising_superintendent": Carried("S-0418", "enrolments.superintendent"),
    },
    Respondent: {
        "sealed": Withheld("another", "who it is, to who has the key"),
        "of_age_on": Withheld(date(2026, 11, 2), "a birthday"),
        "age_band": Carried(AgeBand.FROM_55, "enrolments.age_band"),
        "sex": Carried(Sex.FEMALE, "enrolments.sex"),
        "ethnicity": Carried(Ethnicity.B1, "enrolments.ethnicity enrolments.ethnicity_group"),
        "language": Carried(Language.CY, "enrolments.language"),
        "prior_incidents": Carried(PriorIncidents.NONE, "enrolments.prior_incidents"),
        "risk_grade": Carried(RiskGrade.HIGH, "enrolments.risk_grade"),
        "first_order": Carried(other=True, columns="enrolments.first_order"),
    },
    Mobile: {
        "sealed": Withheld("another", "a phone, to who has the key"),
        "last_digits": Withheld("999", "a part of a number"),
        "number_hash": Withheld("ff", "a phone, to who has the key"),
        "source": Withheld(NumberSource.PROBATION, "where staff ask, not who somebody is"),
        "unsafe": Carried(other=True, columns="enrolments.unsafe_number"),
        "shared": Carried(other=True, columns="enrolments.shared_number"),
        "suppressed": Withheld(other=True, why="the reason tells while it keeps an order waiting"),
    },
    Missing: {
        "reason": Carried(MissingReason.REFUSED, "enrolments.missing_reason missing.reason"),
        "recorded_by": Withheld("PC-1", "a member of staff"),
        "recorded_at": Carried(
            T - DAY,
            "missing.days_recorded missing.follow_up_days enrolments.number_at_enrolment"
            " enrolments.missing_reason enrolments.number_found enrolments.days_to_number"
            " enrolments.resolved_how",
        ),
        "follow_up_on": Carried(date(2026, 12, 9), "missing.follow_up_days"),
        "follow_up_by": Withheld("PC-4", "a member of staff"),
        "resolved_at": Carried(T + 3 * HOUR, "enrolments.days_to_number missing.days_resolved"),
        "resolved_how": Carried("probation", "enrolments.resolved_how missing.resolved_how"),
    },
    LifeEvent: {
        "reason": Carried(
            EndReason.RECORDED_IN_ERROR, "enrolments.end_reason enrolments.recorded_in_error"
        ),
        "at": Carried(T + 4 * DAY, "enrolments.days_to_end"),
        "by": Withheld("PC-2", "a member of staff"),
    },
    Hold: {
        "reason": Withheld(HoldReason.COMPLAINT, "a court's or a complaint's business"),
        "at": Withheld(T + DAY, "a court's or a complaint's business"),
        "by": Withheld("PC-3", "a member of staff"),
    },
    Allocation: {
        "claimed": Withheld({1: T}, "which texts a restore found to have gone"),
        "enrolment_id": Withheld(UUID(int=2), "the enrolment has it"),
        "arm": Carried(Arm.CONTROL, "enrolments.arm"),
        "stratum": Carried("other", "enrolments.stratum"),
        "block": Carried(3, "enrolments.block"),
        "position": Carried(4, "enrolments.position"),
        "allocated_at": Carried(
            T + 2 * HOUR + DAY,
            "enrolments.days_to_allocation enrolments.days_at_risk enrolments.days_followed"
            " enrolments.hours_to_first_text outcomes.days_from_allocation",
        ),
        "protocol": Carried("other", "enrolments.protocol"),
        "protocol_sha256": Carried("d" * 64, "enrolments.protocol_sha256"),
        "repeat": Carried(
            other=True,
            columns="enrolments.repeat enrolments.days_from_randomisation"
            " outcomes.days_from_allocation",
        ),
    },
    Reminder: {
        "enrolment_id": Withheld(UUID(int=2), "the enrolment has it"),
        "number": Carried(2, "reminders.number"),
        "turn": Withheld(1, "which of its wordings a theme takes"),
        "theme": Carried("expiry", "reminders.theme"),
        "text": Withheld(
            TextSent(wording="E2", language=Language.CY, force="A", contact="101", sha256="aa"),
            "it is for a court, and its theme says what it was for",
        ),
        "due_at": Carried(
            T + 3 * DAY + HOUR, "reminders.day reminders.hour reminders.minutes_late"
        ),
        "state": Carried(
            ReminderState.DELIVERED, "reminders.state enrolments.delivered enrolments.undelivered"
        ),
        "reason": Carried("opted_out", "reminders.reason"),
        "protocol": Withheld("other", "the allocation has it"),
        "protocol_sha256": Carried("d" * 64, "reminders.protocol_sha256"),
        "claimed_at": Withheld(T, "of technical use only"),
        "message_id": Withheld("other", "the provider's name for a text to a number"),
        "sent_at": Carried(T + 5 * HOUR, "reminders.minutes_late enrolments.hours_to_first_text"),
        "closed_at": Withheld(T, "carriers' times are not comparable"),
        "delivered_at": Withheld(T, "carriers' times are not comparable"),
        "parts": Carried(2, "reminders.parts enrolments.parts"),
        "price_pence": Carried("9.99", "reminders.price_pence enrolments.price_pence"),
    },
    Variation: {
        "at": Carried(T + DAY, "versions.days_from versions.days_to_report"),
        "varied_on": Carried(date(2026, 11, 30), "versions.days_to_report"),
        "by": Withheld("other", "somebody's name"),
        "reported": Withheld(EARLIER, "the order as it is now, or before a correction"),
        "until_then": Carried(
            EARLIER.model_copy(
                update={"conditions": (Condition.PROGRAMME,), "expires_on": date(2026, 12, 28)}
            ),
            "versions.conditions versions.days",
        ),
    },
    Outcome: {
        "outcome_id": Withheld("other", "the police's name for an event"),
        "type": Carried(OutcomeType.OFFENCE, "outcomes.type"),
        "instrument": Carried(Instrument.BAIL, "outcomes.instrument"),
        "harm": Carried(Harm.THREAT, "outcomes.harm"),
        "same_protected_person": Carried(other=True, columns="outcomes.same_protected_person"),
        "occurred_at": Carried(
            T + 5 * DAY,
            "outcomes.days_from_order outcomes.days_from_allocation outcomes.days_to_report"
            " outcomes.within_order",
        ),
        "reference": Withheld("other", "the police's name for a crime"),
        "reported_at": Carried(T + 30 * DAY, "outcomes.days_to_report"),
    },
}

NESTED = {
    Order: "order",
    Respondent: "respondent",
    Mobile: "mobile",
    Missing: "missing",
    LifeEvent: "life",
    Hold: "hold",
    Variation: "variations",
}
"""The fields of an enrolment that are models of their own."""

# Worked out from how many there are, or from whether there is an allocation.
OF_THE_WHOLE = {
    "enrolments.allocated",
    "enrolments.planned",
    "reminders.of",
    "outcomes.outcome",
    "missing.episode",
    "versions.version",
    "missing.after_allocation",
    # By state: `delivered` and `undelivered` stand for them.
    "enrolments.sent",
    "enrolments.unconfirmed",
    "enrolments.suppressed",
    "enrolments.failed",
    "enrolments.unknown",
}

WHOLE = File(
    ENROLMENT.model_copy(
        update={
            "status": Status.ALLOCATED,
            "respondent": ADULT.model_copy(
                update={"of_age_on": date(2026, 11, 1), "ethnicity": Ethnicity.W1}
            ),
            "protected_hashes": ("cc",),
            "first_status": Status.WAITING,
            "first_reasons": (Reason.NO_NUMBER,),
            "missing": (
                Missing(
                    reason=MissingReason.NO_PHONE,
                    recorded_by="PC-1182",
                    recorded_at=T,
                    follow_up_on=date(2026, 12, 4),
                    resolved_at=T + HOUR,
                    resolved_how="solicitor",
                ),
            ),
            "variations": (
                Variation(at=T, varied_on=date(2026, 12, 1), by="PC-1182", until_then=EARLIER),
            ),
            "life": (LifeEvent(reason=EndReason.QUASHED, at=T + 3 * DAY, by="PC-1182"),),
            "hold": HELD,
            "allocated_at": T + 2 * HOUR,
        }
    ),
    ALLOCATION.model_copy(update={"allocated_at": T + 2 * HOUR}),
    (
        REMINDER.model_copy(
            update={
                "number": 1,
                "theme": "conditions",
                "due_at": T + 3 * HOUR,
                "state": ReminderState.UNDELIVERED,
                "reason": "phone_unreachable",
                "message_id": "m",
                "sent_at": T + 4 * HOUR,
                "parts": 1,
                "price_pence": "3.10",
            }
        ),
    ),
    (
        Outcome(
            outcome_id="o",
            type=OutcomeType.ARREST,
            instrument=Instrument.DVPO,
            occurred_at=T + 16 * DAY,
            reported_at=T + 17 * DAY,
        ),
    ),
)

WITHOUT_IDENTIFIERS = Respondent(age_band=AgeBand.FROM_35, sex=Sex.MALE, ethnicity=Ethnicity.W1)


def columns(file: File) -> dict[str, Any]:
    """The values of every column, row by row."""
    names = Pseudonyms(b"a key")
    values: defaultdict[str, list[Any]] = defaultdict(list)
    for row in completed(file, protocol=VARIABLE, names=names, extracted_at=T + 40 * DAY):
        for name in type(row).model_fields:
            values[f"{row.resource}.{name}"].append(getattr(row, name))
    return values


def changed(file: File, kind: type[Model], name: str, other: object) -> File:
    """A file with one field of one of its records changed."""

    def new(record: Any) -> Any:
        return record.model_copy(update={name: other})

    enrolment = file.enrolment
    if kind is Enrolment:
        return replace(file, enrolment=new(enrolment))
    if kind is Allocation:
        return replace(file, allocation=new(file.allocation))
    if kind is Reminder:
        return replace(file, reminders=(new(file.reminders[0]),))
    if kind is Outcome:
        return replace(file, outcomes=(new(file.outcomes[0]),))
    held = getattr(enrolment, NESTED[kind])
    update = {NESTED[kind]: (new(held[0]),) if isinstance(held, tuple) else new(held)}
    return replace(file, enrolment=enrolment.model_copy(update=update))


def every() -> Iterator[Any]:
    for kind, fields in FIELDS.items():
        for name, said in fields.items():
            yield pytest.param(kind, name, said, id=f"{kind.__name__}.{name}")


@pytest.mark.parametrize(("kind", "name", "said"), list(every()))
def test_each_stored_field_shows_only_in_its_documented_columns(
    kind: type[Model], name: str, said: Carried | Withheld
) -> None:
    before, after = columns(WHOLE), columns(changed(WHOLE, kind, name, said.other))
    assert before.keys() == after.keys()
    expected = set(said.columns.split()) if isinstance(said, Carried) else set()
    # The writer fills it in, from the ethnicity.
    expected.discard("enrolments.ethnicity_group")
    assert {column for column in before if before[column] != after[column]} == expected


def test_erasing_identifiers_changes_nothing_in_the_extract() -> None:
    erased = changed(WHOLE, Enrolment, "respondent", WITHOUT_IDENTIFIERS)
    assert columns(erased) == columns(WHOLE)


def test_every_stored_field_is_accounted_for() -> None:
    kinds = {
        kind
        for module in iter_modules(records.__path__)
        for kind in vars(import_module(f"trial.records.{module.name}")).values()
        if isclass(kind) and issubclass(kind, Model) and kind not in (Model, Record, Versioned)
    }
    assert FIELDS.keys() | NOT_READ.keys() == kinds
    assert not FIELDS.keys() & NOT_READ.keys()
    for kind, fields in FIELDS.items():
        nested = set(NESTED.values()) if kind is Enrolment else set()
        assert fields.keys() | nested | {"kind"} == kind.model_fields.keys() | {"kind"}, kind


def test_every_column_depends_on_some_stored_field() -> None:
    told = {
        column
        for fields in FIELDS.values()
        for said in fields.values()
        if isinstance(said, Carried)
        for column in said.columns.split()
    }
    every_column = {f"{name}.{field}" for name, row in ROWS.items() for field in row.model_fields}
    assert told | OF_THE_WHOLE == every_column
    assert not told & OF_THE_WHOLE
