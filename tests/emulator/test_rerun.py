"""
A re-run on the emulator: another trial is opened on a running stack, and then closed.

The first trial's orders continue; each trial's nightly extract has its own readers.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from commands.audit.verify_allocations import main as verify_allocations
from commands.audit.verify_audit import main as verify_audit
from commands.deployed_stack import OWNER_KEY
from commands.staff.extract import fetch, newest
from local.emulator import emulator
from local.emulator.clock import settle
from tests.emulator.conftest import System, made
from tests.support.checkout import run
from tests.support.extracts import opened
from tests.support.fixture_protocol import REAL
from tests.support.samples import LONDON
from trial.protocol import load as protocols
from trial.protocol.load import read

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("rerun")]

EARLIER, NEW = protocols.CURRENT, "dvpo-2026-1"
TRIALS = {version: read(REAL / f"{version}.toml").trial for version in (EARLIER, NEW)}
SERIALS = {EARLIER: range(600, 606), NEW: range(650, 656)}
"""Of each trial's orders: a block has at most six places, so that both arms occur among six."""

FORMS = ("blinded", "unblinded")


@dataclass(frozen=True)
class TwoTrials:
    """Both trials' orders, by id: their allocations, and how many texts arrived."""

    night: str
    orders: dict[str, list[str]]
    allocations: dict[str, dict[str, Any]]
    texts: dict[str, int]
    first: dict[str, Any]
    """The first request of all."""

    def of(self, version: str, arm: str) -> list[str]:
        """The ids of the orders in one arm of the trial that this protocol version opens."""
        return [each for each in self.orders[version] if self.allocations[each]["arm"] == arm]


def up(system: System, *arguments: str) -> None:
    run(Path(system.stack.clock_file).parents[1], "local.emulator.stack", "up", *arguments)


def enrolled(system: System, version: str) -> list[str]:
    """The orders of a trial, by id, once each is allocated."""
    answers = [system.call("POST", "/enrolments", made(system.today, n)) for n in SERIALS[version]]
    assert [(each.status, each.body["status"]) for each in answers] == [(202, "eligible")] * 6
    settle(system.stack.port)
    return [str(each.body["enrolment_id"]) for each in answers]


@pytest.fixture(scope="module")
def story(system: System) -> TwoTrials:
    """Six orders, then another trial and six of its orders, and the night after."""
    tomorrow = system.today + timedelta(days=1)
    system.clock.jump(datetime.combine(tomorrow, time(8, 30), LONDON).astimezone(UTC))
    orders, first = {EARLIER: enrolled(system, EARLIER)}, made(system.today, SERIALS[EARLIER][0])
    assert emulator.texts(system.stack.port) == []
    up(system, f"--protocol={NEW}")
    up(system)  # keeps what is open
    orders[NEW] = enrolled(system, NEW)
    night = tomorrow + timedelta(days=1)
    system.walk(datetime.combine(night, time(4), UTC))
    arrived = Counter(text["PhoneNumber"] for text in emulator.texts(system.stack.port))
    return TwoTrials(
        night.isoformat(),
        orders,
        {
            ident: system.call("GET", f"/allocations/{ident}").body
            for idents in orders.values()
            for ident in idents
        },
        {
            ident: arrived[f"+447700900{serial}"]
            for version, idents in orders.items()
            for serial, ident in zip(SERIALS[version], idents, strict=True)
        },
        first,
    )


@pytest.fixture(scope="module")
def fetched(
    system: System, story: TwoTrials, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], dict[str, Any]]:
    """The packages of the night by trial and form, as `make extract` would fetch them."""
    packages = {}
    with system.at_its_time():
        client, bucket = system.client("s3"), system.stack.outputs["ExtractBucketName"]
        for trial in TRIALS.values():
            for form in FORMS:
                folder = tmp_path_factory.mktemp(form) / form
                source = newest(client, bucket, form, trial)
                assert source == f"{form}/{trial}/{story.night}/"
                fetch(client, bucket, source, folder)
                files = {path.name: path.read_bytes() for path in folder.iterdir()}
                packages[trial, form] = opened(files, "")
    return packages


@pytest.mark.parametrize("version", TRIALS)
def test_each_order_is_drawn_in_the_trial_that_was_open(story: TwoTrials, version: str) -> None:
    drawn = [story.allocations[each] for each in story.orders[version]]
    assert {(each["protocol"], each["repeat"]) for each in drawn} == {(version, False)}
    assert min(each["block"] for each in drawn) == 0  # by a sequence of its own


@pytest.mark.parametrize("version", TRIALS)
def test_the_texts_of_both_trials_go(story: TwoTrials, version: str) -> None:
    """The earlier one's too, though all of them were due after it was closed."""
    assert {story.texts[each] for each in story.of(version, "intervention")} == {1}
    assert {story.texts[each] for each in story.of(version, "control")} == {0}


@pytest.mark.parametrize(("version", "trial"), TRIALS.items())
def test_each_nightly_extract_holds_all_that_happened_in_each_trial(
    fetched: dict[tuple[str, str], dict[str, Any]], version: str, trial: str
) -> None:
    blinded, unblinded = (fetched[trial, form]["enrolments"] for form in FORMS)
    assert len(blinded) == len(unblinded) == len(SERIALS[version])
    assert {(row["trial"], row["protocol"]) for row in unblinded} == {(trial, version)}
    arms = Counter(row["arm"] for row in unblinded)
    assert arms.keys() == {"control", "intervention"}
    assert sorted(Counter(row["arm"] for row in blinded).values()) == sorted(arms.values())
    treated = {row["enrolment"] for row in unblinded if row["arm"] == "intervention"}
    assert {row["enrolment"] for row in fetched[trial, "unblinded"]["reminders"]} == treated
    assert [row["sent"] for row in unblinded if row["arm"] == "intervention"] == [1] * len(treated)


@pytest.mark.usefixtures("story")
def test_the_arms_and_audit_trails_of_both_trials_are_verified_together(
    system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(protocols, "FOLDER", REAL)  # the stack's own
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, OWNER_KEY)
    monkeypatch.setattr("commands.deployed_stack.LocalStack.load", lambda: system.stack)
    with system.at_its_time():
        # The commands would follow the clock too, and never leave it again.
        monkeypatch.setattr("commands.moved_clock.follow", lambda _: None)
        verify_allocations([])
        assert "All is well: 12 allocations" in capsys.readouterr().out
        verify_audit([])
        assert "All is well" in capsys.readouterr().out


def test_the_nightly_proof_covers_both_trials_and_finds_nothing(
    system: System, story: TwoTrials
) -> None:
    lines = [json.loads(line) for line in system.printed().splitlines() if '"reconciled"' in line]
    proof = [line for line in lines if line["work"] == "proof"][-1]
    reminders = [each["reminders"] for each in story.allocations.values()]
    still_scheduled = sum(len(each) - 1 for each in reminders if each)  # one has been sent
    assert proof["looked_at"] == len(story.allocations) + still_scheduled
    assert proof["gaps"] == {}


@pytest.mark.usefixtures("fetched")
@pytest.mark.parametrize("own", FORMS)
def test_a_reader_reaches_only_one_form(system: System, story: TwoTrials, own: str) -> None:
    key = system.somebody(f"reader-{own}", f"Research{own.title()}Reader")
    reader = system.client("s3", key)
    bucket = system.stack.outputs["ExtractBucketName"]
    with system.at_its_time():
        for form in FORMS:
            path = f"{form}/{TRIALS[EARLIER]}/{story.night}/datapackage.json"
            wanted = {"Bucket": bucket, "Key": path}
            if form == own:
                said = json.load(reader.get_object(**wanted)["Body"])
                assert said["form"] == own
                listed = reader.list_objects_v2(Bucket=bucket, Prefix=f"{own}/")
                assert listed["KeyCount"] > 0
            else:
                with pytest.raises(ClientError, match="AccessDenied"):
                    reader.get_object(**wanted)
                with pytest.raises(ClientError, match="AccessDenied"):
                    reader.list_objects_v2(Bucket=bucket, Prefix=f"{form}/")
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.list_objects_v2(Bucket=bucket, Prefix="staging/")
        with pytest.raises(ClientError, match="AccessDenied"):
            reader.put_object(Bucket=bucket, Key=f"{own}/x/datapackage.json", Body=b"")


def test_an_extract_is_published_once_a_night_however_often_it_is_started(
    system: System, story: TwoTrials
) -> None:
    lines = [json.loads(line) for line in system.printed().splitlines() if '"extracted"' in line]
    became = [line["became"] for line in lines if line["run"] == story.night]
    assert became == ["published", *["published_before"] * (len(became) - 1)]


def test_a_closed_trial_takes_no_new_orders_and_continues_its_own(
    system: System, story: TwoTrials
) -> None:
    up(system, "--close")
    up(system)  # keeps it closed
    refused = system.call("POST", "/enrolments", made(system.today, 690))
    assert refused.status == 409
    assert "the trial is closed" in refused.body["detail"]
    again = system.call("POST", "/enrolments", story.first)
    assert (again.status, again.body["enrolment_id"]) == (200, story.orders[EARLIER][0])
