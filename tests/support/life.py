"""Upstream's reports about an existing enrolment, and what follows from them."""

from typing import Any
from uuid import UUID

from tests.support.samples import order
from tests.support.steps import HttpAnswer, allocate, call, enrol, failures, schedule, someone_in
from tests.support.table import enrolment_of, everything
from trial.aws import clients
from trial.codes import Arm, Status
from trial.records.audit import audit_partition, history_partition

METHODS = {
    "mobile": "PUT",
    "service": "PUT",
    "order": "PUT",
    "variation": "POST",
    "end": "POST",
    "resume": "POST",
    "hold": "POST",
    "release": "POST",
    "outcomes": "POST",
}
"""The routes under an enrolment, each by its last part."""

CUSTODY = {"reason": "in_custody", "at": "2026-12-01T09:10:00Z", "by": "PC-1182"}
RELEASE = {"at": "2026-12-01T09:20:00Z", "by": "PC-1182"}
QUASHED = {"reason": "quashed", "at": "2026-12-01T09:25:00Z", "by": "PC-1182"}
ARREST = {
    "outcome_id": "ARREST-1",
    "type": "arrest",
    "instrument": "dvpo",
    "occurred_at": "2026-12-01T09:05:00Z",
    "reference": "CRIME-77",
}
BREACH = ARREST | {"outcome_id": "BREACH-1", "type": "breach"}


def send_change(enrolment_id: UUID, what: str, body: object, *, by: str = "upstream") -> HttpAnswer:
    """Ask for a change; whatever the answer is."""
    return call(METHODS[what], f"/enrolments/{enrolment_id}/{what}", body, by=by)


def report_change(enrolment_id: UUID, what: str, body: object) -> HttpAnswer:
    """Report a change, which must be accepted, and run its consequences."""
    answer = send_change(enrolment_id, what, body)
    assert answer.status in (200, 201), answer.text
    follow(enrolment_id)
    return answer


def follow(enrolment_id: UUID) -> None:
    """Run allocation and scheduling on an enrolment, as the stream would, until nothing follows."""
    if enrolment_of(enrolment_id).status is Status.ELIGIBLE:
        assert failures(allocate(enrolment_id)) == []
    if enrolment_of(enrolment_id).status in (Status.ALLOCATED, Status.ENDED):
        schedule(enrolment_id)


def followed(serial: int = 123, **changes: Any) -> UUID:
    """Enrol an order and let it have its consequences."""
    enrolment_id = enrol(serial, **changes)
    follow(enrolment_id)
    return enrolment_id


def treated(first: int = 1, **changes: Any) -> UUID:
    """Somebody in intervention whose reminders all have their schedules."""
    enrolment_id = someone_in(Arm.INTERVENTION, first=first, **changes)
    schedule(enrolment_id)
    return enrolment_id


def shown(enrolment_id: UUID) -> Any:
    """What a blinded caller sees of an enrolment."""
    answer = call("GET", f"/enrolments/{enrolment_id}")
    assert answer.status == 200, answer.text
    return answer.body


def stands(enrolment_id: UUID) -> tuple[str, list[str]]:
    """Status and reasons, as stored."""
    enrolment = enrolment_of(enrolment_id)
    return str(enrolment.status), [str(reason) for reason in enrolment.reasons]


def corrected(serial: int = 123, **changes: Any) -> dict[str, Any]:
    """The order of an enrolment again, with these fields changed."""
    whole: dict[str, Any] = order(serial)["order"] | changes
    return whole


def schedules_of(enrolment_id: UUID) -> dict[int, str]:
    """The schedules there are for an enrolment: when each fires, by the reminder's number."""
    client = clients.scheduler()
    names = [
        each["Name"]
        for each in client.list_schedules(GroupName="reminders")["Schedules"]
        if enrolment_id.hex in each["Name"]
    ]
    return {
        int(name.rpartition("-")[2]): client.get_schedule(Name=name, GroupName="reminders")[
            "ScheduleExpression"
        ]
        for name in sorted(names)
    }


def audit_of(enrolment_id: UUID) -> list[dict[str, Any]]:
    """The audit entries about an enrolment, the oldest first."""
    partitions = (history_partition(enrolment_id), audit_partition(enrolment_id))
    entries = [item for key, item in sorted(everything().items()) if key.pk in partitions]
    return [
        {name: entry[name] for name in ("at", "what", "by")}
        for entry in sorted(entries, key=lambda entry: entry["at"])
    ]
