"""The switch, the suppression list and the flow counts."""

from typing import Any

import pytest
from time_machine import Traveller

from tests.support.faults import before_write, raising, refusal
from tests.support.life import (
    CUSTODY,
    QUASHED,
    RELEASE,
    followed,
    report_change,
    send_change,
    treated,
)
from tests.support.steps import call, enrol, fire, texts
from tests.support.table import enrolment_of, everything, reminder_of
from trial.codes import EndReason, Reason, Status, Suppression

pytestmark = pytest.mark.usefixtures("cloud")

PAUSE = {"paused": True, "reason": "wording under review", "by": "Supt-1"}
GO_ON = PAUSE | {"paused": False}
WRONG = {"number": "+447700900123", "reason": "wrong_number", "by": "PC-1182"}


def trail(kind: str) -> list[tuple[str, str]]:
    """The audit entries not about enrolments: what was done, and by whom."""
    return [
        (item["what"], item["by"].rpartition("/")[2])
        for key, item in sorted(everything().items())
        if item["kind"] == "audit" and key.pk.startswith(kind)
    ]


# The switch


def test_sending_is_on_until_somebody_pauses_it_with_name_time_and_reason() -> None:
    answer = call("GET", "/sending")
    assert (answer.status, answer.body["paused"]) == (200, False)
    shown = PAUSE | {"at": "2026-12-01T09:30:00Z"}
    answer = call("PUT", "/sending", PAUSE)
    assert (answer.status, answer.body) == (200, shown)
    assert call("GET", "/sending").body == shown


def test_each_change_of_the_switch_is_stored_and_a_repeat_is_not(clock: Traveller) -> None:
    turned: dict[str, list[object]] = {}
    for body in (PAUSE, PAUSE, GO_ON, GO_ON, PAUSE):
        clock.shift(60)
        answer = call("PUT", "/sending", body, by="ops").body
        assert answer["paused"] is body["paused"]
        turned.setdefault(answer["at"], []).append(body)
    assert list(turned.values()) == [[PAUSE] * 2, [GO_ON] * 2, [PAUSE]]
    what = ["sending_paused", "sending_resumed", "sending_paused"]
    assert trail("audit#switch") == [(each, "ops") for each in what]


def test_two_simultaneous_changes_of_the_switch_are_stored_and_the_last_one_stands() -> None:
    with before_write(lambda: call("PUT", "/sending", PAUSE)):
        assert call("PUT", "/sending", GO_ON).status == 200
    assert call("GET", "/sending").body["paused"] is False
    assert len(trail("audit#switch")) == 2


def test_nothing_goes_while_sending_is_paused_and_texts_go_again_after(clock: Traveller) -> None:
    ident = treated()
    call("PUT", "/sending", PAUSE)
    clock.move_to(reminder_of(ident, 1).due_at)
    assert fire(ident, 1) == "paused"
    assert texts() == []
    call("PUT", "/sending", GO_ON)
    assert fire(ident, 1) == "sent"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"paused": "yes"}, "paused"),
        ({"paused": 1}, "paused"),
        ({"reason": ""}, "reason"),
        ({"by": None}, "by"),
        ({"until": "2026-12-02"}, "until"),
    ],
)
def test_an_invalid_change_of_the_switch_is_refused(change: dict[str, Any], field: str) -> None:
    answer = call("PUT", "/sending", PAUSE | change)
    assert (answer.status, answer.fields) == (422, [field])
    assert call("GET", "/sending").body["paused"] is False


# The suppression list


def test_a_number_is_suppressed_once() -> None:
    first, again = (call("POST", "/suppressions", WRONG, by="ops") for _ in range(2))
    assert (first.status, again.status) == (201, 200)
    shown = {"last_digits": "123", "reason": "wrong_number", "by": "PC-1182"}
    assert first.body == again.body == shown | {"at": "2026-12-01T09:30:00Z"}
    done = ("number_suppressed", "suppression consulted")
    assert trail("audit#suppressed#") == [(each, "ops") for each in done]


def test_a_suppression_takes_a_reason_as_staff_write_it() -> None:
    reason = "Complaint: not his phone; see call #77!"
    answer = call("POST", "/suppressions", WRONG | {"reason": reason})
    assert (answer.status, answer.body["reason"]) == (201, reason)


def test_the_first_reason_for_a_suppression_stands(clock: Traveller) -> None:
    call("POST", "/suppressions", WRONG)
    clock.shift(60)
    answer = call("POST", "/suppressions", WRONG | {"reason": "objection", "by": "PC-9"})
    assert (answer.status, answer.body["reason"]) == (200, "wrong_number")


def test_only_the_hash_of_a_suppressed_number_is_stored() -> None:
    call("POST", "/suppressions", WRONG)
    assert "7700900123" not in str(everything())


@pytest.mark.parametrize("known_before", [True, False])
def test_a_suppressed_number_is_never_texted_whoever_has_it(
    clock: Traveller, *, known_before: bool
) -> None:
    if known_before:
        call("POST", "/suppressions", WRONG)
    ident = treated()
    report_change(ident, "mobile", {"number": WRONG["number"]})
    if not known_before:
        call("POST", "/suppressions", WRONG)
    clock.move_to(reminder_of(ident, 1).due_at)
    assert fire(ident, 1) == "suppressed"
    assert texts() == []
    assert reminder_of(ident, 1).reason == Suppression.SUPPRESSED_NUMBER


def test_a_number_stays_suppressed_when_orders_come_and_go() -> None:
    call("POST", "/suppressions", WRONG)
    ident = enrol(123)
    send_change(ident, "mobile", {"number": "+447700900777"})
    enrol(1, protected_numbers=[WRONG["number"]])
    assert call("POST", "/suppressions", WRONG).status == 200


def test_a_simultaneous_suppression_and_enrolment_are_both_stored() -> None:
    with before_write(lambda: enrol(123)):
        assert call("POST", "/suppressions", WRONG).status == 201
    assert call("POST", "/suppressions", WRONG).status == 200
    assert enrolment_of(enrol(124, mobile={"number": WRONG["number"]})).mobile.shared is True


def test_a_suppression_that_cannot_be_stored_gets_an_error() -> None:
    with before_write(raising(refusal("InternalServerError", status=500))):
        answer = call("POST", "/suppressions", WRONG)
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert "123" not in answer.text
    assert call("POST", "/suppressions", WRONG).status == 201


@pytest.mark.parametrize("number", ["+441388601234", "07700900123", "+440770900123"])
def test_only_a_number_that_could_be_texted_can_be_suppressed(number: str) -> None:
    answer = call("POST", "/suppressions", WRONG | {"number": number})
    assert (answer.status, answer.fields) == (422, ["number"])
    assert number not in answer.text


@pytest.mark.parametrize("number", ["+12025550123", "+6421123456"])
def test_a_mobile_of_any_trial_s_country_can_be_suppressed(number: str) -> None:
    assert call("POST", "/suppressions", WRONG | {"number": number}).status == 201
    assert call("POST", "/suppressions", WRONG | {"number": number}).status == 200


# The flow


def flow() -> Any:
    answer = call("GET", "/reports/flow")
    assert answer.status == 200
    return answer.body


def closes(counts: Any) -> None:
    """Assert that everybody is in exactly one box."""
    assert counts["enrolled"] == sum(counts["by_status"].values())
    assert counts["by_status"]["ended"] == sum(counts["ended"].values())
    excluded = sum(counts["by_reason"].values())
    assert counts["enrolled"] == (counts["randomised"] + excluded + counts["by_status"]["eligible"])
    assert set(counts["by_status"]) == set(Status)
    assert set(counts["by_reason"]) == set(Reason)
    assert set(counts["ended"]) == set(EndReason)


def test_the_flow_diagram_adds_up_whatever_happens(clock: Traveller) -> None:
    closes(flow())
    person = {"person_id": "2003/0000777P"}
    drawn = [followed(serial) for serial in range(1, 5)]
    followed(5, respondent=person)
    followed(6, respondent=person)  # already in the trial
    followed(7, respondent={"date_of_birth": "2010-01-01"})
    unserved = followed(8, order={"served_on": None})
    followed(9, mobile={"missing_reason": "refused"})
    followed(10, protected_numbers=["+447700900010"])
    followed(11, order={"made_on": "2026-11-19", "expires_on": "2026-12-02", "served_on": None})
    in_custody, gone = enrol(12), enrol(13)
    enrol(14)  # eligible; the draw has not heard of it yet
    closes(flow())
    report_change(drawn[0], "end", QUASHED)
    report_change(drawn[1], "end", CUSTODY)
    report_change(drawn[2], "end", CUSTODY)
    report_change(drawn[2], "resume", RELEASE)
    report_change(in_custody, "end", CUSTODY)
    report_change(gone, "end", QUASHED | {"reason": "deceased"})
    counts = flow()
    closes(counts)
    assert counts == {
        "enrolled": 14,
        "by_status": {"eligible": 1, "waiting": 4, "ineligible": 2, "allocated": 3, "ended": 4},
        "by_reason": dict.fromkeys(Reason, 0)
        | dict.fromkeys(("under_18", "no_number", "unsafe_number", "already_in_trial"), 1)
        | {"not_served": 2, "in_custody": 1, "order_ended": 1},
        "randomised": 5,
        "ended": dict.fromkeys(EndReason, 0) | {"quashed": 1, "in_custody": 2, "deceased": 1},
    }
    clock.shift(60)
    report_change(unserved, "service", {"served_on": "2026-12-01"})
    report_change(in_custody, "resume", RELEASE)
    counts = flow()
    closes(counts)
    assert (counts["randomised"], counts["by_status"]["ended"]) == (7, 3)
