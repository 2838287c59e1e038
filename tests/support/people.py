"""An order and its respondent, as records: made up, and eligible."""

from datetime import date

from trial.codes import AgeBand, Condition, Sex
from trial.records.enrolment import Mobile, Order, Respondent

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
