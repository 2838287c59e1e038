"""Every alarm rings for its cause and never without a fault, and says what to do."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from time_machine import Traveller

from local.dashboard.metrics import RecordedMetrics
from reconciliation.findings import Gap
from tests.support import causes
from tests.support.deployed import Deployed
from tests.support.ringing import SPARE, may_ring, metrics_of, rang_at, rings
from tests.support.routing import routes
from tests.support.samples import ROOT

STACK = Deployed()
ALARMS = STACK.of_type("AWS::CloudWatch::Alarm")
COMPOSITE = STACK.of_type("AWS::CloudWatch::CompositeAlarm")
OURS = {
    name: alarm
    for name, alarm in ALARMS.items()
    if any(metric.namespace == "DvpoReminders" for metric in metrics_of(alarm))
}
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
CAUSES = {
    "UnknownAlarm": causes.unknown,
    "NotEntitledAlarm": causes.not_entitled,
    "StrangeScheduleAlarm": causes.strange_schedule,
    "StrayTextAlarm": causes.stray_text,
    "NotFollowedUpAlarm": causes.not_followed_up,
    "NotSentAlarm": causes.not_sent,
    "NotFiredAlarm": causes.not_fired,
    "NotScheduledAlarm": causes.not_scheduled,
    "NotDrawnAlarm": causes.not_drawn,
    "NotReconciledAlarm": causes.not_reconciled,
    "StrayScheduleAlarm": causes.stray_schedule,
    "UnconfirmedAlarm": causes.unconfirmed,
    "FoundSentAlarm": causes.found_sent,
    "NotLookingAlarm": causes.silence,
    "NotProvenAlarm": causes.silence,
    "NotExtractedAlarm": causes.silence,
    "NotErasedAlarm": causes.silence,
    "RecordFailedAlarm": causes.record_failed,
    "PausedAlarm": causes.paused_for_a_day,
    "FollowUpsOverdueAlarm": causes.follow_up_overdue,
    "TooManyOrdersAlarm": causes.too_many_orders,
    "NothingSentAlarm": causes.nothing_sent,
    "FewDeliveredAlarm": causes.few_delivered,
}


HOUR, DAY = 3600, 86400


def now() -> float:
    return datetime.now(UTC).timestamp()


def test_each_alarm_on_the_project_s_metrics_has_a_cause() -> None:
    assert CAUSES.keys() == OURS.keys()


@pytest.mark.parametrize("name", CAUSES)
def test_each_alarm_rings_for_its_cause(
    name: str, heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    CAUSES[name](clock)
    told = heard()
    assert set(metrics_of(OURS[name])) & told.metrics
    assert rings(OURS[name], told, now())


def test_a_lasting_refusal_of_calls_raises_the_alarm_on_nothing_sent(
    heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    causes.nothing_sent_for_want_of_a_right(clock)
    assert rings(OURS["NothingSentAlarm"], heard(), now())


def test_no_alarm_rings_in_two_days_without_faults(
    heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    causes.two_days(clock)
    told = heard()
    assert {"ReminderSent", "ReminderDelivered"} <= {metric.name for metric in told.metrics}
    assert [name for name, alarm in OURS.items() if may_ring(alarm, told, now())] == []


def test_texts_that_wait_for_a_drill_to_end_raise_no_alarm(
    heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    causes.paused_for_a_drill(clock)
    told = heard()
    assert {"ReminderDue", "SendingPaused"} <= {metric.name for metric in told.metrics}
    assert not may_ring(OURS["NothingSentAlarm"], told, now())


def test_several_short_pauses_raise_no_alarm_on_a_day_s_pause(
    heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    causes.paused_now_and_then(clock)
    assert not may_ring(OURS["PausedAlarm"], heard(), now())


@pytest.mark.parametrize("spare", [*SPARE, 50])
@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("NotLookingAlarm", 3),
        *((f"Not{each}Alarm", 26) for each in ("Proven", "Extracted", "Erased")),
    ],
)
def test_an_alarm_on_silence_rings_after_exactly_the_hours_that_it_names(
    name: str, hours: int, spare: int, heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    causes.silence(clock)
    told = heard()
    (metric,) = metrics_of(OURS[name])
    last = max(told.series(metric, "Sum", HOUR))
    assert rang_at(OURS[name], told, now(), spare=spare) == last + HOUR + hours * HOUR


def test_every_kind_of_gap_has_an_alarm() -> None:
    metrics = [metric for alarm in OURS.values() for metric in metrics_of(alarm)]
    kinds = {dict(each.dimensions)["kind"] for each in metrics if each.name == "GapFound"}
    assert kinds == {*Gap, "not_followed_up"}


def test_one_alarm_is_on_the_errors_of_all_functions_and_rolls_a_deployment_back() -> None:
    assert metrics_of(ALARMS["FunctionErrorsAlarm"]) == [("AWS/Lambda", "Errors", frozenset())]
    assert 'ALARM("FunctionErrorsAlarm")' in COMPOSITE["NotAsPlannedAlarm"]["AlarmRule"]


def test_every_function_that_a_caller_waits_for_has_its_own_alarm() -> None:
    watched = {
        value
        for alarm in ALARMS.values()
        for each in metrics_of(alarm)
        for _, value in each.dimensions
        if each.name == "Errors"
    }
    assert watched == {f"{name.capitalize()}Function" for name in routes().values()}


def test_one_alarm_covers_throttles_because_functions_share_the_account_s_limit() -> None:
    assert metrics_of(ALARMS["ThrottlesAlarm"]) == [("AWS/Lambda", "Throttles", frozenset())]


def test_records_that_fail_roll_a_deployment_back() -> None:
    """Lambda's own Errors do not count them: to report them is a success."""
    assert 'ALARM("RecordFailedAlarm")' in COMPOSITE["NotAsPlannedAlarm"]["AlarmRule"]


def test_every_queue_and_every_stream_reader_has_its_alarm() -> None:
    watched = {
        (metric.name, value.partition(".")[0])
        for alarm in ALARMS.values()
        for metric in metrics_of(alarm)
        for _, value in metric.dimensions
    }
    queues = {
        ("ApproximateNumberOfMessagesVisible", name) for name in STACK.of_type("AWS::SQS::Queue")
    }
    readers = {
        ("IteratorAge", each["FunctionName"])
        for each in STACK.of_type("AWS::Lambda::EventSourceMapping").values()
    }
    assert queues | readers <= watched


def test_the_api_s_alarm_names_the_api_as_cloudwatch_does() -> None:
    (metric,) = metrics_of(ALARMS["ApiFailingAlarm"])
    (api,) = STACK.of_type("AWS::ApiGateway::RestApi").values()
    assert dict(metric.dimensions) == {"ApiName": api["Body"]["info"]["title"], "Stage": "v1"}


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_is_valid_for_cloudwatch(name: str) -> None:
    alarm = ALARMS[name]
    parts = [part["MetricStat"] for part in alarm.get("Metrics", []) if "MetricStat" in part]
    (period,) = {part["Period"] for part in parts} or {alarm["Period"]}
    assert period % 60 == 0
    assert period * int(alarm["EvaluationPeriods"]) <= (7 * DAY if period >= HOUR else DAY)
    assert ("Metrics" in alarm) is not ("MetricName" in alarm)


@pytest.mark.parametrize(("percent", "name"), [(50, "HalfSpentAlarm"), (80, "NearlySpentAlarm")])
def test_the_spending_alarms_follow_the_given_limit(percent: int, name: str) -> None:
    alarm = Deployed(SpendLimitUsd="250").of_type("AWS::CloudWatch::Alarm")[name]
    assert alarm["Metrics"][0]["Expression"] == "100 * spent / 250"
    assert alarm["Threshold"] == percent
    (metric,) = metrics_of(alarm)
    assert metric == ("AWS/SNS", "SMSMonthToDateSpentUSD", frozenset())


@pytest.mark.parametrize("name", [*ALARMS, *COMPOSITE])
def test_each_alarm_notifies_the_topic_and_names_a_section_of_the_runbook(name: str) -> None:
    alarm = (ALARMS | COMPOSITE)[name]
    (topic,) = alarm["AlarmActions"]
    assert topic.endswith("AlarmTopic")
    assert alarm["OKActions"] == [topic]  # whoever was woken hears that it is over
    assert alarm["AlarmDescription"].partition(" docs/runbook.md#")[2] in anchors()


def test_a_parameter_makes_alarms_and_dashboard_link_to_the_runbook() -> None:
    stack = Deployed(RunbookUrl="https://example.org/runbook")
    for alarm in stack.of_type("AWS::CloudWatch::Alarm").values():
        assert " https://example.org/runbook#" in alarm["AlarmDescription"]
    assert "docs/runbook.md" not in json.dumps(stack.of_type("AWS::CloudWatch::Dashboard"))


def test_a_parameter_sends_alarms_to_a_chat_channel_without_rights() -> None:
    kind = "AWS::Chatbot::SlackChannelConfiguration"
    assert STACK.of_type(kind) == {}
    (chat,) = Deployed(ChatWorkspace="T1", ChatChannel="C1").of_type(kind).values()
    assert chat["SnsTopicArns"] == ["arn:aws:sns:eu-west-2:123456789012:AlarmTopic"]
    assert chat["GuardrailPolicies"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]


def test_every_runbook_section_that_the_dashboard_names_exists() -> None:
    body = json.dumps(STACK.of_type("AWS::CloudWatch::Dashboard"))
    named = re.findall(r"docs/runbook\.md#([a-z-]+)", body)
    assert named
    assert set(named) <= anchors()


def anchors() -> set[str]:
    """The runbook's headings, as those who show Markdown link to them."""
    headings = re.findall(r"^## (.+)$", RUNBOOK, re.MULTILINE)
    return {re.sub(r"[^a-z -]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_composite_alarm_covers_whatever_may_make_a_text_wrong_late_or_missing() -> None:
    rule = COMPOSITE["NotAsPlannedAlarm"]["AlarmRule"]
    named = re.findall(r'ALARM\("(\w+)"\)', rule)
    assert rule == " OR ".join(f'ALARM("{name}")' for name in named)
    assert set(named) <= ALARMS.keys()
    assert {"NotEntitledAlarm", "UnknownAlarm", "NothingSentAlarm", "NotLookingAlarm"} <= {*named}
