"""
Texts a whole timetable to the staff phone, one text a minute, each marked as a test.

Shows what respondents will see, through the sending function's own role, under the deployment's
sender id, and through the carriers. Nothing is enrolled or stored. The phone is the deployment's
parameter StaffPhone: this command cannot text any other.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from commands.arguments import described
from commands.deployed_stack import DeployedStack, add_arguments
from trial.codes import Condition, Language
from trial.errors import RejectedError
from trial.protocol.alphabet import size
from trial.protocol.load import CURRENT, load, versions
from trial.protocol.orders import OrderType

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

Ask = Callable[[dict[str, Any]], dict[str, Any]]


def asking(client: "LambdaClient", function: str) -> Ask:
    """Invokes the sending function once: it may have texted although its answer was lost."""

    def ask(rehearsal: dict[str, Any]) -> dict[str, Any]:
        payload = json.dumps({"rehearsal": rehearsal}).encode()
        answer = client.invoke(FunctionName=function, Payload=payload)
        body: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RejectedError(body.get("errorMessage", "the function failed: see its log"))
        return body

    return ask


def send(
    rehearsal: dict[str, Any], texts: int, ask: Ask, *, every: float, wait: Callable[[float], None]
) -> int:
    """Have the texts sent in order; returns how many went. Raises RejectedError at a failure."""
    for number in track(range(1, texts + 1), "Sending"):
        if number > 1:
            wait(every)
        ask(rehearsal | {"send": number})
    return texts


def usual(order_type: OrderType) -> tuple[int | None, tuple[Condition, ...]]:
    """A length that such an order may have, the shortest, and the conditions that it always has."""
    days = None if order_type.open_ended else order_type.shortest_days
    return days, order_type.always or order_type.conditions[:1]


def options() -> argparse.Namespace:
    """The parsed command line."""
    parser = described("make rehearse", __doc__)
    parser.add_argument(
        "--protocol", choices=versions(), default=CURRENT, help="default: %(default)s"
    )
    parser.add_argument("--type", help="of order; default: the protocol's first")
    parser.add_argument("--language", choices=list(Language), default=Language.EN)
    parser.add_argument(
        "--days", type=int, help="0: without an end; default: no end if it may have none, or short"
    )
    parser.add_argument("--every", type=float, default=60, metavar="SECONDS", help="default: 60")
    parser.add_argument(
        "--conditions",
        type=lambda text: text.split(","),
        help="such as no_molestation,no_contact; default: those that every such order has",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_arguments(parser)
    return parser.parse_args()


def main() -> None:
    """Show the texts, ask for confirmation, and have the function send them."""
    given = options()
    protocol = load(given.protocol)
    try:
        name = given.type or next(iter(protocol.orders))
        days, always = usual(protocol.order_type(name))
        rehearsal = {
            "protocol": protocol.version,
            "order_type": name,
            "made_on": protocol.place.date_at(datetime.now(UTC)).isoformat(),
            "days": days if given.days is None else given.days or None,
            "conditions": given.conditions or always,
            "language": given.language,
        }
        stack = DeployedStack.named_by(given)
        ask = asking(stack.client("lambda"), stack.ids["SendingFunction"])
        texts = ask(rehearsal)["texts"]
        for text in texts:
            print(f"  {text}")
        parts = sum(size(text).parts for text in texts)
        print(f"{len(texts)} texts in {parts} parts (the mark makes some longer than one).")
        if not (given.yes or input("Send them to the staff phone? [y/N] ").lower() == "y"):
            sys.exit("Nothing was sent.")
        sent = send(rehearsal, len(texts), ask, every=given.every, wait=time.sleep)
    except (BotoCoreError, ClientError, RejectedError) as error:
        sys.exit(f"It stopped: {error}")
    print(f"Sent {sent}. Look at the phone.")


if __name__ == "__main__":
    main()
