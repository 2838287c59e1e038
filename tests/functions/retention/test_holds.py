"""Several people may hold one enrolment back from erasure, each for a reason of their own."""

from datetime import timedelta

import pytest
from time_machine import Traveller

from enrolment import hold as holds
from retention.handler import lambda_handler
from tests.support.life import followed, report_change, send_change, shown
from tests.support.samples import MORNING, sample
from tests.support.steps import UNHURRIED
from tests.support.table import held, unchanged

pytestmark = pytest.mark.usefixtures("cloud")

HOLD = {"reason": "proceedings", "by": "PC-1182"}
OTHERS = {"complaint": {"reason": "complaint", "by": "PC-1182"}, "person": HOLD | {"by": "DC-7"}}


def night() -> object:
    """What a night's retention erases."""
    return lambda_handler(sample("retention-nightly"), UNHURRIED)["erased"]


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_hold_stays_when_another_is_released(other: dict[str, str], clock: Traveller) -> None:
    ident = followed(1)
    report_change(ident, "hold", HOLD)
    report_change(ident, "hold", other)
    assert [(each["reason"], each["by"]) for each in shown(ident)["holds"]] == [
        (each["reason"], each["by"]) for each in (HOLD, other)
    ]
    over = {"reason": other["reason"], "held_by": other["by"], "by": "PC-9"}
    report_change(ident, "release", over)
    with unchanged(held):
        report_change(ident, "release", over)
    assert shown(ident)["hold"] == HOLD["reason"]
    clock.move_to(MORNING + timedelta(days=110))
    assert night() == {}
    report_change(ident, "release", {"by": "PC-1182"})
    assert night() == {"identifiers": 1}


def test_a_release_that_may_mean_either_of_two_holds_frees_neither() -> None:
    ident = followed(1)
    for body in (HOLD, *OTHERS.values()):
        report_change(ident, "hold", body)
    for body in ({"by": "PC-1182"}, {"by": "DC-7", "reason": HOLD["reason"]}):
        with unchanged(held):
            answer = send_change(ident, "release", body)
        assert answer.status == 409
        assert "held_by" in answer.text


def test_holds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "MOST_HOLDS", 2)
    ident = followed(1)
    for person, status in (("PC-1", 200), ("PC-2", 200), ("PC-3", 409), ("PC-1", 200)):
        assert send_change(ident, "hold", HOLD | {"by": person}).status == status
