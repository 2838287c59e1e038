"""What audit and retention do, lived through once, so that all that they use is seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import time_machine

from audit.handler import lambda_handler as audit
from retention.handler import lambda_handler as retention
from tests.support.life import followed
from tests.support.samples import MORNING, REGION, sample
from tests.support.steps import CONTEXT, Context
from tests.support.table import keep
from trial.aws import clients
from trial.codes import Instrument, OutcomeType
from trial.records.enrolment import Outcome, outcome_key


class Unhurried(Context):
    """An invocation with time enough."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


def nights_of_retention() -> None:
    """Identifiers go and, years later, the rest; with more traces than a transaction takes."""
    someone = followed()
    for number in range(100):
        outcome = Outcome(
            outcome_id=f"ARREST-{number}",
            type=OutcomeType.ARREST,
            instrument=Instrument.DVPO,
            occurred_at=MORNING,
            reference="CRIME-77",
            reported_at=MORNING,
        )
        keep(outcome_key(someone, outcome.outcome_id), outcome)
    for days, what in ((110, "identifiers"), (4000, "trial_data")):
        with time_machine.travel(MORNING + timedelta(days=days), tick=False):
            assert retention(sample("retention-nightly"), Unhurried())["erased"] == {what: 1}


def links_of_the_audit_trail() -> None:
    """The first link, and one after it."""
    place: Any = {"LocationConstraint": REGION}
    clients.s3().create_bucket(Bucket="audit", CreateBucketConfiguration=place)
    for by in ("upstream", "officer"):
        event = sample("stream-audited")
        image = event["Records"][0]["dynamodb"]
        image["Keys"]["sk"] = {"S": f"AUDIT#{by}"}
        assert audit(event, CONTEXT) == {"batchItemFailures": []}
