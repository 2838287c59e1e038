"""A trial in a made-up country, whose days begin when London's are half over."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from time_machine import Traveller

from allocation import handler as allocation
from enrolment import context as enrolment
from reconciliation import handler as reconciliation
from tests.support.fixture_protocol import AGREED
from tests.support.life import send_change
from tests.support.memory import Memory
from tests.support.samples import ROOT, order
from tests.support.steps import post

ZONE = "Pacific/Auckland"
THERE = AGREED.model_copy(
    update={"place": AGREED.place.model_copy(update={"country": "NZ", "zone": ZONE})}
)
LATE = datetime(2026, 12, 1, 12, 30, tzinfo=UTC)
"""Half past twelve in London on the 1st, and half past one at night there, on the 2nd."""

THEIRS, FOREIGN = {"number": "+6421123456"}, {"number": "+447700900123"}


@pytest.fixture
def memory(clock: Traveller, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    clock.move_to(LATE)
    for module in (enrolment, allocation, reconciliation):
        monkeypatch.setattr(module, "load", lambda _: THERE)
    made = Memory()
    with made.lived_in():
        yield made


def dates(made_on: str) -> dict[str, str]:
    return {"made_on": made_on, "served_on": made_on, "expires_on": "2026-12-15"}


def test_an_order_of_today_is_dated_in_the_trial_s_own_zone(memory: Memory) -> None:
    answer = post(order(1, order=dates("2026-12-02"), mobile=THEIRS))
    assert answer.status == 202, answer.text
    kept = memory.file(UUID(answer.body["enrolment_id"])).enrolment
    assert kept.changed_on == date(2026, 12, 2)
    tomorrow = dates("2026-12-03") | {"expires_on": "2026-12-16"}
    assert "order.made_on" in post(order(2, order=tomorrow, mobile=THEIRS)).fields


def test_a_change_is_dated_in_the_trial_s_own_zone(memory: Memory, clock: Traveller) -> None:
    ident = post(order(1, order=dates("2026-12-02"), mobile=THEIRS)).body["enrolment_id"]
    clock.move_to(LATE + timedelta(days=1))
    changed = send_change(ident, "mobile", {"missing_reason": "refused"})
    assert changed.status == 200
    assert memory.file(UUID(ident)).enrolment.changed_on == date(2026, 12, 3)


def test_only_a_number_of_the_trial_s_country_is_accepted(memory: Memory) -> None:
    today = dates("2026-12-02")
    refused = post(order(1, order=today, mobile=FOREIGN))
    assert (refused.status, refused.fields) == (422, ["mobile.number"])
    assert "is a number of GB: only mobiles of NZ are texted" in refused.text
    lost = {"missing_reason": "refused"}
    ident = post(order(1, order=today, mobile=lost)).body["enrolment_id"]
    assert send_change(ident, "mobile", FOREIGN).fields == ["number"]
    assert send_change(ident, "mobile", THEIRS).status == 200
    mobile = memory.file(UUID(ident)).enrolment.mobile
    assert (mobile.last_digits, mobile.number_hash is None) == ("456", False)


def test_a_day_begins_at_the_trials_own_midnight() -> None:
    assert THERE.place.date_at(LATE) == date(2026, 12, 2)
    assert THERE.place.midnight(date(2026, 12, 2)).astimezone(UTC).hour == 11
    assert AGREED.place.date_at(LATE) == date(2026, 12, 1)


def test_nothing_but_a_protocol_file_names_a_zone() -> None:
    named = re.compile(r"ZoneInfo\([\"']|Europe/London|London time|\bLONDON\b")
    kept = Path("layers/common/trial/protocol/format_1.py")  # those files name no place
    found = {
        path.relative_to(ROOT)
        for folder in ("functions", "layers", "commands", "local", "evaluation")
        for path in Path(ROOT, folder).rglob("*.py")
        if named.search(path.read_text())
    }
    assert found == {kept}
