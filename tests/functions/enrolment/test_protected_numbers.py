"""Numbers that must never be texted, whichever order was known first; and shared ones."""

from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from tests.support.faults import after_write, before_write, counting, meddling
from tests.support.life import (
    CUSTODY,
    QUASHED,
    audit_of,
    corrected,
    followed,
    report_change,
    send_change,
    shown,
    stands,
    treated,
)
from tests.support.samples import LATER, MORNING, order
from tests.support.steps import allocate, enrol, failures, fire, post, texts
from tests.support.table import (
    enrolment_of,
    everything,
    number_hash_of,
    number_of,
    reminder_of,
    unchanged,
)
from trial.aws import clients
from trial.codes import Suppression
from trial.records.person import number_key

pytestmark = pytest.mark.usefixtures("cloud")

HERS, OTHER = "+447700900456", "+447700900777"


# The protected number first


@pytest.mark.parametrize(
    "number",
    ["+447400123456", "+442079460123", "+441632960123", "+12025550123", "+33612345678"],
    ids=["mobile", "landline", "landline for drama", "American", "French"],
)
def test_any_real_number_may_be_protected(number: str) -> None:
    assert post(order(protected_numbers=[number])).status == 202


def test_every_spelling_of_a_protected_number_blocks_it() -> None:
    number = "+447400123456"
    assert post(order(1, protected_numbers=["+4407400123456"])).status == 422
    followed(1, protected_numbers=[number])
    assert stands(followed(2, mobile={"number": number})) == ("waiting", ["unsafe_number"])


def test_an_order_s_own_protected_number_is_unsafe_for_its_respondent() -> None:
    ident = followed(mobile={"number": HERS}, protected_numbers=[HERS])
    assert stands(ident) == ("waiting", ["unsafe_number"])
    assert shown(ident)["mobile"]["unsafe"] is True


@pytest.mark.parametrize("life", [[], [CUSTODY], [QUASHED]])
def test_an_order_protects_numbers_to_its_last_day_whatever_happens_to_it(
    life: list[dict[str, Any]], clock: Traveller
) -> None:
    protecting = followed(1, protected_numbers=[HERS])
    for end in life:
        report_change(protecting, "end", end)
    clock.move_to(MORNING + timedelta(days=13))
    dates = {"made_on": "2026-12-14", "expires_on": "2026-12-27", "served_on": "2026-12-14"}
    assert stands(followed(2, order=dates, mobile={"number": HERS}))[1] == ["unsafe_number"]


def test_an_order_that_has_run_out_protects_nobody(clock: Traveller) -> None:
    followed(1, protected_numbers=[HERS])
    clock.move_to(MORNING + timedelta(days=14))
    assert stands(followed(2, order=LATER, mobile={"number": HERS})) == ("allocated", [])


def test_corrected_dates_decide_how_long_an_order_protects(clock: Traveller) -> None:
    protecting = enrol(1, protected_numbers=[HERS])
    report_change(protecting, "order", corrected(1, expires_on="2026-12-28"))
    clock.move_to(MORNING + timedelta(days=14))
    assert stands(followed(2, order=LATER, mobile={"number": HERS}))[1] == ["unsafe_number"]


def test_a_person_who_waits_with_an_unsafe_number_is_drawn_with_a_safe_one() -> None:
    followed(1, protected_numbers=[HERS])
    waiting = followed(2, mobile={"number": HERS})
    report_change(waiting, "mobile", {"number": OTHER})
    assert stands(waiting) == ("allocated", [])


def test_a_number_reported_again_after_its_protection_ran_out_is_safe(clock: Traveller) -> None:
    followed(1, protected_numbers=[HERS])
    waiting = followed(2, order={"expires_on": "2026-12-28"}, mobile={"number": HERS})
    clock.move_to(MORNING + timedelta(days=14))
    report_change(waiting, "mobile", {"number": HERS})
    assert stands(waiting) == ("allocated", [])


def test_a_change_to_a_protected_number_stops_the_texts(clock: Traveller) -> None:
    ident = treated()
    enrol(900, protected_numbers=[HERS])
    report_change(ident, "mobile", {"number": HERS})
    clock.move_to(reminder_of(ident, 1).due_at)
    assert fire(ident, 1) == "suppressed"
    assert reminder_of(ident, 1).reason == Suppression.UNSAFE_NUMBER


# The respondent first


def test_an_eligible_person_with_a_newly_protected_number_waits() -> None:
    ident = enrol(1, mobile={"number": HERS})
    enrol(2, protected_numbers=[HERS])
    assert stands(ident) == ("waiting", ["unsafe_number"])
    assert failures(allocate(ident)) == []
    assert stands(ident) == ("waiting", ["unsafe_number"])


def test_an_order_that_resumes_respects_numbers_protected_in_the_meantime(clock: Traveller) -> None:
    again = enrol(1, order={"expires_on": "2026-12-28", "served_on": None}, mobile={"number": HERS})
    report_change(again, "order", corrected(1, expires_on="2026-12-14", served_on=None))
    clock.move_to(MORNING + timedelta(days=14))
    followed(2, order=LATER, protected_numbers=[HERS])
    report_change(again, "order", corrected(1, expires_on="2026-12-28"))
    assert stands(again) == ("waiting", ["unsafe_number"])


def test_a_resumed_order_s_protection_stops_texts_to_its_numbers(clock: Traveller) -> None:
    protecting = enrol(1, order={"served_on": None}, protected_numbers=[HERS])
    clock.move_to(MORNING + timedelta(days=14))
    stopped = enrol(2, order=LATER, mobile={"number": HERS})
    assert stands(stopped) == ("eligible", [])
    report_change(protecting, "order", corrected(1, expires_on="2026-12-28"))
    assert stands(stopped) == ("waiting", ["unsafe_number"])


def test_a_randomised_person_with_a_protected_number_gets_no_text(clock: Traveller) -> None:
    ident = treated()
    enrol(900, protected_numbers=[number_of(ident)])
    assert stands(ident) == ("allocated", [])
    assert shown(ident)["mobile"]["unsafe"] is True

    clock.move_to(reminder_of(ident, 1).due_at)
    assert fire(ident, 1) == "suppressed"
    assert reminder_of(ident, 1).reason == Suppression.UNSAFE_NUMBER
    report_change(ident, "mobile", {"number": OTHER})
    clock.move_to(reminder_of(ident, 2).due_at)
    assert fire(ident, 2) == "sent"
    assert [number for number, _ in texts()] == [OTHER]


def test_an_order_and_its_protected_numbers_are_stored_in_one_transaction() -> None:
    """Not what they are: however many they are, it cannot fail on them."""
    stopped = enrol(1, mobile={"number": HERS})
    with (
        unchanged(),
        counting(clients.dynamodb(), "dynamodb.TransactWriteItems") as writes,
        before_write(crash),
        pytest.raises(KeyboardInterrupt),
    ):
        post(order(2, protected_numbers=[HERS]))
    (write,) = writes
    puts = [act["Put"]["Item"]["pk"]["S"] for act in write["TransactItems"] if "Put" in act]
    assert not any(str(stopped) in key for key in puts)
    assert number_key(number_hash_of(stopped)).pk in puts


def crash() -> None:
    raise KeyboardInterrupt


def test_no_text_goes_to_a_protected_number_before_others_are_updated(clock: Traveller) -> None:
    texted = treated(mobile={"number": HERS})
    with after_write(crash), pytest.raises(KeyboardInterrupt):
        post(order(900, protected_numbers=[HERS]))
    assert enrolment_of(texted).mobile.unsafe is False
    clock.move_to(reminder_of(texted, 1).due_at)
    assert fire(texted, 1) == "suppressed"
    assert reminder_of(texted, 1).reason == Suppression.UNSAFE_NUMBER


def test_the_audit_trail_has_each_protected_number_s_author(clock: Traveller) -> None:
    ident = enrol(1, mobile={"number": HERS})
    for serial in (2, 3):  # the second time it is stopped already: nothing changes
        clock.shift(60)
        enrol(serial, protected_numbers=[HERS])
    assert [each["what"] for each in audit_of(ident)] == ["enrolled", "number_protected"]


def test_a_protection_reaches_a_person_who_is_enrolled_at_the_same_time() -> None:
    """Between the read and the write of the protecting order."""
    with before_write(lambda: enrol(1, mobile={"number": HERS})):
        enrol(2, protected_numbers=[HERS])
    mobiles = [item["mobile"] for item in everything().values() if "mobile" in item]
    assert {each["last_digits"]: each["unsafe"] for each in mobiles}[HERS[-3:]]


def test_an_enrolment_respects_a_number_protected_at_the_same_time() -> None:
    """Between the read and the write of the respondent's order, or of the change of number."""
    with before_write(lambda: enrol(1, protected_numbers=[HERS])):
        enrolled = enrol(2, mobile={"number": HERS})
    assert stands(enrolled) == ("waiting", ["unsafe_number"])

    changed = enrol(3)
    with before_write(lambda: enrol(4, protected_numbers=[OTHER])):
        send_change(changed, "mobile", {"number": OTHER})
    assert stands(changed) == ("waiting", ["unsafe_number"])


def test_a_protection_that_comes_while_a_text_is_claimed_stops_it(clock: Traveller) -> None:
    ident = treated()
    number = number_of(ident)
    clock.move_to(reminder_of(ident, 1).due_at)
    with before_write(lambda: enrol(900, protected_numbers=[number])):
        assert fire(ident, 1) == "suppressed"
    assert texts() == []


def test_a_protection_no_longer_stops_a_number_given_up_and_stops_the_new_one() -> None:
    ident = enrol(1, mobile={"number": HERS})
    send_change(ident, "mobile", {"number": OTHER})
    enrol(2, protected_numbers=[HERS])
    assert stands(ident) == ("eligible", [])
    enrol(3, protected_numbers=[OTHER])
    assert stands(ident) == ("waiting", ["unsafe_number"])


def test_simultaneous_changes_leave_no_trace_of_a_number_given_up() -> None:
    """A change between the two reads of another: the number it brings must not be forgotten."""
    ident = enrol(1)
    seen, hers = "after-call.dynamodb.BatchGetItem", {"number": HERS}
    with meddling(clients.dynamodb(), seen, lambda: send_change(ident, "mobile", hers)):
        send_change(ident, "mobile", {"number": OTHER})
    assert number_of(ident) == OTHER
    assert enrolment_of(enrol(2, mobile={"number": HERS})).mobile.shared is False


# Shared numbers


def test_both_people_who_share_a_number_are_flagged() -> None:
    first, second = enrol(1, mobile={"number": HERS}), enrol(2, mobile={"number": HERS})
    assert [shown(each)["mobile"]["shared"] for each in (first, second)] == [True, True]
    assert [stands(each)[0] for each in (first, second)] == ["eligible", "eligible"]
    assert "number_shared" in [each["what"] for each in audit_of(first)]


def test_two_orders_of_one_person_do_not_share_their_number() -> None:
    person = {"person_id": "2003/0000777P"}
    both = [enrol(serial, respondent=person, mobile={"number": HERS}) for serial in (1, 2)]
    assert [shown(each)["mobile"]["shared"] for each in both] == [False, False]
    other = enrol(3, mobile={"number": HERS})
    assert [shown(each)["mobile"]["shared"] for each in (*both, other)] == [True] * 3


def test_a_change_to_another_person_s_number_flags_both() -> None:
    first, second = enrol(1, mobile={"number": HERS}), enrol(2)
    send_change(second, "mobile", {"number": HERS})
    assert [shown(each)["mobile"]["shared"] for each in (first, second)] == [True, True]


def test_a_flag_changes_nobody_s_status() -> None:
    person = {"person_id": "2003/0000777P"}
    enrol(1, respondent=person)
    second = enrol(2, respondent=person, mobile={"number": HERS})
    assert stands(second) == ("ineligible", ["already_in_trial"])
    enrol(3, mobile={"number": HERS})
    assert stands(second) == ("ineligible", ["already_in_trial"])
    assert shown(second)["mobile"]["shared"] is True


def test_a_number_of_an_order_that_has_run_out_is_not_shared(clock: Traveller) -> None:
    enrol(1, mobile={"number": HERS})
    clock.move_to(MORNING + timedelta(days=14))
    assert shown(enrol(2, order=LATER, mobile={"number": HERS}))["mobile"]["shared"] is False


def test_an_order_beyond_the_bound_of_a_number_waits_as_unsafe() -> None:
    """What somebody could do who has stolen upstream's credentials, and no more."""
    made = [enrol(serial, mobile={"number": HERS}) for serial in range(1, 6)]
    assert [shown(each)["status"] for each in made] == [*["eligible"] * 3, *["waiting"] * 2]
    assert shown(made[3])["reasons"] == ["unsafe_number"]
    moved = enrol(6)
    report_change(moved, "mobile", {"number": HERS})
    assert enrolment_of(moved).mobile.unsafe


def test_orders_that_have_run_out_do_not_count_towards_the_bound(clock: Traveller) -> None:
    for serial in range(1, 4):
        enrol(serial, mobile={"number": HERS})
    clock.shift(timedelta(days=20))
    dates = {"made_on": "2026-12-21", "served_on": "2026-12-21", "expires_on": "2027-01-03"}
    assert shown(enrol(5, mobile={"number": HERS}, order=dates))["status"] == "eligible"
