"""
The protocol under which tests live, in place of the real ones.

Whoever imports this has `trial.protocol.load` find the files of `tests/support/protocols` alone.
"""

from pathlib import Path
from typing import Final

from trial.protocol import load as protocols

REAL: Final = protocols.FOLDER
"""Where the real ones are: for the tests of these, and for nobody else."""

VERSION: Final = "fixture-1"

FIRST: Final = "first-1"
"""In the first format, whose trials hold a text back after a breach."""

protocols.FOLDER = Path(__file__).parent / "protocols"
AGREED: Final = protocols.load(VERSION)

DAPO: Final = protocols.load("dapo-1")
"""With orders that may be varied, and may have no last day."""
