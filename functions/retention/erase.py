"""
Erases data about an order once it is older than the protocol allows.

Identifiers go first: number, references, person id, date of birth. The trial data stays under a
pseudonym, so every report, proof and extract gives the same result. Years later it goes as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from trial.codes import Retained
from trial.errors import RejectedError, TrialError
from trial.protocol.load import load, of_trial, versions
from trial.records.audit import AuditEntry
from trial.records.enrolment import Mobile, enrolment_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date, datetime
    from uuid import UUID

    from retention.store import RetentionStore
    from trial.protocol.settings import Protocol, Retention
    from trial.records.enrolment import Enrolment

_TRIES = 3
_OF_ENROLMENTS = (Retained.IDENTIFIERS, Retained.TRIAL_DATA)


@dataclass(frozen=True, slots=True)
class Erasure:
    """
    Something that was due: the enrolment, the kind of data, whether it was erased, and why not.

    Stray receipts, numbers and opt-outs belong to no known enrolment.
    """

    enrolment_id: UUID | None
    retained: Retained
    erased: bool
    failure: str | None = None


def erase(
    *, store: RetentionStore, opened: Protocol, today: date, now: datetime
) -> Iterator[Erasure]:
    """
    Erase everything that is due, of each kind the longest due first; yields each result.

    The protocol of an order's own trial sets its retention, whichever trial is open; an order whose
    trial has no protocol here fails. The open trial's protocol sets the rest: stray receipts, and
    numbers that no order names, are kept as long as identifiers; opt-outs as long as trial data.

    Safe to repeat, and to stop after any result: each is one transaction, unless it has more traces
    than fit into one. A failure is yielded too, and does not stop the next erasure.
    """
    known = [load(version).retention for version in versions()]
    for retained in _OF_ENROLMENTS:
        shortest = min(_days(each, retained) for each in (opened.retention, *known))
        for key in store.listed(retained, last_day=today - timedelta(days=shortest)):
            if (enrolment_id := enrolment_at(key)) is None:
                failure = "an index lists an invalid key"
                yield Erasure(None, retained, erased=False, failure=failure)
                continue
            erased = partial(_erased, enrolment_id, retained, store, opened, today, now)
            yield _tried(enrolment_id, retained, erased)
    retention = opened.retention
    last_day = today - timedelta(days=retention.identifiers_days)
    for key in store.listed(Retained.STRAY_RECEIPTS, last_day=last_day):
        yield _tried(None, Retained.STRAY_RECEIPTS, partial(store.remove_stray, key))
    for key in store.listed(Retained.IDLE_NUMBERS, last_day=last_day):
        yield _tried(None, Retained.IDLE_NUMBERS, partial(store.remove_idle, key))
    last_day = today - timedelta(days=retention.trial_data_days)
    for key in store.listed(Retained.OPT_OUTS, last_day=last_day):
        yield _tried(None, Retained.OPT_OUTS, partial(store.remove_opt_out, key))


def _tried(enrolment_id: UUID | None, retained: Retained, erased: Callable[[], bool]) -> Erasure:
    failure = ""
    for _ in range(_TRIES):
        try:
            return Erasure(enrolment_id, retained, erased())
        except TrialError as error:
            failure = str(error)
            if isinstance(error, RejectedError):
                break
    return Erasure(enrolment_id, retained, erased=False, failure=failure)


def _days(retention: Retention, retained: Retained) -> int:
    of_identifiers = retained is Retained.IDENTIFIERS
    return retention.identifiers_days if of_identifiers else retention.trial_data_days


def _erased(
    enrolment_id: UUID,
    retained: Retained,
    store: RetentionStore,
    opened: Protocol,
    today: date,
    now: datetime,
) -> bool:
    """Erase it if it is due; returns whether it was. The index may be out of date: this reads."""
    file = store.file(enrolment_id)
    if file is None:
        return False
    retention = of_trial(file.enrolment.trial, opened).retention
    if not _due(file.enrolment, retained, today - timedelta(days=_days(retention, retained))):
        return False
    traces = store.traces(file.enrolment)
    if retained is Retained.IDENTIFIERS:
        audit = AuditEntry(at=now, what="identifiers erased", by="retention")
        store.keep_erased(file, without_identifiers(file.enrolment, now), traces, audit)
    else:
        store.remove(file, traces, AuditEntry(at=now, what="trial data erased", by="retention"))
    return True


def _due(enrolment: Enrolment, retained: Retained, last_day: date) -> bool:
    left = Retained.TRIAL_DATA if enrolment.erased_at else Retained.IDENTIFIERS
    return left is retained and not enrolment.hold and enrolment.kept_from <= last_day


def without_identifiers(enrolment: Enrolment, now: datetime) -> Enrolment:
    """
    The enrolment without anything that identifies the person.

    The hash of the person stays, so that a person keeps their arm; only users of the key can match
    it. The digest of the request goes, because it could confirm a guess at the number.
    """
    respondent, mobile = enrolment.respondent, enrolment.mobile
    return enrolment.model_copy(
        update={
            "order": enrolment.order.model_copy(update={"reference": None}),
            "respondent": respondent.model_copy(update={"sealed": None, "of_age_on": None}),
            "mobile": Mobile(unsafe=mobile.unsafe, shared=mobile.shared),
            "former_numbers": (),
            "protected_hashes": (),
            "request_digest": None,
            "erased_at": now,
        }
    )
