"""A person whose every detail is unique, so that any trace of them is found."""

import hashlib
import hmac
import json
import logging
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from tests.support.samples import order
from tests.support.steps import HttpAnswer

NAME = "Zebedee Quillfeather"
BORN = "1987-11-23"
PERSON = "1987/0774411Z"
NUMBERS = ("+447700900861", "+447700900372", "+447700900594", "+447700900683")
"""The respondent's first and second, one that is protected, and one suppressed."""
FIRST, SECOND, PROTECTED, SUPPRESSED = NUMBERS
ORDER = ("DVPO-WIDGEON-7741", "Widgeon Magistrates' Court", "S-WIDGEON-77", "PC-WIDGEON-88")
"""What identifies the order: reference, court, and two officers."""


def body() -> dict[str, Any]:
    """Their enrolment."""
    reference, court, superintendent, _ = ORDER
    return order(
        order={
            "reference": reference,
            "court": court,
            "authorising_superintendent": superintendent,
        },
        respondent={"person_id": PERSON, "date_of_birth": BORN},
        mobile={"number": FIRST},
        protected_numbers=[PROTECTED],
    )


@dataclass(frozen=True)
class Watch:
    """Looks for traces. `mac` makes the keyed hashes under which the system finds them again."""

    mac: Callable[[bytes], bytes]

    def personal(self) -> Iterator[tuple[str, str]]:
        """Every form in which the person may show, with a word for it."""
        yield from (("name", each) for each in NAME.split())
        yield "date of birth", BORN
        yield "date of birth", "23/11/1987"
        yield "person id", PERSON
        yield "person id", PERSON.partition("/")[2]
        for number in NUMBERS:
            yield "number", number.removeprefix("+44")
            yield "last six digits", number[-6:]
        # Only the keyed hash of the force's id is stored; a plain one could be guessed.
        for message in (f"pnc|{PERSON}", *(f"number|{each}" for each in NUMBERS)):
            made = self.mac(message.encode())
            yield "keyed hash", made.hex()
            yield "keyed hash", repr(made)[2:-1]
        for value in (PERSON, BORN, *NUMBERS, *(each.removeprefix("+44") for each in NUMBERS)):
            for kind in ("md5", "sha1", "sha256"):
                yield f"{kind} of it", hashlib.new(kind, value.encode()).hexdigest()

    def traces(self, text: str, *, order_too: bool = True) -> list[tuple[str, str]]:
        """What of them a text shows: the word for it, and where."""
        sought = [*self.personal(), *(("order", each) for each in ORDER if order_too)]
        return [
            (word, text[max(found.start() - 80, 0) : found.end() + 40])
            for word, form in sought
            for found in re.finditer(re.escape(form), text, re.IGNORECASE)
        ]


GOSSIP = f"refused: Value '{NAME}, {BORN}, {PERSON}, {NUMBERS}, {ORDER}' at 'item' is not valid"
"""AWS's own messages may repeat what a request held."""


def faults(told: str) -> Iterator[Exception]:
    """Every way in which a call of AWS may fail, with a message that says this."""
    for code, status in (
        ("ThrottlingException", 400),
        ("InternalServerError", 500),
        ("ValidationException", 400),
        ("AccessDeniedException", 403),
        ("TransactionCanceledException", 400),
    ):
        answer: Any = {
            "Error": {"Code": code, "Message": told},
            "ResponseMetadata": {"HTTPStatusCode": status},
            "CancellationReasons": [{"Code": "TransactionConflict", "Message": told}],
        }
        yield ClientError(answer, "Gossip")
    yield ReadTimeoutError(endpoint_url=told)
    yield EndpointConnectionError(endpoint_url=told)
    yield ParamValidationError(report=told)


class Sinks:
    """All that anybody could see."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.printed = StringIO()
        self.answers: list[HttpAnswer] = []
        self.schedules: list[Any] = []
        self.errors = 0

    @contextmanager
    def open(self) -> Iterator[None]:
        """What functions print, in logs, in metrics or otherwise, comes here."""
        handler = Logger().registered_handler
        assert isinstance(handler, logging.StreamHandler)
        previous = handler.setStream(self.printed)
        logging.disable(logging.NOTSET)
        try:
            with redirect_stdout(self.printed):
                yield
        finally:
            handler.setStream(previous or self.printed)

    def attempt(self, step: Callable[[], Any]) -> None:
        """Do a step; print what ends it as Lambda would."""
        try:
            answer = step()
        except Exception:  # noqa: BLE001 - whatever it is, Lambda prints it
            traceback.print_exc(file=self.printed)
            self.errors += 1
        else:
            failed = isinstance(answer, dict) and answer.get("batchItemFailures")
            if isinstance(answer, HttpAnswer):
                self.answers.append(answer)
                failed = answer.status >= 400
            self.errors += bool(failed)

    def traces(self) -> list[tuple[str, str]]:
        """Whatever is found where nothing may be."""
        found = self._watch.traces(self.printed.getvalue())
        found += self._watch.traces(json.dumps(self.schedules, default=str))
        for answer in self.answers:
            shown = f"{answer.text} {answer.headers}"
            found += self._watch.traces(shown, order_too=answer.status >= 400)
        return found


@contextmanager
def searched(salt: str) -> Iterator[Sinks]:
    """Sinks that are empty of them at the end; the salt is that of `tests.support.memory`."""
    key = f"{salt}/identity".encode()
    sinks = Sinks(Watch(lambda message: hmac.digest(key, message, "sha256")))
    yield sinks
    found = sinks.traces()
    assert found == [], found[:5]
