"""An order, its respondent, enrolment, allocation and a reminder, as records: made up."""

from datetime import UTC, date, datetime
from uuid import UUID

from tests.support.fixture_protocol import AGREED
from trial.codes import AgeBand, Arm, Condition, ReminderState, Sex, Status
from trial.records.allocation import Allocation
from trial.records.enrolment import Enrolment, Mobile, Order, Respondent
from trial.records.reminder import Reminder

MADE_ON = date(2026, 12, 1)
LAST_DAY = date(2026, 12, 14)
SERVED = Order(
    reference="DVPO-2026-000001",
    force="durham",
    court="Peterlee Magistrates' Court",
    made_on=MADE_ON,
    expires_on=LAST_DAY,
    served_on=MADE_ON,
    conditions=(Condition.NO_MOLESTATION,),
    authorising_superintendent="S-0417",
)
ADULT = Respondent(sealed="a person", age_band=AgeBand.FROM_35, sex=Sex.MALE)
KNOWN = Mobile(sealed="a number", number_hash="aa", last_digits="001")
ENROLMENT = Enrolment(
    enrolment_id=UUID("0d6f2f1e-1c1b-5e5e-8f43-0a4d1f6f0001"),
    status=Status.ELIGIBLE,
    order=SERVED,
    respondent=ADULT,
    person_hash="aa",
    mobile=KNOWN,
    enrolled_at=datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    request_digest="bb",
    first_status=Status.ELIGIBLE,
    trial=AGREED.trial,
    month="2026-12",
)
REMINDER = Reminder(
    enrolment_id=ENROLMENT.enrolment_id,
    number=2,
    theme="meaning",
    due_at=datetime(2026, 12, 4, 11, 0, tzinfo=UTC),
    state=ReminderState.SCHEDULED,
    protocol=AGREED.version,
    protocol_sha256=AGREED.sha256,
)
ALLOCATION = Allocation(
    enrolment_id=ENROLMENT.enrolment_id,
    arm=Arm.INTERVENTION,
    stratum="14",
    block=0,
    position=1,
    allocated_at=datetime(2026, 12, 1, 12, 0, tzinfo=UTC),
    protocol=AGREED.version,
    protocol_sha256=AGREED.sha256,
)
