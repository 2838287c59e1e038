"""
Checks protocol files (default: all in the package); prints each one's version, hash and drafts.

For a file that is not valid it prints every fault, each with its line, instead.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trial.phone import is_country
from trial.protocol.aloud import aloud
from trial.protocol.load import ProtocolError, path_of, read, versions


def main(arguments: Sequence[str]) -> int:
    """Check the files; exit code 1 if any is not a valid protocol."""
    given = _options().parse_args(arguments)
    refused = 0
    for path in given.files or map(path_of, versions()):
        try:
            protocol = read(path)
        except ProtocolError as error:
            refused = 1
            sys.stdout.write(f"{error}\n")
        else:
            if not is_country(country := protocol.place.country):
                refused = 1
                sys.stdout.write(f"{path.name}: place.country: {country} has no phone numbers\n")
            wordings = sum(len(each) for each in protocol.wordings.values())
            sys.stdout.write(
                f"{protocol.version} sha256={protocol.sha256}"
                f" drafts {len(protocol.drafts)} of {wordings}\n"
            )
            if given.texts:
                sys.stdout.writelines(f"{line}\n" for line in aloud(protocol))
    return refused


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make protocol", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a protocol file")
    parser.add_argument(
        "--texts",
        action="store_true",
        help="print every text too, filled in with the longest values, for reading aloud: by type "
        "of order, theme, conditions and language, with septets, parts and price",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
