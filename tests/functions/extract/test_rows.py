"""The extract's rows about one enrolment, from what is stored about it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import MissingRow, OutcomeRow, ReminderRow
from extract.pseudonyms import Pseudonyms
from extract.rows import File, reported, rows
from tests.support import people
from tests.support.extracts import complete, completed
from tests.support.fixture_protocol import AGREED, VERSION
from tests.support.people import ADULT, ALLOCATION, ENROLMENT, KNOWN, SERVED
from trial.codes import (
    AgeBand,
    Arm,
    Condition,
    EndReason,
    Ethnicity,
    Failure,
    Harm,
    Instrument,
    MissingReason,
    OutcomeType,
    Reason,
    ReminderState,
    Status,
    Suppression,
)
from trial.records.enrolment import LifeEvent, Missing, Mobile, Outcome

NAMES = Pseudonyms(b"a key")
IDENT, ENROLLED = ENROLMENT.enrolment_id, ENROLMENT.enrolled_at
DRAWN = ALLOCATION.allocated_at
EXTRACTED = datetime(2026, 12, 11, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

REMINDER = people.REMINDER.model_copy(
    update={"number": 1, "due_at": DRAWN + HOUR, "state": ReminderState.PLANNED}
)
QUASHED = LifeEvent(reason=EndReason.QUASHED, at=ENROLLED + 2 * DAY, by="PC-1182")
SENT = {"sent_at": DRAWN + HOUR + timedelta(seconds=30), "message_id": "m"}
ARREST = Outcome(
    outcome_id="o",
    type=OutcomeType.ARREST,
    instrument=Instrument.DVPO,
    occurred_at=DRAWN + DAY,
    reported_at=DRAWN + 2 * DAY,
)


told = partial(completed, names=NAMES, extracted_at=EXTRACTED)


def row(file: File | None = None, **changes: Any) -> EnrolmentRow:
    first = told(changed(file or File(ENROLMENT), **changes))[0]
    assert isinstance(first, EnrolmentRow)
    return first


def changed(file: File, **changes: Any) -> File:
    """With these changes of its enrolment."""
    return replace(file, enrolment=file.enrolment.model_copy(update=changes))


def drawn(**changes: Any) -> File:
    return File(
        ENROLMENT.model_copy(update={"status": Status.ALLOCATED, "allocated_at": DRAWN}),
        ALLOCATION.model_copy(update=changes),
    )


def ordered(**changes: Any) -> dict[str, Any]:
    return {"order": SERVED.model_copy(update=changes)}


def outcome(file: File | None = None, **changes: Any) -> OutcomeRow:
    file = replace(file or drawn(), outcomes=(ARREST.model_copy(update=changes),))
    last = told(file)[-1]
    assert isinstance(last, OutcomeRow)
    return last


def reminder(**changes: Any) -> ReminderRow:
    file = replace(drawn(), reminders=(REMINDER.model_copy(update=changes),))
    last = told(file)[-1]
    assert isinstance(last, ReminderRow)
    return last


# Who


def test_the_order_the_person_and_the_superintendent_have_pseudonyms() -> None:
    one, other = row(), row(enrolment_id=UUID(int=1), person_hash="bb")
    assert one.enrolment != other.enrolment
    assert one.person != other.person
    assert one.person == row(enrolment_id=UUID(int=1)).person
    assert one.superintendent == other.superintendent
    assert (one.enrolment[0], one.person[0], one.superintendent[:2]) == ("E", "P", "S-")
    assert row(**ordered(authorising_superintendent="S-0418")).superintendent != one.superintendent
    assert row(**ordered(force="cumbria")).superintendent != one.superintendent


def test_an_age_is_given_as_its_band_at_enrolment() -> None:
    person = ADULT.model_copy(update={"age_band": AgeBand.FROM_55})
    assert (row().age_band, row(respondent=person).age_band) == ("35-44", "55+")


def test_an_unrecorded_ethnicity_is_not_stated() -> None:
    assert row().ethnicity == "not_stated"
    person = ADULT.model_copy(update={"ethnicity": Ethnicity.NS})
    assert row(respondent=person).ethnicity == "NS"


# The order


def test_dates_are_given_as_days_from_the_order() -> None:
    served = row(**ordered(made_on=date(2026, 11, 29), served_on=date(2026, 12, 1)))
    assert (served.days, served.days_to_service, served.days_to_enrolment) == (16, 2, 2)
    assert row(**ordered(served_on=None)).days_to_service is None


def test_days_are_days_in_london() -> None:
    at = datetime(2027, 6, 1, 23, 30, tzinfo=UTC)  # half past midnight on 2 June
    order = ordered(made_on=date(2027, 6, 2), expires_on=date(2027, 6, 15))
    assert row(enrolled_at=at, **order).days_to_enrolment == 0


@pytest.mark.parametrize(
    ("conditions", "variant", "no_eviction"),
    [
        (["no_molestation"], "MOL", False),
        (["no_molestation", "no_eviction"], "MOL", True),
        (["no_molestation", "no_contact"], "NC", False),
        (["no_molestation", "keep_distance"], "NE", False),
        (["no_molestation", "no_contact", "leave_premises", "no_eviction"], "NCNE", True),
    ],
)
def test_conditions_are_given_as_their_class_of_wording(
    conditions: list[str], variant: str, *, no_eviction: bool
) -> None:
    one = row(**ordered(conditions=tuple(map(Condition, conditions))))
    assert (one.conditions, one.no_eviction) == (variant, no_eviction)


# The number


def test_a_number_at_enrolment_leaves_the_columns_of_missing_numbers_empty() -> None:
    one = row()
    assert one.number_at_enrolment
    assert (one.missing_reason, one.number_found, one.days_to_number) == (None, None, None)


def test_a_number_lost_later_counts_as_present_at_enrolment() -> None:
    lost = Missing(reason=MissingReason.LOST_STOLEN_BROKEN, recorded_at=ENROLLED + DAY)
    assert row(missing=(lost,), mobile=Mobile()).number_at_enrolment


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("property_returned", "property_returned"),
        ("Officer visit", "officer_visit"),
        ("PROBATION", "probation"),
        ("asked her brother in Shildon", "other"),
        (None, None),
    ],
)
def test_how_a_number_was_found_is_a_code(how: str | None, code: str | None) -> None:
    found = Missing(
        reason=MissingReason.SEIZED_EVIDENCE,
        recorded_at=ENROLLED,
        recorded_by="PC-1182",
        follow_up_on=date(2026, 12, 4),
        resolved_at=ENROLLED + 36 * HOUR,
        resolved_how=how,
    )
    one = row(missing=(found,))
    assert (one.number_at_enrolment, one.number_found, one.days_to_number) == (False, True, 1.5)
    assert (one.missing_reason, one.resolved_how) == ("seized_evidence", code)
    (_, episode) = told(changed(File(ENROLMENT), missing=(found,)))
    assert episode == MissingRow(
        enrolment=one.enrolment,
        episode=1,
        reason=MissingReason.SEIZED_EVIDENCE,
        days_recorded=0,
        follow_up_days=3,
        days_resolved=1.5,
        resolved_how=one.resolved_how,
    )


def test_a_number_still_missing_has_no_day_of_resolution() -> None:
    open_ended = Missing(reason=MissingReason.REFUSED, recorded_at=ENROLLED)
    one = row(missing=(open_ended,), mobile=Mobile())
    assert (one.number_found, one.days_to_number, one.resolved_how) == (False, None, None)


def test_the_later_history_of_a_number_is_shown() -> None:
    one = row(mobile=KNOWN.model_copy(update={"unsafe": True, "shared": True}))
    assert (one.unsafe_number, one.shared_number) == (True, True)


# Its course


def test_status_and_reasons_are_given_at_enrolment_and_at_present() -> None:
    one = row(
        status=Status.INELIGIBLE,
        reasons=(Reason.TOO_LATE,),
        first_status=Status.WAITING,
        first_reasons=(Reason.NO_NUMBER,),
    )
    assert (one.status, one.reasons) == ("ineligible", ("too_late",))
    assert (one.first_status, one.first_reasons) == ("waiting", ("no_number",))


def test_an_end_is_given_with_its_reason() -> None:
    one = row(life=(QUASHED,))
    assert (one.end_reason, one.days_to_end, one.recorded_in_error) == ("quashed", 2, False)


def test_an_order_recorded_in_error_is_shown_as_such_whatever_ended_it_before() -> None:
    error = LifeEvent(reason=EndReason.RECORDED_IN_ERROR, at=ENROLLED + 3 * DAY, by="PC-1182")
    one = row(life=(QUASHED, error))
    assert (one.end_reason, one.recorded_in_error) == ("quashed", True)


def test_a_release_from_custody_is_not_an_end() -> None:
    held = LifeEvent(reason=EndReason.IN_CUSTODY, at=ENROLLED, by="PC-1182")
    free = LifeEvent(at=ENROLLED + DAY, by="PC-1182")
    assert row(life=(held,)).end_reason == "in_custody"
    assert row(life=(held, free)).end_reason is None


# The draw


def test_without_a_draw_there_is_no_arm_and_the_stratum_follows_the_length() -> None:
    one = row(**ordered(expires_on=date(2026, 12, 28)))
    assert (one.allocated, one.arm, one.repeat, one.protocol) == (False, None, None, None)
    assert (one.days_to_allocation, one.days_at_risk, one.days_followed) == (None, None, None)
    assert (one.days, one.stratum) == (28, "15-28")


def test_an_allocation_is_shown_as_it_was_made() -> None:
    one = row(drawn(stratum="as-drawn"))
    assert (one.allocated, one.arm, one.repeat) == (True, "intervention", False)
    assert (one.stratum, one.block, one.position) == ("as-drawn", 0, 1)
    assert (one.protocol, one.protocol_sha256) == (VERSION, AGREED.sha256)
    assert one.days_to_allocation == round(2.5 / 24, 3)
    assert (one.days_at_risk, one.days_followed) == (13.5, 10)


def test_a_repeat_has_no_slot() -> None:
    one = row(drawn(repeat=True, block=None, position=None))
    assert (one.repeat, one.block, one.position) == (True, None, None)


def test_no_time_at_risk_or_follow_up_is_negative() -> None:
    late = EXTRACTED + 20 * DAY
    one = row(drawn(allocated_at=late))
    assert (one.days_at_risk, one.days_followed) == (0, 0)


# The dose


def test_a_dose_counts_every_reminder_once() -> None:
    states = list(ReminderState)
    reminders = tuple(
        REMINDER.model_copy(update={"number": number, "state": state})
        for number, state in enumerate(states, start=1)
    )
    one = row(replace(drawn(), reminders=reminders))
    assert one.planned == len(states)
    # Of the one planned, the one scheduled and the one claimed there is nothing to show yet.
    assert one.planned - one.sent - one.suppressed - one.failed - one.unknown == 3
    # One has no receipt yet.
    assert one.sent - one.delivered - one.undelivered - one.unconfirmed == 1


def test_parts_pence_and_the_first_text_are_shown() -> None:
    receipt = {"state": ReminderState.DELIVERED, "parts": 1, "price_pence": "3.10"}
    later = {"number": 2, "sent_at": DRAWN + DAY, "message_id": "n"}
    texts = (
        REMINDER.model_copy(update=later | receipt),
        REMINDER.model_copy(update=SENT | receipt),
        REMINDER.model_copy(update={"number": 3}),
    )
    one = row(replace(drawn(), reminders=texts))
    assert (one.parts, one.price_pence, one.hours_to_first_text) == (2, 6.2, 1.008)


def test_a_reminder_to_control_would_show() -> None:
    crossed = replace(drawn(arm=Arm.CONTROL), reminders=(REMINDER.model_copy(update=SENT),))
    assert (row(crossed).arm, row(crossed).planned) == ("control", 1)
    undrawn = File(ENROLMENT, reminders=(REMINDER.model_copy(update=SENT),))
    assert (row(undrawn).allocated, row(undrawn).planned) == (False, 1)


def test_a_reminder_s_time_is_given_as_day_and_hour_in_london() -> None:
    due_at = datetime(2026, 12, 3, 15, 45, tzinfo=UTC)
    one = reminder(due_at=due_at, sent_at=due_at + timedelta(seconds=90))
    assert (one.number, one.of, one.day, one.hour, one.minutes_late) == (1, 1, 2, 15, 1.5)
    summer = datetime(2026, 12, 1, tzinfo=UTC) + 200 * DAY
    assert reminder(due_at=summer.replace(hour=15)).hour == 16
    assert reminder().minutes_late is None


@pytest.mark.parametrize(
    ("state", "stored", "reason"),
    [
        (ReminderState.SUPPRESSED, Suppression.STALE, "stale"),
        (ReminderState.UNDELIVERED, "phone_unreachable", "phone_unreachable"),
        (ReminderState.FAILED, "InvalidParameter", "refused"),
        (ReminderState.UNDELIVERED, "in words", "other"),
        (ReminderState.DELIVERED, None, None),
    ],
)
def test_a_reason_is_its_code(state: ReminderState, stored: str | None, reason: str | None) -> None:
    assert reminder(state=state, reason=stored).reason == reason


@pytest.mark.parametrize("code", [*Suppression, *Failure])
def test_every_code_of_the_trial_passes_unchanged(code: str) -> None:
    assert reminder(state=ReminderState.SUPPRESSED, reason=code).reason == code


# Outcomes


@pytest.mark.parametrize(
    ("at", "within"),
    [
        (DRAWN - timedelta(seconds=1), False),
        (DRAWN, True),
        (datetime(2026, 12, 14, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 15, 0, 0, tzinfo=UTC), False),
    ],
)
def test_the_order_runs_from_allocation_to_the_end_of_its_last_day(
    at: datetime, *, within: bool
) -> None:
    assert outcome(occurred_at=at).within_order is within


def test_the_last_day_ends_at_midnight_in_london() -> None:
    file = drawn(allocated_at=datetime(2027, 6, 1, 12, tzinfo=UTC))
    summer = ordered(made_on=date(2027, 6, 1), expires_on=date(2027, 6, 14))
    file = changed(file, **summer)
    last = datetime(2027, 6, 14, 22, 59, tzinfo=UTC)
    assert outcome(file, occurred_at=last).within_order
    assert not outcome(file, occurred_at=last + timedelta(minutes=1)).within_order
    assert outcome(file, occurred_at=last).days_from_order == 13.999


def test_an_outcome_s_time_is_given_in_days() -> None:
    one = outcome()
    assert (one.days_from_order, one.days_from_allocation, one.days_to_report) == (1.5, 1, 1)
    assert outcome(occurred_at=DRAWN - DAY).days_from_allocation == -1


LATER = UUID(int=7)


def later_order(*outcomes: Outcome, **changes: Any) -> File:
    """A second order of the same person, drawn ten days after the first and with its arm."""
    kept_arm = {"enrolment_id": LATER, "allocated_at": DRAWN + 10 * DAY, "repeat": True}
    file = drawn(**kept_arm | {"block": None, "position": None})
    order = {"enrolment_id": LATER} | ordered(made_on=date(2026, 12, 11))
    return replace(changed(file, **order | changes), outcomes=outcomes)


def outcomes_of(*files: File) -> list[OutcomeRow]:
    return [each for each in told(*files) if isinstance(each, OutcomeRow)]


def test_an_outcome_reported_under_a_later_order_counts_from_the_person_s_randomisation() -> None:
    arrest = ARREST.model_copy(update={"occurred_at": DRAWN + 12 * DAY})
    for files in ((drawn(), later_order(arrest)), (later_order(arrest), drawn())):
        (one,) = outcomes_of(*files)
        assert (one.days_from_allocation, one.within_order) == (12, True)
        assert one.enrolment == NAMES.enrolment(LATER)
        assert one.person == row().person
        assert one.days_from_order == 2.5


def test_an_outcome_under_an_order_that_was_never_drawn_counts_too() -> None:
    undrawn = ENROLMENT.model_copy(update={"enrolment_id": LATER})
    (one,) = outcomes_of(drawn(), File(undrawn, outcomes=(ARREST,)))
    assert (one.days_from_allocation, one.within_order) == (1, True)


def test_one_event_reported_under_two_orders_counts_once() -> None:
    other_capitals = {"outcome_id": ARREST.outcome_id.swapcase()}
    again = ARREST.model_copy(update={"reported_at": ARREST.reported_at + DAY} | other_capitals)
    for files in (
        (replace(drawn(), outcomes=(ARREST,)), later_order(again)),
        (later_order(again), replace(drawn(), outcomes=(ARREST,))),
    ):
        (one,) = outcomes_of(*files)
        assert (one.enrolment, one.days_to_report) == (NAMES.enrolment(IDENT), 1)


def test_equal_outcome_ids_of_two_people_are_two_outcomes() -> None:
    other = later_order(ARREST, person_hash="bb")
    assert len(outcomes_of(replace(drawn(), outcomes=(ARREST,)), other)) == 2


def test_an_order_of_another_trial_contributes_only_its_outcomes() -> None:
    elsewhere = later_order(ARREST, trial="dvpo-2028")
    ours = rows(drawn(), protocol=AGREED, names=NAMES, extracted_at=EXTRACTED)
    theirs = reported(elsewhere, place=AGREED.place, names=NAMES, under=None)
    _, arrest = complete([*ours, *theirs])
    assert isinstance(arrest, OutcomeRow)
    assert (arrest.person, arrest.enrolment) == (row().person, None)
    assert arrest.days_from_allocation == 1


def test_outcomes_of_people_of_another_trial_are_left_out() -> None:
    elsewhere = later_order(ARREST)
    assert complete(reported(elsewhere, names=NAMES, place=AGREED.place, under=None)) == []


def test_a_repeat_order_shows_its_days_since_the_randomisation() -> None:
    found = [each for each in told(later_order(), drawn()) if isinstance(each, EnrolmentRow)]
    assert [each.days_from_randomisation for each in found] == [10, 0]
    assert row().days_from_randomisation is None


def test_harms_are_numbered_last_so_that_the_blinded_form_has_no_gap() -> None:
    complaint = {"type": OutcomeType.HARM, "harm": Harm.COMPLAINT, "instrument": None}
    harm = ARREST.model_copy(update=complaint | {"outcome_id": "h", "occurred_at": DRAWN})
    found = outcomes_of(replace(drawn(), outcomes=(harm, ARREST)))
    told = [(each.outcome, each.type, each.harm) for each in found]
    assert told == [(1, "arrest", None), (2, "harm", "complaint")]


@pytest.mark.parametrize(("recorded_at", "after"), [(ENROLLED, False), (DRAWN + HOUR, True)])
def test_a_number_lost_after_the_draw_is_shown_as_such(
    recorded_at: datetime, *, after: bool
) -> None:
    lost = Missing(reason=MissingReason.INVALID_NUMBER, recorded_at=recorded_at)
    file = changed(drawn(), missing=(lost,))
    (one,) = (each for each in told(file) if isinstance(each, MissingRow))
    assert one.after_allocation is after


def test_force_and_trial_are_shown_and_no_protocol_before_the_draw() -> None:
    one = row()
    assert (one.force, one.trial, one.protocol_sha256) == ("durham", AGREED.trial, None)


def test_an_outcome_without_an_allocation_is_within_no_period() -> None:
    one = outcome(File(ENROLMENT))
    assert (one.days_from_allocation, one.within_order) == (None, False)


def test_outcomes_are_numbered_in_order_of_time() -> None:
    others = [
        ARREST.model_copy(update={"outcome_id": name, "occurred_at": DRAWN + days * DAY})
        for name, days in (("a", 3), ("b", 1), ("c", 2))
    ]
    found = outcomes_of(replace(drawn(), outcomes=tuple(others)))
    assert [(each.outcome, each.days_from_allocation) for each in found] == [(1, 1), (2, 2), (3, 3)]


# Pseudonyms


def test_both_labels_occur_and_depend_on_the_key() -> None:
    tried = [Pseudonyms(bytes([key])).labels for key in range(40)]
    assert all(set(labels) == set(Arm) and len(set(labels.values())) == 2 for labels in tried)
    assert {labels[Arm.CONTROL] for labels in tried} == {"A", "B"}


def test_another_key_gives_other_pseudonyms() -> None:
    other = Pseudonyms(b"another")
    assert other.enrolment(IDENT) != NAMES.enrolment(IDENT)
    assert "a key" not in repr(NAMES)
