"""The reminders that an allocation plans, and those that it does not."""

import pytest

from tests.support.fixture_protocol import AGREED
from tests.support.people import ALLOCATION, ENROLMENT
from tests.support.samples import MORNING
from trial.codes import Arm
from trial.planning import planned_reminders
from trial.protocol.load import ProtocolError
from trial.records.reminder import Reminder


def planned(arm: Arm, protocol: str = AGREED.version) -> list[Reminder]:
    allocation = ALLOCATION.model_copy(update={"arm": arm, "protocol": protocol})
    return list(planned_reminders(ENROLMENT, allocation, start=MORNING))


@pytest.mark.parametrize(("arm", "dose"), [(Arm.CONTROL, 0), (Arm.INTERVENTION, 7)])
def test_only_intervention_has_reminders(arm: Arm, dose: int) -> None:
    assert len(planned(arm)) == dose


@pytest.mark.parametrize("arm", Arm)
def test_an_order_that_cannot_be_planned_fails_in_both_arms(arm: Arm) -> None:
    """Otherwise the arm would decide who is allocated: the slot would go to the next person."""
    with pytest.raises(ProtocolError):
        planned(arm, "lost")
