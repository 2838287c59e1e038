"""The research extract: what it shows, what it never shows, and that it is never partial."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import chain, count, repeat
from typing import Any, Self
from uuid import UUID

import pytest
from pydantic import ValidationError
from time_machine import Traveller

from extract import extract as use_case
from extract import handler
from extract.extract import TOO_OLD
from extract.handler import lambda_handler
from tests.support.buckets import make_bucket
from tests.support.extracts import BUCKET, objects, packages
from tests.support.faults import counting, hooked, meddling, raising
from tests.support.fixture_protocol import AGREED, VERSION
from tests.support.life import ARREST, QUASHED, report_change, send_change
from tests.support.samples import sample
from tests.support.steps import Context, allocate, call, enrol, failures, fire
from tests.support.table import (
    allocation_of,
    change_enrolment,
    delete,
    enrolment_of,
    everything,
    found,
    identifiers_of,
    keep,
    number_of,
    put_item,
    reminders_of,
)
from trial.aws import clients
from trial.aws.table import Key
from trial.codes import Arm
from trial.errors import RejectedError
from trial.protocol.load import path_of
from trial.records.allocation import allocation_key
from trial.records.enrolment import enrolment_key
from trial.records.reminder import reminder_key

NIGHT = datetime(2026, 12, 20, 3, tzinfo=UTC)
RUN = "2026-12-20"
TRIAL = AGREED.trial
MISSING = {"missing_reason": "seized_evidence", "recorded_by": "PC-9001"}


class Crashed(Exception):  # noqa: N818 - it is no error of ours
    """The function's process has died."""


def invocation(looks: int = 100) -> Context:
    """One with time enough for so many looks at the clock."""
    return Context(chain([900_000] * looks, repeat(0)))


def extracted(run: str | None = None, looks: int = 100) -> str:
    """The result of one invocation: of the night's extract, or of one with a name."""
    asked = {"run": run} if run else sample("extract-nightly")
    return str(lambda_handler(asked, invocation(looks))["became"])


def published(form: str = "unblinded", run: str = RUN, trial: str = TRIAL) -> dict[str, Any]:
    """A package, whole."""
    return packages()[f"{form}/{trial}/{run}"]


@pytest.fixture(autouse=True)
def bucket(cloud: dict[str, str]) -> None:
    assert cloud["EXTRACT_BUCKET"] == BUCKET
    make_bucket(BUCKET)


@pytest.fixture
def people(clock: Traveller) -> list[UUID]:
    """A person in every box of the flow diagram, and the extract of that night."""
    ids = [enrol(serial) for serial in range(1, 5)]
    assert failures(allocate(*ids)) == []
    ids.append(enrol(7, mobile=MISSING))
    ids.append(enrol(8, respondent={"date_of_birth": "2010-01-01"}))
    ids.append(enrol(9, order={"served_on": None}))
    send_change(ids[0], "outcomes", ARREST)
    send_change(ids[1], "end", QUASHED)
    going = (ids[0], *ids[2:4])
    treated = next(each for each in going if allocation_of(each).arm is Arm.INTERVENTION)
    first = reminders_of(treated)[0]
    clock.move_to(first.due_at)
    fire(treated, first.number)
    clock.move_to(NIGHT)
    return ids


# What the extract shows


@pytest.mark.usefixtures("people")
def test_everybody_in_the_flow_diagram_can_be_recounted() -> None:
    assert extracted() == "published"
    flow = call("GET", "/reports/flow").body
    for form in ("blinded", "unblinded"):
        rows = published(form)["enrolments"]
        assert len(rows) == flow["enrolled"] == 7
        assert Counter(row["status"] for row in rows) == Counter(
            {status: number for status, number in flow["by_status"].items() if number}
        )
        assert sum(row["allocated"] for row in rows) == flow["randomised"]
        lacking = [row for row in rows if not row["number_at_enrolment"]]
        assert [row["missing_reason"] for row in lacking] == ["seized_evidence"]


def test_the_arms_are_the_allocated_ones(people: list[UUID]) -> None:
    extracted()
    arms = Counter(allocation_of(each).arm.value for each in people[:4])
    assert Counter(row["arm"] for row in published()["enrolments"]) == arms | {None: 3}
    labelled = Counter(row["arm"] for row in published("blinded")["enrolments"])
    assert labelled.keys() == {"A", "B", None}
    assert sorted(labelled.values()) == sorted((arms | Counter({None: 3})).values())


@pytest.mark.usefixtures("people")
def test_the_extract_shows_that_control_got_nothing() -> None:
    extracted()
    package = published()
    rows = {row["enrolment"]: row for row in package["enrolments"]}
    assert {rows[each["enrolment"]]["arm"] for each in package["reminders"]} == {"intervention"}
    for row in rows.values():
        assert row["planned"] == (7 if row["arm"] == "intervention" else 0)
        assert row["sent"] <= row["planned"]
    assert sum(row["sent"] for row in rows.values()) == 1


@pytest.mark.usefixtures("people")
def test_outcomes_and_times_without_a_number_belong_to_their_enrolments() -> None:
    extracted()
    package = published()
    (outcome,), (missing,) = package["outcomes"], package["missing"]
    by_name = {row["enrolment"]: row for row in package["enrolments"]}
    assert by_name[outcome["enrolment"]]["allocated"]
    assert by_name[outcome["enrolment"]]["person"] == outcome["person"]
    assert outcome["type"] == "arrest"
    assert by_name[missing["enrolment"]]["missing_reason"] == missing["reason"]


def test_names_and_labels_are_the_same_every_night(people: list[UUID], clock: Traveller) -> None:
    extracted()
    clock.shift(timedelta(days=1))
    extracted()
    for form in ("blinded", "unblinded"):
        one, other = (
            {row["enrolment"]: row["arm"] for row in published(form, run)["enrolments"]}
            for run in (RUN, "2026-12-21")
        )
        assert one == other
        assert len(one) == len(people)


def test_orders_of_an_unknown_trial_are_left_out(people: list[UUID]) -> None:
    change_enrolment(people[0], trial="earlier")
    extracted()
    assert len(published()["enrolments"]) == len(people) - 1


@pytest.fixture
def earlier_trial(monkeypatch: pytest.MonkeyPatch) -> str:
    """A trial that is over, whose orders are still followed."""
    earlier = AGREED.model_copy(update={"trial": "earlier"})
    monkeypatch.setattr(handler, "of_each_trial", lambda open_trial: [earlier, open_trial])
    return earlier.trial


def test_each_trial_has_a_package_of_its_own(people: list[UUID], earlier_trial: str) -> None:
    for each in people[:2]:
        change_enrolment(each, trial=earlier_trial)
    assert extracted() == "published"
    assert len(published()["enrolments"]) == len(people) - 2
    rows = published(trial=earlier_trial)["enrolments"]
    assert [row["trial"] for row in rows] == [earlier_trial] * 2
    # Who has orders in two trials cannot be followed from one package to the other.
    assert not {row["person"] for row in rows} & {r["person"] for r in published()["enrolments"]}


def test_a_trial_without_any_data_left_has_no_package(
    people: list[UUID], earlier_trial: str
) -> None:
    assert extracted() == "published"
    assert people
    assert not any(f"/{earlier_trial}/" in path for path in packages())


def test_an_event_under_a_later_trial_s_order_counts_in_the_earlier_trial(
    people: list[UUID], earlier_trial: str
) -> None:
    """The person was drawn in the earlier one, and has an order in the open one now."""
    change_enrolment(people[0], trial=earlier_trial)
    person = enrolment_of(people[0]).person_hash
    change_enrolment(people[4], person_hash=person)
    send_change(people[4], "outcomes", ARREST | {"outcome_id": "LATER"})
    assert extracted() == "published"
    outcomes = published(trial=earlier_trial)["outcomes"]
    assert [each["enrolment"] is None for each in outcomes] == [False, True]
    assert all(each["days_from_allocation"] is not None for each in outcomes)
    # In the open trial that person was never randomised.
    outcomes = published()["outcomes"]
    assert [each["days_from_allocation"] for each in outcomes] == [None, None]


def test_the_open_trial_uses_the_configured_protocol() -> None:
    trials = handler.of_each_trial(AGREED)
    assert trials[-1] is AGREED
    assert len({each.trial for each in trials}) == len(trials)


def test_one_call_of_kms_makes_all_pseudonyms_of_a_trial(people: list[UUID]) -> None:
    with counting(clients.kms(), "kms.GenerateMac") as calls:
        extracted()
    assert len(people) > len(calls) == len(handler.of_each_trial(AGREED))


# What the extract never shows


WITHHELD = {
    "reference", "court", "made_on", "expires_on", "served_on", "sealed",
    "authorising_superintendent", "last_digits", "of_age_on", "number_hash", "person_hash",
    "protected_hashes", "request_digest", "enrolment_id", "recorded_by", "recorded_at",
    "resolved_how", "by", "outcome_id", "occurred_at", "reported_at", "message_id", "enrolled_at",
    "enrolments", "respondents", "protected", "allocated_at", "due_at", "sent_at",
}  # fmt: skip
"""Attributes, wherever they are stored, of which no value is ever shown."""


def canaries() -> set[str]:
    """Every value stored under such a name, the keys of the table, and numbers' last digits."""
    texts: set[str] = set()

    def walk(value: Any, *, withheld: bool) -> None:
        if isinstance(value, dict):
            for name, each in value.items():
                walk(each, withheld=withheld or name in WITHHELD)
                if withheld:
                    texts.add(name)
        elif isinstance(value, list):
            for each in value:
                walk(each, withheld=withheld)
        elif isinstance(value, str) and withheld:
            texts.add(value)

    for key, item in everything().items():
        texts.update(part for part in f"{key.pk}#{key.sk}".split("#") if len(part) > 12)
        item.pop("counted", None)
        walk({name: value for name, value in item.items() if name != "number"}, withheld=False)
    # Other values and names of these attributes, which identify nobody.
    texts -= {"upstream", "allocation", "sending", "person"}
    return {text for text in texts if len(text) > 3}


def numbers_of(people: list[UUID]) -> set[str]:
    return {number_of(each) for each in people if enrolment_of(each).mobile.sealed}


def test_nothing_that_identifies_a_person_leaves_in_the_extract(
    people: list[UUID], log: StringIO, clock: Traveller
) -> None:
    how = "asked Aunt Cordelia in Shildon"
    send_change(people[4], "mobile", {"number": "+447700900987", "resolved_how": how})
    canary = {"outcome_id": "CANARY-OUTCOME", "reference": "CRIME-9"}
    send_change(people[2], "outcomes", ARREST | canary)
    clock.shift(timedelta(minutes=1))  # or the last word would have the extract's own time
    extracted()
    numbers = numbers_of(people)
    assert len(numbers) >= 6
    hidden = canaries() | numbers
    hidden |= {name for each in people for name in identifiers_of(each).values()}
    assert {"1990-05-01", "CANARY-OUTCOME", how} <= hidden
    assert {str(each) for each in people} <= hidden
    hidden |= {number[-6:] for number in numbers} | {each.hex for each in people}
    shown = dict(objects("blinded")) | objects("unblinded")
    assert len(shown) == 9 + 10
    for form in ("blinded", "unblinded"):
        agreed = path_of(VERSION).read_bytes()
        assert shown.pop(f"{form}/{TRIAL}/{RUN}/protocol.toml") == agreed  # it has dates of its own
    for path, packed in shown.items():
        data = gzip.decompress(packed) if path.endswith(".gz") else packed
        assert [text for text in hidden if text.encode() in data] == [], path
    unlogged = hidden - {str(each) for each in people}
    assert [text for text in unlogged if text in log.getvalue()] == []


def test_staging_holds_no_number_and_no_name_either(people: list[UUID]) -> None:
    extracted()
    numbers = numbers_of(people)
    for path, packed in objects("staging").items():
        data = gzip.decompress(packed) if path.endswith(".gz") else packed
        assert [text for text in numbers if text[-6:].encode() in data] == [], path


# Parts, pages and the clock


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_case, "IN_A_PART", 2)


def recorded_by(run: str) -> dict[str, bytes]:
    """A run's packages, to the byte."""
    found = objects(f"blinded/{TRIAL}/{run}/") | objects(f"unblinded/{TRIAL}/{run}/")
    return {path.replace(run, "RUN"): data for path, data in found.items()}


@pytest.mark.usefixtures("people", "small_parts")
def test_wherever_a_page_ends_the_extract_is_the_same() -> None:
    assert extracted("2026-12-20-whole") == "published"
    for limit in (1, 2, 3, 5, 8, 13):

        def shorten(params: dict[str, Any], limit: int = limit, **_: Any) -> None:
            params["Limit"] = limit

        run = f"2026-12-20-{limit}"
        with hooked(clients.dynamodb(), "provide-client-params.dynamodb.Scan", shorten):
            assert extracted(run) == "published"
        assert recorded_by(run) == recorded_by("2026-12-20-whole")


@pytest.mark.usefixtures("people", "small_parts")
def test_however_often_the_time_runs_out_the_extract_is_the_same() -> None:
    extracted("2026-12-20-whole")
    for looks in range(1, 8):
        run, became = f"2026-12-20-{looks}", [""]
        while became[-1] != "published":
            assert not recorded_by(run)
            became.append(extracted(run, looks))
            assert len(became) < 20
        assert recorded_by(run) == recorded_by("2026-12-20-whole")


@pytest.mark.usefixtures("people")
def test_with_no_time_left_nothing_is_begun() -> None:
    assert extracted(looks=0) == "unfinished"
    assert objects() == {}


@pytest.mark.usefixtures("people")
def test_rows_read_but_not_published_are_published_as_read_however_late(clock: Traveller) -> None:
    assert extracted(looks=1) == "unfinished"
    assert packages() == {}  # there was no time for it
    clock.shift(TOO_OLD + timedelta(seconds=1))
    enrol(20)
    assert extracted() == "published"
    assert published()["said"]["extracted_at"] == "2026-12-20T03:00:00Z"
    assert len(published()["enrolments"]) == 7


@pytest.mark.usefixtures("people", "small_parts")
def test_a_run_begun_long_ago_starts_again(clock: Traveller) -> None:
    assert extracted(looks=2) == "unfinished"
    clock.shift(TOO_OLD + timedelta(seconds=1))
    assert extracted() == "published"
    assert published()["said"]["extracted_at"] == "2026-12-20T05:00:01Z"
    assert len(published()["enrolments"]) == 7


@pytest.mark.usefixtures("people", "small_parts")
def test_an_extract_shows_the_state_at_its_beginning(clock: Traveller) -> None:
    assert extracted(looks=2) == "unfinished"
    clock.shift(TOO_OLD)
    assert extracted() == "published"
    assert published()["said"]["extracted_at"] == "2026-12-20T03:00:00Z"


@pytest.mark.usefixtures("small_parts")
def test_a_change_to_an_enrolment_after_it_was_read_does_not_stop_the_run(
    people: list[UUID],
) -> None:
    assert extracted(looks=1) == "unfinished"
    reminder = next(each for each in chain.from_iterable(map(reminders_of, people)))
    for each in people:
        later = reminder.model_copy(update={"enrolment_id": each, "number": 99})
        keep(reminder_key(each, 99), later)  # after all that is in its partition
    assert extracted() == "published"
    assert len(published()["enrolments"]) == len(people)


# Once and whole


@pytest.mark.usefixtures("people")
def test_a_published_extract_is_never_changed() -> None:
    extracted()
    before = objects()
    enrol(20)
    assert extracted() == "published_before"
    assert objects() == before
    assert extracted("2026-12-20-by0hand") == "published"
    assert len(published(run="2026-12-20-by0hand")["enrolments"]) == 8


class Sweep:
    """
    Dies at one call of AWS that may write: before it is made, or done and not yet answered.

    To die before a call that only reads leaves what the write before it left.
    """

    READING = ("Get", "List", "Head", "Scan", "Query", "Generate")

    def __init__(self, place: int, moment: str) -> None:
        self.place, self.moment = place, moment
        self.calls = 0

    def __enter__(self) -> Self:
        self._hooks = ExitStack()
        for client in (clients.s3(), clients.dynamodb(), clients.kms()):
            self._hooks.enter_context(hooked(client, self.moment, self._strike))
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.close()

    def _strike(self, *, model: Any, **_: Any) -> None:
        self.calls += not model.name.startswith(self.READING)
        if self.calls == self.place:
            self.place = 0  # once
            raise Crashed


@pytest.mark.usefixtures("people")
def test_after_a_crash_nothing_partial_is_published_and_the_next_run_completes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(use_case, "IN_A_PART", 5)
    assert extracted("2026-12-20-whole") == "published"
    whole = recorded_by("2026-12-20-whole")
    crashes = 0
    for moment in ("before-call", "after-call.s3.PutObject"):
        for place in count(1):
            run = f"2026-12-20-{moment[0]}{place}"
            with Sweep(place, moment) as sweep:
                try:
                    extracted(run)
                except Crashed:
                    crashes += 1
            if sweep.place:
                break  # there are no more calls
            left = recorded_by(run)
            # A reader finds every file that a datapackage.json names, or no datapackage.json.
            for path in left:
                if path.endswith("datapackage.json"):
                    folder = path.removesuffix("datapackage.json")
                    same = {name: data for name, data in whole.items() if name.startswith(folder)}
                    assert {name: left[name] for name in same} == same, (moment, place)
            assert extracted(run) in ("published", "published_before"), (moment, place)
            assert recorded_by(run) == whole, (moment, place)
    assert crashes > 30


@pytest.mark.usefixtures("people", "small_parts")
@pytest.mark.parametrize("begun", [False, True])
def test_two_simultaneous_runs_do_not_mix(*, begun: bool) -> None:
    """Another invocation goes on with the same run while this one reads."""
    extracted("2026-12-20-whole")
    if begun:
        assert extracted(looks=1) == "unfinished"
    ran: list[str] = []
    with meddling(clients.dynamodb(), "after-call.dynamodb.Scan", lambda: ran.append(extracted())):
        assert extracted() == "left"
    assert ran == ["published"]
    assert recorded_by(RUN) == recorded_by("2026-12-20-whole")


@pytest.mark.usefixtures("people")
def test_rows_read_under_another_protocol_are_read_again() -> None:
    """It changed after one form was published, which stays as it is."""
    crash = unblinded(raising(Crashed()))
    with pytest.raises(Crashed), hooked(clients.s3(), "before-call.s3.PutObject", crash):
        extracted()
    before = objects("blinded")
    assert f"blinded/{TRIAL}/{RUN}/datapackage.json" in before
    assert packages().keys() == {f"blinded/{TRIAL}/{RUN}"}
    path = f"staging/{RUN}/progress.json"
    read = json.loads(objects()[path]) | {"protocols": {TRIAL: "of another"}}
    clients.s3().put_object(Bucket=BUCKET, Key=path, Body=json.dumps(read))
    enrol(20)
    assert extracted() == "published"
    assert objects("blinded") == before
    assert len(published()["enrolments"]) == 8


@pytest.mark.usefixtures("people")
def test_two_runs_that_publish_at_once_publish_the_same() -> None:
    ran: list[str] = []

    def other() -> None:
        if not ran:
            ran.append("")
            ran.append(extracted())

    with hooked(clients.s3(), "before-call.s3.PutObject", unblinded(other)):
        assert extracted() == "published"
    assert ran[1:] == ["published"]
    extracted("2026-12-20-whole")
    assert recorded_by(RUN) == recorded_by("2026-12-20-whole")


def unblinded(act: Callable[[], object]) -> Callable[..., None]:
    """Acts when something is about to be kept in that form."""

    def only_then(params: dict[str, Any], **_: Any) -> None:
        if "unblinded/" in params["url_path"]:
            act()

    return only_then


# Faulty data


def test_an_enrolment_drawn_during_the_run_is_shown_as_it_was_before(people: list[UUID]) -> None:
    def before_the_draw(parsed: dict[str, Any], **_: Any) -> None:
        for item in parsed["Items"]:
            item.pop("allocated_at", None)

    with hooked(clients.dynamodb(), "after-call.dynamodb.Scan", before_the_draw):
        assert extracted() == "published"
    assert not any(row["allocated"] for row in published()["enrolments"])
    assert len(published()["enrolments"]) == len(people)


@pytest.mark.parametrize(
    ("lost", "why"),
    [(allocation_key, "has no allocation"), (enrolment_key, "not complete")],
    ids=["allocation", "enrolment"],
)
def test_an_order_with_a_missing_part_stops_the_extract(
    people: list[UUID], lost: Callable[[UUID], Key], why: str
) -> None:
    report_change(people[0], "outcomes", ARREST)
    delete(lost(people[0]))
    with pytest.raises(RejectedError, match=why):
        extracted()
    assert packages() == {}


def test_an_unreadable_item_is_not_repeated_in_the_error(people: list[UUID]) -> None:
    key = enrolment_key(people[0])
    put_item(key, found(key) | {"respondent": {"sealed": "CANARY", "of_age_on": "soon"}})
    with pytest.raises(RejectedError, match=r"a stored item cannot be read: \d faults") as refusal:
        extracted()
    assert "CANARY" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert packages() == {}


def test_an_empty_table_gives_an_extract_of_nobody(clock: Traveller) -> None:
    clock.move_to(NIGHT)
    assert extracted() == "published"
    assert published()["enrolments"] == []


@pytest.mark.parametrize("run", ["tonight", "../2026-12-20", "2026-12-20/x", "2026-12-20-"])
def test_an_extract_s_name_without_a_day_or_with_a_path_is_refused(run: str) -> None:
    with pytest.raises(ValidationError):
        extracted(run)


# Logs and metrics


@pytest.mark.usefixtures("people", "small_parts")
def test_only_a_published_extract_is_read(emitted: Callable[[], dict[str, float]]) -> None:
    emitted()
    assert extracted(looks=1) == "unfinished"
    assert emitted() == {}
    for became in ("published", "published_before"):
        assert extracted() == became
        assert emitted() == {"ExtractPublished": 1}
