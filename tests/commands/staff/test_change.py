"""Changes of an order are reported by its reference, as people write it."""

import pytest

from commands.api import Api
from commands.staff import change
from tests.support.fixture_protocol import VERSION
from tests.support.life import followed, shown
from tests.support.samples import MORNING
from tests.support.steps import call, enrol
from tests.support.table import change_enrolment, everything, number_of

pytestmark = pytest.mark.usefixtures("cloud")

ORDER = "durham/DVPO-2026-000123"
MISSING = {"missing_reason": "seized_evidence"}


def run(api: Api, *arguments: str) -> int:
    return change.run(change.options([*arguments, "--protocol", VERSION]), api)


def test_a_number_is_made_canonical_shown_and_sent(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    ident = enrol(mobile=MISSING)
    assert run(api, "number", "Durham/dvpo-2026-000123", "07700 900777", "--how", "visit") == 0
    assert number_of(ident) == "+447700900777"
    printed = capsys.readouterr().out
    assert printed.index("number: +447700900777") < printed.index("Done: eligible")


def test_a_missing_number_is_sent_with_its_reason_author_and_follow_up_day(api: Api) -> None:
    ident = followed()
    told = ("--missing", "Lost stolen broken", "--by", "PC 1182", "--follow-up", "4/12/2026")
    assert run(api, "number", ORDER, *told) == 0
    mobile = shown(ident)["mobile"]
    assert (mobile["missing_reason"], mobile["follow_up_on"]) == (
        "lost_stolen_broken",
        "2026-12-04",
    )


def test_service_is_reported(api: Api) -> None:
    ident = enrol(order={"served_on": None})
    assert run(api, "served", ORDER, "1/12/2026") == 0
    assert shown(ident)["order"]["served_on"] == "2026-12-01"


def test_an_end_and_a_return_are_reported_at_the_present_or_a_given_london_time(api: Api) -> None:
    ident = enrol()
    assert run(api, "end", ORDER, "In custody", "--by", "PC-1182", "--at", "1/12/2026 9:10") == 0
    assert shown(ident)["status"] == "ended"
    assert run(api, "resume", ORDER, "--by", "PC-1182") == 0
    assert shown(ident)["status"] == "eligible"


def test_an_outcome_without_its_time_is_refused_instead_of_dated_now(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        change.options(["outcome", ORDER, "arrest", "--instrument", "dvpo"])
    assert "--at" in capsys.readouterr().err


def test_an_outcome_reported_twice_is_one_outcome(api: Api) -> None:
    enrol()
    told = ("outcome", ORDER, "arrest", "--instrument", "dvpo", "--at")
    for at in ("1/12/2026 9:10", "2026-12-01T09:10:00Z", "2026-12-01T10:10:00+01:00"):
        assert run(api, *told, at) == 0
    (outcome,) = [each for each in everything().values() if each["kind"] == "outcome"]
    assert outcome["occurred_at"] == "2026-12-01T09:10:00Z"


def test_a_refusal_ends_the_command_with_the_contract_s_message(api: Api) -> None:
    enrol()
    with pytest.raises(SystemExit, match="reason: must be 'recorded_in_error'"):
        run(api, "end", ORDER, "bored", "--by", "PC-1182")


def test_an_order_that_was_never_enrolled_is_not_found(api: Api) -> None:
    with pytest.raises(SystemExit, match=r"Refused \(404\):\nno such order is enrolled"):
        run(api, "served", ORDER, "1/12/2026")


@pytest.mark.parametrize("order", ["DVPO-2026-000123", "durham/", "/DVPO-2026-000123"])
def test_an_order_is_named_by_force_and_reference(
    order: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        change.options(["served", order, "1/12/2026"])
    assert "as in durham/DVPO-2026-000123" in capsys.readouterr().err


def test_a_reference_may_contain_slashes(api: Api) -> None:
    ident = enrol(order={"reference": "DVPO/2026/1"})
    assert change.find(api, *change.order("durham/dvpo/2026/1")) == str(ident)


# The route behind it


def test_an_order_is_found_by_any_spelling_of_its_reference_and_the_read_is_recorded() -> None:
    ident = enrol()
    answer = call("GET", "/orders?force=durham&reference=dvpo-2026-000123", by="clerk")
    assert (answer.status, answer.body) == (200, {"enrolment_id": str(ident)})
    (entry,) = [each for each in everything().values() if each.get("what") == "order consulted"]
    assert entry["by"].endswith("user/clerk")


@pytest.mark.parametrize("query", ["force=durham", "reference=A-1", "force=Durham&reference=A-1"])
def test_an_order_is_found_by_force_and_reference_in_the_contract_s_spelling(query: str) -> None:
    assert call("GET", f"/orders?{query}").status == 422


def test_an_erased_order_is_no_longer_found() -> None:
    ident = enrol()
    change_enrolment(ident, erased_at=MORNING)
    assert call("GET", "/orders?force=durham&reference=DVPO-2026-000123").status == 404
