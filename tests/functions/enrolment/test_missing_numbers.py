"""Missing numbers as data: reason, author, how found; and counts that add up."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice, permutations
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.life import send_change, shown, stands
from tests.support.samples import MORNING
from tests.support.steps import call, enrol
from tests.support.table import enrolment_of, held, number_of, unchanged
from trial.codes import MissingReason

pytestmark = pytest.mark.usefixtures("cloud")

SEIZED = {
    "missing_reason": "seized_evidence",
    "recorded_by": "PC-1182",
    "follow_up_on": "2026-12-04",
}
FOUND = {"number": "+447700900777", "resolved_how": "property_returned"}


def report() -> Any:
    answer = call("GET", "/reports/missing-numbers")
    assert answer.status == 200
    return answer.body


def closes(counts: Any) -> None:
    """Assert that each sum equals its parts."""
    assert counts["missing"] == sum(counts["by_reason"].values())
    assert counts["missing"] == sum(each["missing"] for each in counts["counts"])
    assert counts["found"] == sum(each["found"] for each in counts["counts"])
    assert counts["found"] >= sum(counts["resolved_how"].values())
    assert counts["enrolled"] >= counts["missing"] >= counts["found"]
    assert set(counts["by_reason"]) == set(MissingReason)
    for reason in MissingReason:
        cells = [each["missing"] for each in counts["counts"] if each["reason"] == reason]
        assert counts["by_reason"][reason] == sum(cells)


# One enrolment


def test_the_reason_for_a_missing_number_is_shown_until_there_is_one() -> None:
    ident = enrol(mobile=SEIZED)
    unknown = {"known": False, "last_digits": None, "unsafe": False, "shared": False}
    why = {"missing_reason": "seized_evidence", "follow_up_on": "2026-12-04"}
    assert shown(ident)["mobile"] == unknown | why
    send_change(ident, "mobile", FOUND)
    assert shown(ident)["mobile"]["missing_reason"] is None


def test_who_reported_a_missing_number_and_how_it_was_found_are_stored(clock: Traveller) -> None:
    ident = enrol(mobile=SEIZED)
    clock.shift(3600)
    send_change(ident, "mobile", FOUND)
    (missing,) = enrolment_of(ident).missing
    assert (missing.reason, missing.recorded_by) == ("seized_evidence", "PC-1182")
    assert (missing.recorded_at, missing.follow_up_on) == (MORNING, date(2026, 12, 4))
    assert missing.resolved_at == MORNING + timedelta(hours=1)
    assert missing.resolved_how == "property_returned"


def test_the_person_to_follow_up_and_the_number_s_source_are_stored_and_shown() -> None:
    ident = enrol(mobile=SEIZED | {"follow_up_by": "PC-7"})
    assert shown(ident)["mobile"]["follow_up_by"] == "PC-7"
    (waiting,) = call("GET", "/enrolments").body["enrolments"]
    assert waiting["missing"]["follow_up_by"] == "PC-7"
    send_change(ident, "mobile", FOUND | {"source": "probation"})
    assert shown(ident)["mobile"]["source"] == "probation"
    send_change(ident, "mobile", FOUND)
    assert shown(ident)["mobile"]["source"] == "probation"


def test_each_report_of_a_missing_number_has_its_own_time_and_author(clock: Traveller) -> None:
    first = {"missing_reason": "not_recorded", "recorded_by": "PC-1"}
    second = {"missing_reason": "seized_evidence", "recorded_by": "PC-2"}
    ident = enrol(mobile=first)
    clock.shift(3600)
    send_change(ident, "mobile", second)
    reports = enrolment_of(ident).missing
    assert [(each.reason, each.recorded_by, each.recorded_at) for each in reports] == [
        ("not_recorded", "PC-1", MORNING),
        ("seized_evidence", "PC-2", MORNING + timedelta(hours=1)),
    ]
    assert shown(ident)["mobile"]["missing_reason"] == "seized_evidence"
    counted = report()["by_reason"].items()
    assert {reason for reason, number in counted if number} == {"not_recorded"}


def test_a_number_that_is_found_resolves_every_earlier_report(clock: Traveller) -> None:
    ident = enrol(mobile=SEIZED)
    clock.shift(3600)
    send_change(ident, "mobile", SEIZED | {"follow_up_on": "2026-12-07"})
    clock.shift(3600)
    send_change(ident, "mobile", FOUND)
    found_at = MORNING + timedelta(hours=2)
    assert [each.resolved_at for each in enrolment_of(ident).missing] == [found_at] * 2
    assert report()["found"] == 1


@pytest.mark.parametrize("late", [timedelta(hours=1), timedelta(days=6)])
def test_a_repeated_report_is_not_a_new_one_even_after_its_follow_up_day(
    clock: Traveller, late: timedelta
) -> None:
    ident = enrol(mobile=SEIZED)
    clock.shift(late)
    with unchanged(held):
        assert send_change(ident, "mobile", SEIZED).status == 200


def test_a_new_report_must_name_a_future_follow_up_day(clock: Traveller) -> None:
    ident = enrol(mobile=SEIZED)
    clock.shift(timedelta(days=6))
    answer = send_change(ident, "mobile", SEIZED | {"missing_reason": "refused"})
    assert (answer.status, answer.fields) == (422, ["follow_up_on"])


# In the order in which things were recorded


def test_a_report_older_than_the_stored_number_is_refused(clock: Traveller) -> None:
    ident = enrol()
    clock.shift(7200)
    newer = {"number": "+447700900888", "recorded_at": "2026-12-01T11:00:00Z"}
    assert send_change(ident, "mobile", newer).status == 200
    with unchanged(held):
        for older in ({"number": "+447700900777"}, SEIZED):
            late = older | {"recorded_at": "2026-12-01T10:59:59Z"}
            assert send_change(ident, "mobile", late).status == 409


def test_a_report_older_than_the_enrolment_is_refused() -> None:
    ident = enrol()
    late = {"number": "+447700900777", "recorded_at": "2026-12-01T09:29:59Z"}
    assert send_change(ident, "mobile", late).status == 409


def test_reports_may_arrive_in_any_order(clock: Traveller) -> None:
    news = [
        {"number": "+447700900777", "recorded_at": "2026-12-01T10:00:00Z"},
        SEIZED | {"recorded_at": "2026-12-01T10:30:00Z"},
        {"number": "+447700900888", "recorded_at": "2026-12-01T11:00:00Z"},
    ]
    for serial, order_of_news in enumerate(permutations(news), start=1):
        clock.move_to(MORNING)
        ident = enrol(serial)
        clock.shift(7200)
        answers = {send_change(ident, "mobile", each).status for each in order_of_news}
        assert answers <= {200, 409}
        assert number_of(ident) == "+447700900888"


def test_a_report_older_than_a_repeated_one_is_refused(clock: Traveller) -> None:
    ident = enrol()
    clock.shift(7200)
    known = {"number": "+447700900123", "recorded_at": "2026-12-01T11:00:00Z"}
    assert send_change(ident, "mobile", known).status == 200
    late = {"number": "+447700900777", "recorded_at": "2026-12-01T10:00:00Z"}
    assert send_change(ident, "mobile", late).status == 409


def test_an_older_number_stays_older_if_upstream_s_clock_is_ahead(clock: Traveller) -> None:
    ident = enrol()
    newer = {"number": "+447700900888", "recorded_at": "2026-12-01T09:32:30Z"}
    older = {"number": "+447700900777", "recorded_at": "2026-12-01T09:32:00Z"}
    assert send_change(ident, "mobile", newer).status == 200
    clock.shift(5)
    assert send_change(ident, "mobile", older).status == 409
    assert number_of(ident) == "+447700900888"


def test_a_report_without_its_own_time_is_new_if_upstream_s_clock_is_ahead() -> None:
    ident = enrol()
    ahead = {"number": "+447700900888", "recorded_at": "2026-12-01T09:32:30Z"}
    assert send_change(ident, "mobile", ahead).status == 200
    assert send_change(ident, "mobile", {"missing_reason": "refused"}).status == 200
    assert send_change(ident, "mobile", ahead).status == 409
    assert not shown(ident)["mobile"]["known"]
    assert enrolment_of(ident).missing[-1].recorded_at == MORNING


MOMENT = {"recorded_at": "2026-12-01T10:00:00Z"}
TWO, LOST = (
    [{"number": "+447700900777"}, {"number": "+447700900888"}],
    {"missing_reason": "no_phone"},
)


@pytest.mark.parametrize("reports", [TWO, [TWO[0], LOST]], ids=["two", "one lost"])
def test_different_reports_of_one_moment_leave_no_number_in_any_order(
    reports: list[dict[str, str]], clock: Traveller
) -> None:
    for serial, in_turn in enumerate(permutations(reports), start=1):
        clock.move_to(MORNING)
        ident = enrol(serial)
        clock.shift(7200)
        repeated = [*in_turn, *in_turn]
        answers = {send_change(ident, "mobile", each | MOMENT).status for each in repeated}
        assert answers <= {200, 409}
        assert stands(ident) == ("waiting", ["no_number"])
        send_change(ident, "mobile", TWO[1] | {"recorded_at": "2026-12-01T10:00:01Z"})
        assert number_of(ident) == "+447700900888"


def test_a_report_dated_in_the_future_is_refused() -> None:
    ident = enrol()
    answer = send_change(ident, "mobile", FOUND | {"recorded_at": "2026-12-01T09:35:01Z"})
    assert (answer.status, answer.fields) == (422, ["recorded_at"])


def test_a_number_lost_again_begins_a_new_period_without_one(clock: Traveller) -> None:
    ident = enrol(mobile=SEIZED)
    clock.shift(3600)
    send_change(ident, "mobile", FOUND)
    clock.shift(3600)
    send_change(ident, "mobile", {"missing_reason": "lost_stolen_broken"})
    first, second = enrolment_of(ident).missing
    assert (first.resolved_how, second.reason) == ("property_returned", "lost_stolen_broken")
    assert second.resolved_at is None
    assert shown(ident)["mobile"]["missing_reason"] == "lost_stolen_broken"


def test_a_changed_number_does_not_count_as_found() -> None:
    ident = enrol()
    send_change(ident, "mobile", FOUND)
    assert enrolment_of(ident).missing == ()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (SEIZED | {"missing_reason": "forgotten"}, "missing_reason"),
        (SEIZED | {"recorded_by": "Jane Roe <mother>"}, "recorded_by"),
        (SEIZED | {"follow_up_on": "soon"}, "follow_up_on"),
        (SEIZED | {"source": "probation"}, "source"),
        (FOUND | {"source": "a friend"}, "source"),
        (FOUND | {"follow_up_by": "PC-7"}, "follow_up_by"),
        (FOUND | {"resolved_how": "x" * 65}, "resolved_how"),
    ],
)
def test_a_report_of_a_missing_number_is_checked_field_by_field(
    given: dict[str, Any], field: str
) -> None:
    answer = send_change(enrol(), "mobile", given)
    assert (answer.status, answer.fields) == (422, [field])


# The report


def test_counts_of_nobody_are_zero() -> None:
    counts = report()
    assert (counts["enrolled"], counts["missing"], counts["counts"]) == (0, 0, [])
    closes(counts)


def test_the_counts_close_by_reason_month_and_superintendent(clock: Traveller) -> None:
    months = [datetime(2026, 12, 1, 9, tzinfo=UTC), datetime(2027, 1, 4, 9, tzinfo=UTC)]
    expected = Counter[tuple[str, str, str]]()
    found: list[UUID] = []
    for serial, reason in enumerate(islice(cycle(MissingReason), 20)):
        at = months[serial >= 12]
        clock.move_to(at)
        superintendent = f"S-000{serial % 3}"
        order = {
            "made_on": f"{at:%Y-%m-%d}",
            "expires_on": f"{at + timedelta(days=13):%Y-%m-%d}",
            "served_on": None,
            "authorising_superintendent": superintendent,
        }
        ident = enrol(serial, order=order, mobile={"missing_reason": reason})
        enrol(500 + serial, order=order)
        expected[f"{at:%Y-%m}", superintendent, str(reason)] += 1
        if serial % 4 == 0:
            send_change(ident, "mobile", FOUND | {"number": f"+447700900{800 + serial}"})
            found.append(ident)
    counts = report()
    closes(counts)
    assert (counts["enrolled"], counts["missing"], counts["found"]) == (40, 20, len(found))
    assert counts["resolved_how"] == {"property_returned": len(found)}
    cells = counts["counts"]
    names = [(each["month"], each["superintendent"], each["reason"]) for each in cells]
    assert dict(zip(names, [each["missing"] for each in cells], strict=True)) == expected


def test_a_number_found_and_lost_again_counts_as_found(clock: Traveller) -> None:
    ident = enrol(mobile=SEIZED)
    for given in (FOUND, {"missing_reason": "refused"}, {"number": "+447700900778"}):
        clock.shift(60)
        send_change(ident, "mobile", given)
        counts = report()
        closes(counts)
        assert (counts["missing"], counts["found"]) == (1, 1)
        assert counts["by_reason"]["seized_evidence"] == 1


def test_a_number_lost_later_does_not_count_as_missing_at_enrolment(clock: Traveller) -> None:
    ident = enrol()
    clock.shift(60)
    send_change(ident, "mobile", SEIZED)
    assert report()["missing"] == 0


def test_the_way_a_number_was_found_is_optional() -> None:
    ident = enrol(mobile=SEIZED)
    send_change(ident, "mobile", {"number": "+447700900777"})
    counts = report()
    closes(counts)
    assert (counts["found"], counts["resolved_how"]) == (1, {})


def test_counts_use_the_corrected_superintendent() -> None:
    order = {"authorising_superintendent": "S-0001"}
    ident = enrol(order=order, mobile={"missing_reason": "not_recorded"})
    whole = shown(ident)["order"] | {"authorising_superintendent": "S-0002"}
    assert send_change(ident, "order", whole).status == 200
    (cell,) = report()["counts"]
    assert (cell["superintendent"], cell["reason"]) == ("S-0002", "not_recorded")
