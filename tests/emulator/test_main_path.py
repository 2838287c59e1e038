"""The main path from a signed request to a phone, through the template and with its rights."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from commands.api import Api
from local.emulator import emulator
from local.emulator.clock import settle
from tests.emulator.conftest import System, made
from tests.support.outward import pattern_of_the_docs
from tests.support.samples import LONDON, order

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("main path")]

# A block has at most six places: among six people both arms occur.
SERIALS = range(501, 507)
DOSE = 7
# Reminders fall on days 0, 2 and 4; the walk ends in the evening of day 2.
WALKED, SENT = 2, 2


@dataclass(frozen=True)
class SixPeople:
    """Six people's requests, allocations and texts, by id."""

    requests: dict[str, dict[str, Any]]
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    scheduled: dict[str, list[int]]
    still_scheduled: dict[str, list[int]]
    texts: dict[str, list[str]]
    announced: list[dict[str, Any]]

    def of(self, arm: str) -> list[str]:
        return [ident for ident, allocation in self.before.items() if allocation["arm"] == arm]


@pytest.fixture(scope="module")
def story(system: System) -> SixPeople:
    """Six orders of fourteen days, enrolled on one morning, and walked to the third evening."""
    tomorrow = system.today + timedelta(days=1)
    system.clock.jump(datetime.combine(tomorrow, time(9, 30), LONDON).astimezone(UTC))
    requests, events = {}, listen(system)
    for serial in SERIALS:
        request = made(tomorrow, serial)
        answer = system.call("POST", "/enrolments", request)
        assert (answer.status, answer.body["status"]) == (202, "eligible"), answer.body
        requests[answer.body["enrolment_id"]] = request
    settle(system.stack.port)
    before = {ident: system.call("GET", f"/allocations/{ident}").body for ident in requests}
    scheduled = {ident: schedules(system, ident) for ident in requests}
    evening = datetime.combine(tomorrow + timedelta(days=WALKED), time(21), LONDON)
    system.walk(evening.astimezone(UTC))
    texts = defaultdict(list)
    for text in emulator.texts(system.stack.port):
        texts[text["PhoneNumber"]].append(text["Message"])
    return SixPeople(
        requests=requests,
        before=before,
        after={ident: system.call("GET", f"/allocations/{ident}").body for ident in requests},
        scheduled=scheduled,
        still_scheduled={ident: schedules(system, ident) for ident in requests},
        texts={ident: texts[each["mobile"]["number"]] for ident, each in requests.items()},
        announced=list(received(system, events)),
    )


def listen(system: System) -> str:
    """A queue for the events of the outward bus that the documented sample rule matches."""
    bus = system.stack.outputs["OutwardBusArn"].rpartition("/")[2]
    with system.at_its_time():
        queues, rules = system.client("sqs"), system.client("events")
        url = str(queues.create_queue(QueueName="outward")["QueueUrl"])
        asked = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = asked["Attributes"]["QueueArn"]
        pattern = json.dumps(pattern_of_the_docs("StatusRule"))
        rules.put_rule(Name="outward", EventBusName=bus, EventPattern=pattern)
        rules.put_targets(Rule="outward", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def received(system: System, url: str) -> Iterator[dict[str, Any]]:
    """The details of the events in a queue."""
    with system.at_its_time():
        queues = system.client("sqs")
        while messages := queues.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            yield from (json.loads(each["Body"])["detail"] for each in messages)


def schedules(system: System, enrolment_id: str) -> list[int]:
    """The numbers of the reminders that have one."""
    prefix = f"dvpo-{UUID(enrolment_id).hex}"
    with system.at_its_time():
        found = system.client("scheduler").list_schedules(NamePrefix=prefix, MaxResults=100)
    return sorted(int(schedule["Name"].rpartition("-")[2]) for schedule in found["Schedules"])


def test_an_unsigned_request_is_refused(system: System) -> None:
    with system.at_its_time():
        answer = Api.local(system.stack).call("POST", "/enrolments", order(), signed=False)
    assert answer.status == 403


@pytest.mark.parametrize("forged", ["access_key_id", "secret_access_key"])
def test_a_wrongly_signed_request_is_refused(system: System, forged: str) -> None:
    with system.at_its_time():
        wrong: Any = {forged: "somebody else's"}
        answer = Api.local(replace(system.stack, **wrong)).call("POST", "/enrolments", order())
    assert answer.status == 403


def test_the_sample_rule_tells_other_systems_of_every_allocation_in_either_arm(
    story: SixPeople,
) -> None:
    assert {(each["enrolment_id"], each["status"]) for each in story.announced} == {
        (ident, "allocated") for ident in story.requests
    }


def test_everybody_is_allocated_and_both_arms_occur(story: SixPeople) -> None:
    assert len(story.before) == len(SERIALS)
    assert story.of("control")
    assert story.of("intervention")


def test_every_planned_reminder_has_its_schedule_until_it_is_sent(story: SixPeople) -> None:
    for ident in story.of("intervention"):
        reminders = story.before[ident]["reminders"]
        assert [reminder["number"] for reminder in reminders] == [*range(1, DOSE + 1)]
        assert {reminder["state"] for reminder in reminders} == {"scheduled"}
        assert story.scheduled[ident] == [*range(1, DOSE + 1)]
        assert story.still_scheduled[ident] == [*range(SENT + 1, DOSE + 1)]


def test_every_text_arrives_once_in_the_wording_of_the_timetable(
    system: System, story: SixPeople
) -> None:
    for ident in story.of("intervention"):
        asked = story.requests[ident]["order"]
        query = {name: asked[name] for name in ("made_on", "expires_on")}
        query["conditions"] = ",".join(asked["conditions"])
        shown = system.call("GET", f"/timetable?{urlencode(query)}")
        wordings = [entry["text"] for entry in shown.body["reminders"]]
        assert story.texts[ident] == wordings[:SENT]


def test_each_reminder_is_recorded_as_sent_when_it_was_due(story: SixPeople) -> None:
    for ident in story.of("intervention"):
        reminders = story.after[ident]["reminders"]
        assert [each["number"] for each in reminders if each["sent_at"]] == [*range(1, SENT + 1)]
        for reminder in reminders[:SENT]:
            sent_at = datetime.fromisoformat(reminder["sent_at"])
            late = sent_at - datetime.fromisoformat(reminder["due_at"])
            assert timedelta(0) <= late < timedelta(minutes=2)
            assert 9 <= sent_at.astimezone(LONDON).hour < 20


def test_control_gets_nothing(story: SixPeople) -> None:
    for ident in story.of("control"):
        assert story.before[ident]["reminders"] == story.after[ident]["reminders"] == []
        assert story.scheduled[ident] == story.still_scheduled[ident] == []
        assert story.texts[ident] == []


@pytest.mark.usefixtures("story")
def test_no_function_lacks_a_right_that_it_needs(system: System) -> None:
    said = system.printed() + system.complained()
    assert "reminder handled" in said
    assert "AccessDenied" not in said


@pytest.mark.usefixtures("story")
def test_no_function_fails(system: System) -> None:
    printed = system.printed()
    assert '"level":"ERROR"' not in printed
    assert "Traceback" not in printed
    with system.at_its_time():
        queues = system.client("sqs")
        waiting = [
            (url, queues.receive_message(QueueUrl=url).get("Messages", []))
            for url in queues.list_queues()["QueueUrls"]
        ]
    assert waiting
    assert [(url, messages) for url, messages in waiting if messages] == []


def test_nothing_personal_is_logged(system: System, story: SixPeople) -> None:
    printed = system.printed()
    for ident, request in story.requests.items():
        respondent = request["respondent"]
        assert ident in printed
        for personal in (request["mobile"]["number"], respondent["person_id"]):
            assert personal not in printed
    assert "1990-05-01" not in printed
    assert "7700900" not in printed
