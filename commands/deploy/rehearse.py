"""
Texts a whole timetable to a staff phone, one text a minute, each marked as a test.

Shows what respondents will see, under the sender id and through the carriers. Nothing is enrolled
or stored: the texts go straight to SNS with the credentials of your shell, or to the local stack.
Never give a respondent's number.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import boto3
from botocore.config import Config
from rich.progress import track

from commands.deployed_stack import DeployedStack
from sending.gateway import Gateway
from trial.api.orders import refuse_impossible, refuse_language
from trial.api.problems import FieldError
from trial.codes import Condition, Language
from trial.errors import TrialError
from trial.phone import NumberError, mobile_of
from trial.protocol.alphabet import size
from trial.protocol.load import CURRENT, load, versions
from trial.protocol.orders import OrderType
from trial.protocol.settings import Protocol
from trial.protocol.term import Term
from trial.protocol.timetable import timetable
from trial.protocol.wording import Recipient, Sender, render

MARK = "TEST {number}/{of} "
ONCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Rehearsed:
    """What the texts are about."""

    order_type: str
    days: int | None
    """None: without an end."""
    conditions: tuple[Condition, ...]
    language: Language
    sender: Sender


def texts(about: Rehearsed, made_on: date, protocol: Protocol) -> Iterator[str]:
    """
    The texts of an order made that day, in order, each with its mark.

    Raises FieldError if the trial has no such order.
    """
    refuse_language(protocol, about.language)
    expires_on = made_on + timedelta(days=about.days - 1) if about.days else None
    term = Term(about.order_type, made_on, expires_on)
    refuse_impossible(protocol, term, about.conditions)
    start = protocol.place.midnight(made_on)
    slots = timetable(enrolment_id=uuid4(), term=term, protocol=protocol, start=start)
    recipient = Recipient(
        order_type=term.order_type,
        conditions=about.conditions,
        expires_on=expires_on,
        language=about.language,
    )
    for number, slot in enumerate(slots, start=1):
        text = render(protocol, slot.theme, turn=slot.turn, about=recipient, sender=about.sender)
        yield MARK.format(number=number, of=len(slots)) + text.message


def send(
    number: str,
    planned: list[str],
    gateway: Gateway,
    *,
    every: float,
    wait: Callable[[float], None],
) -> int:
    """Send the texts in order, with the same care as real ones; returns how many went."""
    sent = 0
    for text in track(planned, "Sending"):
        if sent:
            wait(every)
        gateway.publish(number, text)
        sent += 1
    return sent


def usual(order_type: OrderType) -> tuple[int | None, tuple[Condition, ...]]:
    """A length that such an order may have, the shortest, and the conditions that it always has."""
    days = None if order_type.open_ended else order_type.shortest_days
    return days, order_type.always or order_type.conditions[:1]


def options() -> argparse.Namespace:
    """The parsed command line."""
    about, _, more = (__doc__ or "").strip().partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m commands.deploy.rehearse", description=about, epilog=more
    )
    parser.add_argument("number", help="a staff phone, as +447700900123")
    parser.add_argument("--aws", action="store_true", help="on AWS; without it, the local stack")
    parser.add_argument("--region", default="eu-west-2", help="default: eu-west-2")
    parser.add_argument("--sender-id", default="Police", help="default: Police")
    parser.add_argument("--force", default="Durham Police", help="default: Durham Police")
    parser.add_argument("--contact", default="101", help="default: 101")
    parser.add_argument(
        "--protocol", choices=versions(), default=CURRENT, help="default: %(default)s"
    )
    parser.add_argument("--type", help="of order; default: the protocol's first")
    parser.add_argument("--language", type=Language, choices=list(Language), default=Language.EN)
    parser.add_argument(
        "--days", type=int, help="0: without an end; default: no end if it may have none, or short"
    )
    parser.add_argument("--every", type=float, default=60, metavar="SECONDS", help="default: 60")
    parser.add_argument(
        "--conditions",
        type=lambda text: tuple(map(Condition, text.split(","))),
        help="such as no_molestation,no_contact; default: those that every such order has",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args()


def main() -> None:
    """Show the texts, ask, and send them."""
    given = options()
    sender = Sender(force=given.force, contact=given.contact)
    protocol = load(given.protocol)
    try:
        mobile_of(given.number, protocol.place.country)
        name = given.type or next(iter(protocol.orders))
        days, always = usual(protocol.order_type(name))
        about = Rehearsed(
            name,
            days if given.days is None else given.days or None,
            given.conditions or always,
            given.language,
            sender,
        )
        planned = list(texts(about, protocol.place.date_at(datetime.now(UTC)), protocol))
    except NumberError as error:
        sys.exit(f"The number {error}")
    except FieldError as error:
        sys.exit(f"The trial has no such order: {error.field} {error}")
    except TrialError as error:
        sys.exit(f"These texts cannot be sent: {error}")
    for text in planned:
        print(f"  {text}")
    parts = sum(size(text).parts for text in planned)
    print(f"{len(planned)} texts in {parts} parts (the mark makes some longer than one).")
    if not (given.yes or input("Send them? [y/N] ").lower() == "y"):
        sys.exit("Nothing was sent.")
    if given.aws:
        client = boto3.client("sns", region_name=given.region, config=ONCE)
    else:
        client = DeployedStack.here().client("sns")
    gateway = Gateway(client, given.sender_id)
    try:
        sent = send(given.number, planned, gateway, every=given.every, wait=time.sleep)
    except TrialError as error:
        sys.exit(f"It stopped: {error}")
    print(f"Sent {sent}. Look at the phone.")


if __name__ == "__main__":
    main()
