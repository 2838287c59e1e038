"""Orders without an end, variations, discharge and languages, as the protocol allows them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.life import send_change
from tests.support.long_orders import dapo, dapo_trial, drawn, varied
from tests.support.memory import Memory
from tests.support.samples import order
from tests.support.steps import call, post
from trial.codes import Arm, Retained
from trial.records.enrolment import MOST_VARIATIONS

TODAY = "2026-12-01"
DISCHARGED = {"reason": "discharged", "at": "2026-12-01T09:25:00Z", "by": "PC-1182"}


@pytest.fixture
def memory(clock: Traveller) -> Iterator[Memory]:
    assert clock
    with dapo_trial() as made:
        yield made


@pytest.fixture
def of_dvpos(clock: Traveller) -> Iterator[Memory]:
    assert clock
    made = Memory()
    with made.lived_in():
        yield made


def enrolled(memory: Memory, **changes: Any) -> tuple[UUID, Any]:
    body = dapo(**changes)
    ident = UUID(post(body).body["enrolment_id"])
    memory.drain()
    return ident, body["order"]


# What the protocol has none of


@pytest.mark.usefixtures("of_dvpos")
@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"order": {"expires_on": None}}, "order.expires_on", "has a last day (dvpo)"),
        ({"order": {"type": "dapo"}}, "order.type", "types of order: dvpo"),
        ({"order": {"conditions": ["no_molestation", "programme"]}}, "order.conditions", "no dvpo"),
        ({"respondent": {"language": "cy"}}, "respondent.language", "texts in: en"),
    ],
    ids=["no end", "another type", "another condition", "another language"],
)
def test_a_variation_that_the_protocol_does_not_allow_is_refused_by_type_and_rule(
    changes: dict[str, Any], field: str, rule: str
) -> None:
    answer = post(order(1, **changes))
    assert (answer.status, answer.fields) == (422, [field])
    assert rule in answer.text


def test_a_dvpo_cannot_be_varied_or_discharged(of_dvpos: Memory) -> None:
    body = order(1)
    ident = UUID(post(body).body["enrolment_id"])
    answer = varied(of_dvpos, ident, body["order"], TODAY)
    assert (answer.status, answer.fields) == (422, ["order.type"])
    assert "lets no dvpo be varied" in answer.text
    answer = send_change(ident, "end", DISCHARGED)
    assert (answer.status, answer.fields) == (422, ["reason"])
    assert "lets no dvpo be varied" in answer.text


# Variations


def test_a_variation_is_shown_and_in_the_trail_and_changes_no_allocation(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    before = memory.file(ident).allocation
    wanted = whole | {"conditions": ["no_contact", "no_approach"], "court": "Durham County Court"}
    answer = varied(memory, ident, wanted, TODAY)
    assert answer.body["order"]["conditions"] == ["no_contact", "no_approach"]
    done = [each["what"] for each in answer.body["history"] if "upstream" in each["by"]]
    assert sorted(done) == ["enrolled", "varied"]
    file = memory.file(ident)
    assert file.allocation == before
    (variation,) = file.enrolment.variations
    assert (variation.by, variation.varied_on) == ("PC-1182", date(2026, 12, 1))
    assert variation.until_then.conditions == ("no_molestation", "no_contact")
    assert variation.until_then.reference is None


def test_a_repeated_variation_is_recognised(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    wanted = whole | {"conditions": ["no_contact", "no_approach"]}
    for given in (wanted, wanted | {"conditions": ["no_approach", "no_contact"]}):
        assert varied(memory, ident, given, TODAY).status == 200
    assert len(memory.file(ident).enrolment.variations) == 1


def test_a_repeated_variation_does_not_undo_a_later_one_of_the_same_day(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    first, second = (whole | {"court": f"{town} County Court"} for town in ("Leeds", "York"))
    for given, status in ((first, 200), (second, 200), (first, 409), (second, 200)):
        assert varied(memory, ident, given, TODAY).status == status
    enrolment = memory.file(ident).enrolment
    assert enrolment.order.court == "York County Court"
    assert len(enrolment.variations) == 2


def test_a_repeated_variation_does_not_undo_a_later_correction(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    given = whole | {"conditions": ["no_contact", "no_approach"]}
    varied(memory, ident, given, TODAY)
    assert send_change(ident, "order", given | {"court": "York County Court"}).status == 200
    assert varied(memory, ident, given, TODAY).status == 200
    assert memory.file(ident).enrolment.order.court == "York County Court"
    assert len(memory.file(ident).enrolment.variations) == 1


def test_a_repeated_correction_does_not_undo_a_later_variation(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    correction = whole | {"court": "York County Court"}
    assert send_change(ident, "order", correction).status == 200
    varied(memory, ident, correction | {"conditions": ["no_contact", "no_approach"]}, TODAY)
    reordered = correction | {"conditions": correction["conditions"][::-1]}
    for given in (correction, reordered):
        answer = send_change(ident, "order", given)
        assert answer.status == 409
        assert "as another variation" in answer.text
    assert memory.file(ident).enrolment.order.conditions == ("no_contact", "no_approach")


@pytest.mark.parametrize(
    ("changes", "varied_on", "field"),
    [
        ({"made_on": "2026-11-30"}, TODAY, "order.made_on"),
        ({"reference": "DAPO-2"}, TODAY, "order.reference"),
        ({"force": "cleveland"}, TODAY, "order.force"),
        ({"expires_on": "2026-11-30"}, TODAY, "order.expires_on"),
        ({}, "2026-12-02", "varied_on"),
        ({}, "2026-11-30", "varied_on"),
    ],
)
def test_a_variation_of_fixed_facts_is_refused(
    memory: Memory, changes: dict[str, Any], varied_on: str, field: str
) -> None:
    ident, whole = enrolled(memory)
    answer = varied(memory, ident, whole | changes, varied_on)
    assert (answer.status, answer.fields) == (422, [field])


def test_an_order_cannot_be_varied_to_end_before_the_variation(
    memory: Memory, clock: Traveller
) -> None:
    ident, whole = enrolled(memory)
    clock.move_to(datetime(2027, 2, 1, 9, 30, tzinfo=UTC))
    answer = varied(memory, ident, whole | {"expires_on": "2027-01-31"}, "2027-02-01")
    assert (answer.status, answer.fields) == (422, ["order.expires_on"])
    assert "a dapo is discharged, not varied into the past" in answer.text
    # Reported late, as it was made: until a day that is past by now.
    late = varied(memory, ident, whole | {"expires_on": "2027-01-31"}, "2027-01-31")
    assert late.status == 200


def test_a_variation_that_comes_after_a_later_one_does_not_undo_it(
    memory: Memory, clock: Traveller
) -> None:
    ident, whole = enrolled(memory)
    clock.move_to(datetime(2027, 2, 1, 9, 30, tzinfo=UTC))
    newer, older = ({"court": f"{town} County Court"} for town in ("Leeds", "York"))
    assert varied(memory, ident, whole | newer, "2027-01-20").status == 200
    answer = varied(memory, ident, whole | older, "2027-01-10")
    assert answer.status == 409
    assert "it was varied later" in answer.text
    assert memory.file(ident).enrolment.order.court == "Leeds County Court"
    assert varied(memory, ident, whole | older, "2027-01-20").status == 200


def test_an_order_cannot_be_discharged_before_it_was_made(memory: Memory) -> None:
    ident, _ = enrolled(memory)
    early = DISCHARGED | {"at": "2026-11-30T23:59:00Z"}
    answer = send_change(ident, "end", early)
    assert (answer.status, answer.fields) == (422, ["at"])
    assert "a dapo is discharged after it" in answer.text
    assert send_change(ident, "end", early | {"reason": "deceased"}).status == 200


def test_an_ended_order_cannot_be_varied(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    assert send_change(ident, "end", DISCHARGED).status == 200
    answer = varied(memory, ident, whole | {"conditions": ["no_contact"]}, TODAY)
    assert answer.status == 409


def test_the_number_of_variations_of_an_order_is_limited(memory: Memory) -> None:
    ident, whole = drawn(memory, Arm.INTERVENTION)
    for number in range(MOST_VARIATIONS):
        answer = varied(memory, ident, whole | {"court": f"Court {number}"}, TODAY)
        assert answer.status == 200
    assert varied(memory, ident, whole, TODAY).status == 409
    assert max(each.number for each in memory.file(ident).reminders) < 100


def test_the_dates_of_a_varied_order_cannot_be_corrected(memory: Memory) -> None:
    ident, whole = enrolled(memory)
    varied(memory, ident, whole | {"court": "Durham County Court"}, TODAY)
    answer = send_change(ident, "order", whole | {"expires_on": "2027-12-01"})
    assert answer.status == 409
    corrected = send_change(ident, "order", whole | {"court": "Newcastle County Court"})
    assert corrected.status == 200


def test_an_unknown_order_cannot_be_varied(memory: Memory) -> None:
    assert varied(memory, UUID(int=1), dapo()["order"], TODAY).status == 404


def test_an_order_varied_before_the_draw_is_drawn_as_varied(memory: Memory) -> None:
    body = dapo(served_on=None)
    ident = UUID(post(body).body["enrolment_id"])
    varied(memory, ident, body["order"] | {"expires_on": "2026-12-20"}, TODAY)
    send_change(ident, "service", {"served_on": TODAY})
    memory.drain()
    file = memory.file(ident)
    assert file.allocation is not None
    assert file.allocation.stratum == "to-90"
    assert all(each.due_at.date() <= date(2026, 12, 20) for each in file.reminders)
    assert "varied" not in [each.theme for each in file.reminders]


# How long it is kept, and how long it is live


def test_an_order_without_an_end_is_kept_until_it_is_discharged(memory: Memory) -> None:
    ident, _ = enrolled(memory, expires_on=None)
    item = memory.file(ident).enrolment.item()
    assert (item["retained"], item["last_day"]) == (Retained.IDENTIFIERS, "9999-12-30")
    assert send_change(ident, "end", DISCHARGED).status == 200
    assert memory.file(ident).enrolment.item()["last_day"] == TODAY


def test_custody_does_not_end_an_order(memory: Memory) -> None:
    ident, _ = enrolled(memory, expires_on=None)
    send_change(ident, "end", DISCHARGED | {"reason": "in_custody"})
    assert memory.file(ident).enrolment.item()["last_day"] == "9999-12-30"


def test_a_later_order_takes_the_place_once_an_endless_one_is_discharged(memory: Memory) -> None:
    ident, _ = enrolled(memory, expires_on=None)
    again = dapo(2, respondent=dapo()["respondent"])
    later = post(again)
    assert later.body["reasons"] == ["already_in_trial"]
    send_change(ident, "end", DISCHARGED)
    assert memory.file(UUID(later.body["enrolment_id"])).enrolment.reasons == ()


@pytest.mark.usefixtures("memory")
def test_a_timetable_of_any_type_is_shown_in_any_language() -> None:
    shape = f"made_on={TODAY}&conditions=no_contact&type=dapo"
    endless = call("GET", f"/timetable?{shape}&language=cy")
    assert endless.status == 200, endless.text
    assert endless.body["days"] is None
    assert "Gorchymyn" in endless.body["reminders"][0]["text"]
    refused = call("GET", f"/timetable?{shape}&expires_on=2026-11-30")
    assert (refused.status, refused.fields) == (422, ["expires_on"])
    assert "is before made_on" in refused.text


@pytest.mark.usefixtures("memory")
def test_the_worklist_has_no_last_chance_where_there_is_no_end() -> None:
    lost = {"missing_reason": "refused", "follow_up_on": TODAY}
    assert post(dapo(expires_on=None) | {"mobile": lost}).status == 202
    (waits,) = call("GET", "/enrolments").body["enrolments"]
    assert waits["last_chance_on"] is None
