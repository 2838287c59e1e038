"""What an order held, and from when: a row for each version of one that may be varied."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import VersionRow
from extract.pseudonyms import Pseudonyms
from extract.rows import File
from tests.support.extracts import completed
from tests.support.fixture_protocol import AGREED, DAPO
from tests.support.people import ALLOCATION, ENROLMENT, SERVED
from trial.codes import Arm, Condition, EndReason, Status
from trial.protocol.settings import Protocol
from trial.records.enrolment import LifeEvent, Variation

T = datetime(2026, 12, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ENDLESS = SERVED.model_copy(update={"type": "dapo", "expires_on": None})
ENDING = ENDLESS.model_copy(
    update={"expires_on": date(2027, 1, 9), "conditions": (Condition.PROGRAMME,)}
)


def told(protocol: Protocol = DAPO, **changes: Any) -> list[Row]:
    drawn = {"status": Status.ALLOCATED, "enrolled_at": T, "allocated_at": T}
    order = {"order": ENDLESS, "trial": protocol.trial}
    file = File(
        ENROLMENT.model_copy(update=drawn | order | changes),
        ALLOCATION.model_copy(update={"arm": Arm.CONTROL, "allocated_at": T}),
    )
    names = Pseudonyms(b"a key")
    return completed(file, protocol=protocol, names=names, extracted_at=T + 100 * DAY)


def versions(**changes: Any) -> list[tuple[Any, ...]]:
    return [
        (each.version, each.days_from, each.days_to_report, each.days, each.conditions)
        for each in told(**changes)
        if isinstance(each, VersionRow)
    ]


def row(**changes: Any) -> EnrolmentRow:
    (only,) = (each for each in told(**changes) if isinstance(each, EnrolmentRow))
    return only


def test_an_order_that_was_never_varied_has_one_version() -> None:
    assert versions() == [(1, 0.0, None, None, (Condition.NO_MOLESTATION,))]


def test_a_variation_begins_a_new_version_when_it_is_reported() -> None:
    varied_on = date(2026, 12, 2)
    variation = Variation(at=T + 3 * DAY, varied_on=varied_on, by="PC-1", until_then=ENDLESS)
    assert versions(order=ENDING, variations=(variation,)) == [
        (1, 0.0, None, None, (Condition.NO_MOLESTATION,)),
        (2, 3.0, 2, 40, (Condition.PROGRAMME,)),
    ]


def test_types_that_cannot_be_varied_have_no_versions() -> None:
    assert versions(protocol=AGREED, order=SERVED) == []


def test_an_order_without_an_end_is_at_risk_until_the_extract_or_its_discharge() -> None:
    assert (row().days, row().days_at_risk) == (None, 100.0)
    over = LifeEvent(reason=EndReason.DISCHARGED, at=T + 30 * DAY, by="PC-1")
    assert row(status=Status.ENDED, life=(over,)).days_at_risk == 30.0
    custody = over.model_copy(update={"reason": EndReason.IN_CUSTODY})
    assert row(status=Status.ENDED, life=(custody,)).days_at_risk == 100.0


@pytest.mark.parametrize(
    "reason", [EndReason.WRONG_NUMBER, EndReason.SAFETY_STOP, EndReason.OBJECTION_UPHELD]
)
def test_an_end_of_the_texts_leaves_the_order_in_force(reason: EndReason) -> None:
    """Texts cause it: shorter days at risk would reveal who got texts."""
    stopped = LifeEvent(reason=reason, at=T + 10 * DAY, by="PC-1")
    assert row(status=Status.ENDED, life=(stopped,)).days_at_risk == 100.0
    over = LifeEvent(reason=EndReason.DISCHARGED, at=T + 30 * DAY, by="PC-1")
    assert row(status=Status.ENDED, life=(stopped, over)).days_at_risk == 30.0
