"""
`python -m trial.protocol [FILE...]` checks protocol files; without any, all that are here.

It prints each one's version, hash and number of drafts, or everything that is wrong with it.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from trial.protocol.load import ProtocolError, path_of, read, versions


def main(arguments: Sequence[str]) -> int:
    """Checks the files; exit code 1 if one of them is no protocol."""
    refused = 0
    for path in map(Path, arguments) if arguments else map(path_of, versions()):
        try:
            protocol = read(path)
        except ProtocolError as error:
            refused = 1
            sys.stdout.write(f"{error}\n")
        else:
            wordings = sum(len(each) for each in protocol.wordings.values())
            sys.stdout.write(
                f"{protocol.version} sha256={protocol.sha256}"
                f" drafts {len(protocol.drafts)} of {wordings}\n"
            )
    return refused


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
