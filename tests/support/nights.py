"""What audit and retention do, lived through once, so that all that they use is seen."""

from datetime import timedelta

import time_machine

from audit.handler import lambda_handler as audit
from retention.handler import lambda_handler as retention
from tests.support.buckets import make_bucket
from tests.support.life import followed, treated
from tests.support.samples import MORNING, sample
from tests.support.steps import CONTEXT, UNHURRIED, fire
from tests.support.table import (
    enrolment_of,
    keep,
    keep_outcomes,
    keep_stray,
    number_of,
    reminders_of,
)
from trial.codes import ReminderState
from trial.records.receipt import OptOut, Receipt, Stray, opt_out_key


def nights_of_retention() -> None:
    """
    Identifiers go and, years later, the rest.

    Of somebody who was texted, of whom a receipt is stray, who shares a number with somebody whose
    order is longer, and who has more traces than a transaction takes.
    """
    someone = treated()
    first = next(each for each in reminders_of(someone) if each.due_at > MORNING)
    with time_machine.travel(first.due_at, tick=False):
        assert fire(someone, first.number) == "sent"
    number = number_of(someone)
    followed(500, mobile={"number": number}, order={"expires_on": "2026-12-28"})
    receipt = Receipt(
        message_id="stray", published_at=MORNING, at=MORNING, state=ReminderState.DELIVERED
    )
    number_hash = enrolment_of(someone).mobile.number_hash or ""
    keep_stray(Stray(receipt=receipt, number_hash=number_hash))
    keep(opt_out_key(number_hash), OptOut(at=MORNING, by="receipts"))
    keep_outcomes(someone, 100)
    one = {"identifiers": 1}
    years_later = one | {"trial_data": 2, "opt_outs": 1}
    for days, erased in ((110, one | {"stray_receipts": 1}), (4000, years_later)):
        with time_machine.travel(MORNING + timedelta(days=days), tick=False):
            answer = retention(sample("retention-nightly"), UNHURRIED)
        assert answer["erased"] == erased, answer


def links_of_the_audit_trail() -> None:
    """The first link, and one after it."""
    make_bucket("audit")
    for by in ("upstream", "officer"):
        event = sample("audit-logged")
        image = event["Records"][0]["dynamodb"]
        image["Keys"]["sk"] = {"S": by}
        assert audit(event, CONTEXT) == {"batchItemFailures": []}
