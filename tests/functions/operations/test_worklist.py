"""The worklist: exactly the orders that wait for somebody to act."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.life import CUSTODY, QUASHED, audit_of, followed, report_change, shown
from tests.support.samples import MORNING
from tests.support.steps import HttpAnswer, call, enrol, someone_in
from tests.support.table import (
    change_enrolment,
    enrolment_of,
    everything,
    found,
    keep,
    put_item,
    unchanged,
)
from trial.aws.table import Key
from trial.codes import Arm, MissingReason
from trial.records.enrolment import enrolment_key

pytestmark = pytest.mark.usefixtures("cloud")


def seized(follow_up_on: str | None = None, **more: Any) -> dict[str, Any]:
    """A missing number: the phone was seized as evidence."""
    mobile = {"missing_reason": "seized_evidence", "recorded_by": "PC-1182"} | more
    return mobile | ({"follow_up_on": follow_up_on} if follow_up_on else {})


def ask(**query: Any) -> HttpAnswer:
    return call("GET", f"/enrolments?{urlencode(query)}")


def listed(**query: Any) -> list[UUID]:
    """Who is on the worklist, in its order, from its first page to its last."""
    found: list[UUID] = []
    cursor: dict[str, str] = {}
    while True:
        answer = ask(**query, **cursor)
        assert answer.status == 200, answer.text
        found += [UUID(each["enrolment_id"]) for each in answer.body["enrolments"]]
        if answer.body["cursor"] is None:
            return found
        cursor = {"cursor": answer.body["cursor"]}


def test_a_waiting_order_is_shown_with_all_that_is_needed_to_act() -> None:
    ident = enrol(1, mobile=seized("2026-12-04"))
    answer = ask()
    row = {
        "enrolment_id": str(ident),
        "reference": "DVPO-2026-000001",
        "force": "durham",
        "status": "waiting",
        "reasons": ["no_number"],
        "since": "2026-12-01T09:30:00Z",
        "superintendent": "S-0417",
        "missing": {
            "reason": "seized_evidence",
            "recorded_by": "PC-1182",
            "follow_up_on": "2026-12-04",
            "follow_up_by": None,
        },
        "last_chance_on": "2026-12-12",
    }
    assert (answer.status, answer.body) == (200, {"enrolments": [row], "cursor": None})


def test_an_order_that_waits_for_nothing_is_not_on_the_worklist() -> None:
    followed(1)
    enrol(2)
    enrol(3, respondent={"date_of_birth": "2010-01-01"})
    assert listed() == []


def test_an_order_that_waits_for_service_or_a_safe_number_is_on_the_worklist() -> None:
    unserved = enrol(1, order={"served_on": None})
    unsafe = enrol(2, protected_numbers=["+447700900002"])
    rows = {each["enrolment_id"]: each for each in ask().body["enrolments"]}
    assert {ident: (row["reasons"], row["missing"]) for ident, row in rows.items()} == {
        str(unserved): (["not_served"], None),
        str(unsafe): (["unsafe_number"], None),
    }


def test_an_order_leaves_the_worklist_once_served_reached_or_ended() -> None:
    unserved = enrol(1, order={"served_on": None})
    missing, gone = enrol(2, mobile=seized()), enrol(3, mobile=seized())
    assert set(listed()) == {unserved, missing, gone}
    report_change(unserved, "service", {"served_on": "2026-12-01"})
    report_change(missing, "mobile", {"number": "+447700900777"})
    report_change(gone, "end", QUASHED)
    assert listed() == []


@pytest.mark.parametrize("arm", Arm)
@pytest.mark.parametrize(
    ("lost", "reason"),
    [({"missing_reason": "lost_stolen_broken"}, "no_number"), (None, "unsafe_number")],
)
def test_a_number_lost_after_the_draw_is_on_the_worklist_until_the_last_day(
    clock: Traveller, arm: Arm, lost: dict[str, Any] | None, reason: str
) -> None:
    ident = someone_in(arm)
    number = f"+447700900{shown(ident)['mobile']['last_digits']}"
    if lost:
        report_change(ident, "mobile", lost)
    else:
        enrol(900, protected_numbers=[number])
    (row,) = ask().body["enrolments"]
    assert row["enrolment_id"] == str(ident)
    assert (row["status"], row["reasons"]) == ("allocated", [reason])
    assert row["last_chance_on"] == "2026-12-14"
    clock.move_to(MORNING + timedelta(days=13))
    assert listed() == [ident]
    clock.move_to(MORNING + timedelta(days=14))
    assert listed() == []


def test_an_order_released_from_custody_is_on_the_worklist_again() -> None:
    ident = enrol(1, mobile=seized())
    report_change(ident, "end", CUSTODY)
    assert listed() == []
    report_change(ident, "resume", {"at": "2026-12-01T09:20:00Z", "by": "PC-1182"})
    assert listed() == [ident]


def test_the_last_chance_is_the_last_day_on_which_a_number_lets_somebody_in(
    clock: Traveller,
) -> None:
    ident = enrol(1, mobile=seized())
    (row,) = ask().body["enrolments"]
    assert row["last_chance_on"] == "2026-12-12"
    for day, listed_then in ((12, [ident]), (13, [])):
        clock.move_to(MORNING.replace(day=day))
        assert listed() == listed_then
    clock.move_to(MORNING.replace(day=12))
    report_change(ident, "mobile", {"number": "+447700900777"})
    assert shown(ident)["status"] == "allocated"
    late = enrol(2, mobile=seized())
    clock.move_to(MORNING.replace(day=13))
    report_change(late, "mobile", {"number": "+447700900778"})
    assert shown(late)["reasons"] == ["too_late"]


def test_the_oldest_follow_up_comes_first_and_orders_without_one_last() -> None:
    days = ["2026-12-09", None, "2026-12-04", "2026-12-08"]
    ids = [enrol(serial, mobile=seized(day)) for serial, day in enumerate(days)]
    assert listed() == [ids[2], ids[3], ids[0], ids[1]]


def test_a_postponed_follow_up_moves_an_order_back() -> None:
    one, other = (enrol(serial, mobile=seized(f"2026-12-0{serial}")) for serial in (4, 5))
    assert listed() == [one, other]
    report_change(one, "mobile", seized("2026-12-06"))
    assert listed() == [other, one]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_across_pages_each_order_comes_once(limit: int) -> None:
    ids = {
        enrol(serial, mobile=seized(f"2026-12-{4 + serial % 3:02}" if serial % 4 else None))
        for serial in range(7)
    }
    paged = listed(limit=limit)
    assert (len(paged), set(paged)) == (7, ids)
    assert paged == listed()
    assert len(ask(limit=limit).body["enrolments"]) == min(limit, 7)


def test_a_number_found_between_two_pages_leaves_no_gap() -> None:
    ids = [enrol(serial, mobile=seized(f"2026-12-0{serial}")) for serial in range(4, 8)]
    first = ask(limit=2).body
    report_change(ids[1], "mobile", {"number": "+447700900777"})
    rest = ask(cursor=first["cursor"]).body
    assert [each["enrolment_id"] for each in rest["enrolments"]] == [*map(str, ids[2:])]


def test_the_worklist_shows_only_the_orders_asked_for() -> None:
    ids = {
        "seized": enrol(1, mobile=seized("2026-12-04")),
        "refused": enrol(2, mobile={"missing_reason": "refused", "follow_up_on": "2026-12-05"}),
        "unserved": enrol(3, order={"served_on": None, "authorising_superintendent": "S-0002"}),
        "lost": followed(4),
    }
    report_change(ids["lost"], "mobile", {"missing_reason": "lost_stolen_broken"})

    def named(**query: Any) -> set[str]:
        found = listed(**query)
        return {name for name, ident in ids.items() if ident in found}

    assert named() == set(ids)
    assert named(status="waiting") == {"seized", "refused", "unserved"}
    assert named(status="allocated") == {"lost"}
    assert named(status="ended") == set()
    assert named(reason="no_number") == {"seized", "refused", "lost"}
    assert named(reason="not_served") == {"unserved"}
    assert named(reason="refused") == {"refused"}
    assert named(superintendent="S-0002") == {"unserved"}
    assert named(follow_up_before="2026-12-04") == set()
    assert named(follow_up_before="2026-12-05") == {"seized"}
    assert named(follow_up_before="2026-12-06") == {"seized", "refused"}
    assert named(reason="refused", superintendent="S-0002") == set()


def test_a_page_is_full_however_many_orders_are_filtered_out() -> None:
    for serial in range(9):
        superintendent = {"authorising_superintendent": f"S-000{serial % 3}"}
        enrol(serial, order=superintendent, mobile=seized())
    first = ask(superintendent="S-0001", limit=2).body
    assert len(first["enrolments"]) == 2
    rest = ask(superintendent="S-0001", limit=2, cursor=first["cursor"]).body
    assert len(rest["enrolments"]) == 1


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/enrolments?superintendant=S-0417", "superintendant"),
        ("/enrolments?status=waiting&%2B447700900123=", "(a field)"),
        ("/orders?force=durham&reference=DVPO-1&ref=1", "ref"),
        ("/timetable?made_on=2026-12-01&expires_on=2026-12-14&conditions=no_entry&arm=1", "arm"),
    ],
)
def test_a_filter_that_a_route_lacks_is_refused_and_not_ignored(path: str, field: str) -> None:
    answer = call("GET", path)
    assert answer.status == 422
    (error,) = answer.body["errors"]
    assert error == {"field": field, "message": "is no field of this request: leave it out"}
    assert "7700900123" not in answer.text


def test_a_route_without_filters_refuses_any() -> None:
    assert call("GET", "/reports/flow?force=durham").fields == ["force"]
    assert call("GET", f"/enrolments/{UUID(int=1)}?arm=control").fields == ["arm"]


def test_a_request_for_a_dry_run_is_refused_and_changes_nothing() -> None:
    ident = enrol()
    with unchanged():
        answer = call("POST", f"/enrolments/{ident}/end?dry_run=true", QUASHED)
    assert (answer.status, answer.fields) == (422, ["dry_run"])


def test_a_signature_in_the_query_does_not_count_as_a_filter() -> None:
    assert call("GET", "/sending?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0").status == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"reason": "in_a_drawer"}, "reason"),
        ({"superintendent": "<b>"}, "superintendent"),
        ({"follow_up_before": "1796083200"}, "follow_up_before"),
        ({"follow_up_before": "05/12/2026"}, "follow_up_before"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "all"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "5.0"}, "limit"),
        ({"cursor": "MjAyNi0xMi0wNA=="}, "cursor"),
        ({"cursor": "\u00e9"}, "cursor"),
        ({"cursor": "x" * 101}, "cursor"),
    ],
)
def test_an_invalid_query_is_refused_by_its_field(query: dict[str, str], field: str) -> None:
    answer = ask(**query)
    assert answer.status == 422
    assert set(answer.fields) == {field}
    assert query[field] not in answer.text
    assert "is not valid" not in {each["message"] for each in answer.body["errors"]}


def test_an_invented_cursor_shows_no_more_than_the_list_itself() -> None:
    enrol(1, mobile=seized("2026-12-04"))
    for place, seen in (("2026-12-03", 1), ("2026-12-05", 0)):
        made_up = urlsafe_b64encode(f"{place}#{UUID(int=0)}".encode()).decode()
        assert len(ask(cursor=made_up).body["enrolments"]) == seen


def test_only_enrolments_that_are_shown_are_recorded_as_consulted() -> None:
    one, other = (enrol(serial, mobile=seized(f"2026-12-0{serial}")) for serial in (4, 5))
    call("GET", "/enrolments?limit=1", by="ops")
    (entry,) = [each for each in audit_of(one) if each["what"] == "worklist consulted"]
    assert entry["by"].endswith("user/ops")
    assert "worklist consulted" not in [each["what"] for each in audit_of(other)]


def test_the_history_shown_to_upstream_leaves_out_looks_at_the_worklist() -> None:
    ident = enrol(1, mobile=seized())
    before = shown(ident)
    ask()
    assert shown(ident) == before


def test_a_full_page_is_recorded_in_one_transaction() -> None:
    """A transaction holds a hundred acts, and a page as many enrolments."""
    first = enrolment_of(enrol(1, mobile=seized()))
    for serial in range(100):
        twin = first.model_copy(update={"enrolment_id": UUID(int=serial)})
        keep(enrolment_key(twin.enrolment_id), twin)
    answer = ask(limit=100)
    assert (answer.status, len(answer.body["enrolments"])) == (200, 100)
    assert len(ask(cursor=answer.body["cursor"]).body["enrolments"]) == 1


def test_an_unreadable_entry_does_not_hide_the_others() -> None:
    broken, other = enrol(1, mobile=seized()), enrol(2, mobile=seized())
    key = enrolment_key(broken)
    put_item(key, found(key) | {"enrolled_at": "never"})
    assert listed() == [other]


def test_an_erased_enrolment_is_not_on_the_worklist() -> None:
    ident = enrol(1, mobile=seized())
    change_enrolment(ident, erased_at=MORNING)
    assert listed() == []


def test_the_index_holds_only_waiting_orders() -> None:
    followed(1)
    waiting = enrol(2, mobile=seized())
    assert indexed() == {enrolment_key(waiting)}
    report_change(waiting, "mobile", {"number": "+447700900777"})
    assert indexed() == set()


def indexed() -> set[Key]:
    return {key for key, item in everything().items() if "worklist" in item}


@pytest.mark.parametrize("reason", MissingReason)
def test_no_entry_shows_a_number_or_a_person(reason: MissingReason) -> None:
    enrol(123, mobile={"missing_reason": reason, "recorded_by": "PC-1182"})
    text = ask().text
    for personal in ("7700900", "1990", "2003/", "Peterlee"):
        assert personal not in text
