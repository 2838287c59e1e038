"""The option that names the open trial's protocol: its zone and its country's numbers."""

from argparse import ArgumentParser

from trial.protocol.load import CURRENT, versions


def add_protocol(parser: ArgumentParser) -> None:
    """Let the command line name the protocol."""
    parser.add_argument(
        "--protocol",
        choices=versions(),
        default=CURRENT,
        help="the open trial's protocol; default: %(default)s",
    )
