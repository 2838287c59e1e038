"""The reminders that an allocation plans, and those that it does not."""

import pytest

from tests.support.fixture_protocol import AGREED
from tests.support.people import ENROLMENT
from tests.support.samples import MORNING
from trial.codes import Arm
from trial.planning import planned_reminders
from trial.protocol.load import ProtocolError
from trial.records.allocation import Allocation


def allocation(arm: Arm, protocol: str = AGREED.version) -> Allocation:
    return Allocation(
        enrolment_id=ENROLMENT.enrolment_id,
        arm=arm,
        stratum="14",
        block=0,
        position=0,
        allocated_at=MORNING,
        protocol=protocol,
        protocol_sha256=AGREED.sha256,
    )


@pytest.mark.parametrize(("arm", "dose"), [(Arm.CONTROL, 0), (Arm.INTERVENTION, 7)])
def test_only_intervention_has_reminders(arm: Arm, dose: int) -> None:
    assert len(planned_reminders(ENROLMENT, allocation(arm), start=MORNING)) == dose


@pytest.mark.parametrize("arm", Arm)
def test_what_cannot_be_planned_fails_in_both_arms(arm: Arm) -> None:
    """Else the arm would decide who is allocated: the slot would go to the next person."""
    with pytest.raises(ProtocolError):
        planned_reminders(ENROLMENT, allocation(arm, "lost"), start=MORNING)
