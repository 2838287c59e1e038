"""What the table holds, apart from the code that is tested."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from tests.support.samples import MORNING, TABLE
from trial.aws import clients
from trial.aws.kms import Binding, Purpose, SealKey
from trial.aws.table import Key
from trial.codes import Instrument, OutcomeType
from trial.records.allocation import Allocation, allocation_key, allocation_partition
from trial.records.enrolment import Enrolment, Outcome, enrolment_key, outcome_key
from trial.records.receipt import Stray, message_key, stray_key
from trial.records.record import Record
from trial.records.reminder import Reminder, reminder_key

to_wire = TypeSerializer().serialize
_from_wire = TypeDeserializer().deserialize


def everything() -> dict[Key, dict[str, Any]]:
    """All that the table holds."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=TABLE)
    items = [_plain(raw) for page in pages for raw in page["Items"]]
    return {Key(item.pop("pk"), item.pop("sk")): item for item in items}


def held() -> dict[Key, dict[str, Any]]:
    """All that the table holds but who looked at it."""
    return {
        key: item
        for key, item in everything().items()
        if not str(item.get("what", "")).endswith(" consulted")
    }


@contextmanager
def unchanged(
    look: Callable[[], dict[Key, dict[str, Any]]] = everything,
) -> Iterator[None]:
    """Check that the table stays as it is. With `held`, entries about who looked do not count."""
    before = look()
    yield
    assert look() == before


def found(key: Key) -> dict[str, Any]:
    """The item under a key."""
    item = _plain(clients.dynamodb().get_item(TableName=TABLE, Key=wired(key))["Item"])
    return {name: value for name, value in item.items() if name not in ("pk", "sk")}


def keep(key: Key, record: Record) -> None:
    """Store a record, whatever is there."""
    put_item(key, record.item())


def put_item(key: Key, item: dict[str, Any]) -> None:
    """Store these attributes under a key, whatever is there."""
    whole = wired(key) | {name: to_wire(value) for name, value in item.items()}
    clients.dynamodb().put_item(TableName=TABLE, Item=whole)


def delete(key: Key) -> None:
    """Take away the item under a key."""
    clients.dynamodb().delete_item(TableName=TABLE, Key=wired(key))


def keep_stray(stray: Stray) -> None:
    """Store a receipt for no reminder where it is found: by its message id, and by its number."""
    keep(message_key(stray.receipt.message_id), stray)
    put_item(stray_key(stray), stray.listed())


def keep_outcomes(enrolment_id: UUID, how_many: int) -> None:
    """Store so many arrests under an order."""
    for serial in range(how_many):
        outcome = Outcome(
            outcome_id=f"ARREST-{serial}",
            type=OutcomeType.ARREST,
            instrument=Instrument.DVPO,
            occurred_at=MORNING,
            reference="CRIME-77",
            reported_at=MORNING,
        )
        keep(outcome_key(enrolment_id, outcome.outcome_id), outcome)


def enrolment_of(enrolment_id: UUID) -> Enrolment:
    return Enrolment.of(found(enrolment_key(enrolment_id)))


def number_hash_of(enrolment_id: UUID) -> str:
    """The hash of the number of an enrolment that has one."""
    number_hash = enrolment_of(enrolment_id).mobile.number_hash
    assert number_hash
    return number_hash


def number_of(enrolment_id: UUID) -> str:
    """The number of an enrolment, opened."""
    mobile = enrolment_of(enrolment_id).mobile
    assert mobile.sealed
    assert mobile.number_hash
    binding = Binding(enrolment_id, Purpose.NUMBER, mobile.number_hash)
    return sealing().opened(mobile.sealed, binding)


def identifiers_of(enrolment_id: UUID) -> dict[str, str]:
    """Who the respondent is, opened."""
    enrolment = enrolment_of(enrolment_id)
    assert enrolment.respondent.sealed
    binding = Binding(enrolment_id, Purpose.IDENTIFIERS, enrolment.person_hash)
    identifiers: dict[str, str] = json.loads(sealing().opened(enrolment.respondent.sealed, binding))
    return identifiers


def sealing() -> SealKey:
    return SealKey(clients.kms(), os.environ["SEALING_KEY_ID"])


def allocation_of(enrolment_id: UUID) -> Allocation:
    return Allocation.of(found(allocation_key(enrolment_id)))


def reminder_of(enrolment_id: UUID, number: int) -> Reminder:
    return Reminder.of(found(reminder_key(enrolment_id, number)))


def reminders_of(enrolment_id: UUID) -> list[Reminder]:
    partition = allocation_partition(enrolment_id)
    kept = {key: item for key, item in everything().items() if key.pk == partition}
    return [Reminder.of(kept[key]) for key in sorted(kept) if kept[key]["kind"] == "reminder"]


def change_enrolment(enrolment_id: UUID, **changes: Any) -> None:
    """Change an enrolment as the API would: one version on."""
    seen = enrolment_of(enrolment_id)
    changed = seen.model_copy(update={"version": seen.version + 1} | changes)
    keep(enrolment_key(enrolment_id), changed)


def change_reminder(enrolment_id: UUID, number: int, **changes: Any) -> None:
    changed = reminder_of(enrolment_id, number).model_copy(update=changes)
    keep(reminder_key(enrolment_id, number), changed)


def wired(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _plain(raw: Any) -> dict[str, Any]:
    return {name: _from_wire(value) for name, value in raw.items()}
