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

protocols.FOLDER = Path(__file__).parent / "protocols"
AGREED: Final = protocols.load(VERSION)
