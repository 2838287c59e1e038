"""Each order is kept as long as the protocol of its own trial says."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from retention.handler import lambda_handler
from tests.support.fixture_protocol import BY_RISK, VERSION, text_by_risk
from tests.support.samples import MORNING, sample
from tests.support.steps import UNHURRIED, enrol
from tests.support.table import change_enrolment, enrolment_of
from trial.protocol import load as protocols

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(params=[30, 150])
def opened(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    configure: Callable[..., None],
) -> Callable[[], int]:
    """Another trial, whose identifiers go so many days after the last day; the fixture's: 90."""
    days: int = request.param
    shutil.copy(protocols.path_of(VERSION), tmp_path)
    text = text_by_risk().replace("identifiers_days = 90", f"identifiers_days = {days}")
    (tmp_path / f"{BY_RISK}.toml").write_text(text)
    monkeypatch.setattr(protocols, "FOLDER", tmp_path)
    for cached in (protocols.load, protocols.latest_of):
        cached.cache_clear()

    def open_it() -> int:
        configure(PROTOCOL=BY_RISK)
        return days

    return open_it


@pytest.fixture(autouse=True)
def fresh() -> object:
    yield
    for cached in (protocols.load, protocols.latest_of):
        cached.cache_clear()


def erased(*idents: UUID) -> list[bool]:
    """After a night, which of these have lost their identifiers."""
    found = [enrolment_of(each) for each in idents]
    assert all((each.respondent.sealed is None) == bool(each.erased_at) for each in found)
    return [bool(each.erased_at) for each in found]


def night(after: int, clock: Traveller) -> dict[str, Any]:
    """The night so many days after the last day, which is the fourteenth."""
    clock.move_to(MORNING + timedelta(days=13 + after))
    return lambda_handler(sample("retention-nightly"), UNHURRIED)


def test_an_order_of_an_earlier_trial_is_kept_as_its_own_protocol_says(
    opened: Callable[[], int], clock: Traveller
) -> None:
    earlier = enrol(1)
    days = opened()
    later = enrol(2)
    for day in sorted({89, 90, days - 1, days}):
        assert night(day, clock)["finished"]
        assert erased(earlier, later) == [day >= 90, day >= days], day


def test_an_order_of_an_unknown_trial_is_not_erased(clock: Traveller) -> None:
    ident = enrol(1)
    change_enrolment(ident, trial="gone")
    assert night(200, clock)["failed"] == 1
    assert erased(ident) == [False]
