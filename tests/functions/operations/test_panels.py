"""The live panels: what they show, what their buttons do, and that they are HTML for CloudWatch."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from pydantic import ValidationError
from time_machine import Traveller

from operations.answers import FlowOut
from operations.panels.flow import diagram
from operations.panels.handler import lambda_handler as panels
from tests.support.deployed import Deployed
from tests.support.life import audit_of, followed, report_change
from tests.support.samples import sample
from tests.support.steps import CONTEXT, call, enrol
from tests.support.table import everything
from trial.codes import EndReason, Reason, Status

pytestmark = pytest.mark.usefixtures("cloud")

REFUSED = {"missing_reason": "refused"}
EACH = ("waiting", "held", "flow", "sending")
FILLED = {"reason": "wording under review", "by": "Supt D'Arcy"}


def drawn(panel: str, act: str | None = None, theme: str = "light", **form: str) -> str:
    """A panel, after a click on one of its buttons if `act` says which."""
    event = sample("panel-waiting") | {"panel": panel} | ({"act": act} if act else {})
    event["widgetContext"] |= {"theme": theme, "forms": {"all": form}}
    return panels(event, CONTEXT)


class Read(HTMLParser):
    """What a browser would make of it: tags, attributes, text, and whether all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._open = "", [""]
        self.feed(text)
        assert self._open == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "input":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] not in ("style", "cwdb-action"):
            self.text += f"{data} "


def rows() -> list[str]:
    return re.findall(r"<tr><td>.*?</tr>", drawn("waiting"))


# HTML that CloudWatch shows


@pytest.mark.parametrize("panel", EACH)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_panel_is_html_without_script_in_the_dashboard_s_theme(panel: str, theme: str) -> None:
    enrol(1, mobile={"missing_reason": "refused", "follow_up_on": "2026-12-04"})
    read = Read(drawn(panel, theme=theme))
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "iframe", "use", "a", "link", "img"})
    names = {name for _, attributes in read.tags for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    assert any(attributes.get("class") == f"dvpo {theme}" for _, attributes in read.tags)


@pytest.mark.parametrize("panel", EACH)
def test_each_button_precedes_the_action_that_calls_the_same_function_again(panel: str) -> None:
    tags = Read(drawn(panel)).tags
    actions = [place for place, (tag, _) in enumerate(tags) if tag == "cwdb-action"]
    assert actions
    for place in actions:
        assert tags[place - 1][0] == "button"
        assert tags[place][1]["endpoint"] == CONTEXT.invoked_function_arn


def test_a_panel_describes_its_parameters_to_whoever_sets_one_up() -> None:
    described = panels({"describe": True}, CONTEXT)
    assert "**panel**" in described
    assert all(f"`{each}`" in described for each in EACH)


@pytest.mark.parametrize("event", [{}, {"panel": "arms"}, {"panel": "sending", "act": "end"}])
def test_an_unknown_panel_or_button_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        panels(event, CONTEXT)


def test_a_request_to_the_api_does_not_call_a_panel() -> None:
    """Otherwise a click could put an invented caller into the audit trail."""
    with pytest.raises(ValidationError):
        panels(sample("api-pause"), CONTEXT)
    assert everything() == {}


@pytest.mark.parametrize("given", ["<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>"])
def test_text_that_people_wrote_is_shown_as_text(given: str) -> None:
    call("PUT", "/sending", {"paused": True, "reason": given, "by": "Supt"})
    read = Read(drawn("sending", "resume", reason=given))  # without a name: it is shown again
    assert {tag for tag, _ in read.tags}.isdisjoint({"script", "img"})
    assert given in read.text
    assert [each["value"] for _, each in read.tags if each.get("name") == "reason"] == [given]


# Who waits


def test_a_waiting_order_is_shown_with_reason_author_date_and_days_left() -> None:
    missing = {"missing_reason": "seized_evidence", "recorded_by": "DC O'Neil"}
    enrol(1, mobile=missing | {"follow_up_on": "2026-12-04", "follow_up_by": "PC 7"})
    (row,) = rows()
    cells = [each.strip() for each in re.findall(r"<td>(.*?)</td>", row)]
    assert cells[:2] == ["durham/DVPO-2026-000001", "no number: seized evidence"]
    assert cells[2:] == ["DC O&#x27;Neil", "4 Dec 2026 by PC 7", "12"]


def test_waiting_orders_are_listed_by_superintendent_the_most_urgent_first() -> None:
    for serial, (superintendent, day) in enumerate((("B", 3), ("A", 5), ("A", 2)), start=1):
        order = {"authorising_superintendent": f"Supt {superintendent}"}
        enrol(serial, mobile=REFUSED | {"follow_up_on": f"2026-12-0{day}"}, order=order)
    shown = re.findall(r"Supt [AB]|00000\d", drawn("waiting"))
    assert shown == ["Supt A", "000003", "000002", "Supt B", "000001"]


def test_a_late_follow_up_and_a_last_day_stand_out(clock: Traveller) -> None:
    enrol(1, mobile=REFUSED | {"follow_up_on": "2026-12-04"})
    clock.shift(11 * 86_400)
    (row,) = rows()
    assert "<b>8 days late</b>" in row
    assert "<b>last day</b>" in row


def test_the_list_shrinks_when_a_number_is_found() -> None:
    found = enrol(1, mobile=REFUSED)
    enrol(2, mobile=REFUSED)
    assert len(rows()) == 2
    report_change(found, "mobile", {"number": "+447700900001"})
    assert len(rows()) == 1


def test_each_order_shown_is_recorded_as_consulted_by_the_invocation() -> None:
    ident = enrol(1, mobile=REFUSED)
    drawn("waiting")
    shown = [each["by"] for each in audit_of(ident) if each["what"] == "worklist consulted"]
    assert shown == [f"dashboard, invocation {CONTEXT.aws_request_id}"]


def test_the_panel_says_if_nobody_is_waiting() -> None:
    assert "No order waits." in Read(drawn("waiting")).text


# The flow


def test_the_flow_diagram_is_counted_from_the_table_and_adds_up() -> None:
    for serial in range(1, 4):
        followed(serial)
    enrol(4, mobile=REFUSED)
    enrol(5, respondent={"date_of_birth": "2010-01-01"})
    enrol(6)  # eligible; the draw has not heard of it yet
    read = Read(drawn("flow")).text
    lines = ["Orders: 6", "Not randomised: 2", "no number: 1", "under 18: 1", "Eligible: 4"]
    lines += ["Randomised: 3", "Running: 3", "Ended since: 0"]
    assert [line for line in lines if line not in read] == []


def test_a_screen_reader_reads_the_flow_as_it_is_drawn() -> None:
    enrol(1)
    svg = dict(Read(drawn("flow")).tags)["svg"]
    label = "Orders: 1. Eligible: 1. Randomised: 0. Running: 0. Ended since: 0. Not randomised: 0"
    assert (svg["role"], svg["aria-label"]) == ("img", label)


def test_no_boxes_of_the_flow_overlap_however_many_reasons_there_are() -> None:
    counts = FlowOut(
        enrolled=len(Reason),
        by_status=dict.fromkeys(Status, 0),
        by_reason=dict.fromkeys(Reason, 1),
        randomised=0,
        ended=dict.fromkeys(EndReason, 0),
    )
    boxes = [
        tuple(float(attributes[name] or 0) for name in ("x", "y", "width", "height"))
        for tag, attributes in Read(diagram(counts)).tags
        if tag == "rect"
    ]
    for place, (x, y, width, height) in enumerate(boxes):
        for left, top, wide, high in boxes[place + 1 :]:
            assert x + width < left or left + wide < x or y + height < top or top + high < y


# The switch


def test_a_pause_takes_a_reason_and_a_name_and_is_in_the_trail() -> None:
    read = Read(drawn("sending", "pause", **FILLED)).text
    assert "Sending is paused." in read
    assert "Supt D'Arcy on 1 December 2026 at 09:30: wording under review" in read
    assert call("GET", "/sending").body["paused"] is True
    (entry,) = [item for item in everything().values() if item["kind"] == "audit"]
    by = f"dashboard, invocation {CONTEXT.aws_request_id}, as Supt D'Arcy"
    assert (entry["what"], entry["by"]) == ("sending_paused", by)


def test_a_click_is_logged_in_the_form_that_the_saved_query_asks_for(log: StringIO) -> None:
    drawn("sending")
    drawn("sending", "pause", **FILLED)
    lines = [json.loads(line) for line in log.getvalue().splitlines() if "clicked" in line]
    assert [(each["message"], each["act"]) for each in lines] == [("clicked", "pause")]
    assert lines[0]["function_request_id"] == CONTEXT.aws_request_id
    query = Deployed().of_type("AWS::Logs::QueryDefinition")["ClicksQuery"]
    assert 'message = "clicked"' in query["QueryString"]


@pytest.mark.parametrize("name", FILLED)
def test_without_a_reason_or_a_name_nothing_is_paused_and_what_was_typed_stays(name: str) -> None:
    html = drawn("sending", "pause", **FILLED | {name: ""})
    assert 'role="alert"' in html
    assert "Sending is on." in html
    (other,) = FILLED.keys() - {name}
    kept = {each["name"]: each["value"] for tag, each in Read(html).tags if tag == "input"}
    assert kept == {name: "", other: FILLED[other]}
    assert call("GET", "/sending").body["paused"] is False


def test_the_other_button_resumes_sending() -> None:
    drawn("sending", "pause", **FILLED)
    assert "Resume sending" in drawn("sending")
    read = Read(drawn("sending", "resume", **FILLED)).text
    assert "Sending is on." in read
    assert "Pause sending" in read


def test_no_other_button_or_field_changes_the_switch() -> None:
    drawn("sending", "pause", **FILLED)
    assert "Sending is paused." in drawn("sending", "admit", **FILLED)
    assert "Sending is paused." in drawn("sending", "pause", **FILLED, paused="false")
    assert call("GET", "/sending").body["paused"] is True


@pytest.mark.parametrize(("before", "act"), [("resume", "pause"), ("pause", "resume")])
def test_a_change_of_the_switch_must_be_confirmed(before: str, act: str) -> None:
    drawn("sending", before, **FILLED)
    ((asked, params),) = re.findall(r'confirmation="([^"]+)">(.+?)</cwdb-action>', drawn("sending"))
    assert json.loads(params) == {"panel": "sending", "act": act}
    assert asked


def test_the_switch_s_metric_follows_the_button(emitted: Callable[[], dict[str, float]]) -> None:
    drawn("sending", "pause", **FILLED)
    assert emitted()["SendingPaused"] == 1
