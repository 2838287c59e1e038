"""
The protocol under which tests live, in place of the real ones.

Importing this makes `trial.protocol.load` find only the files of `tests/support/protocols`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from trial.protocol import load as protocols

if TYPE_CHECKING:
    from trial.protocol.settings import Protocol

REAL: Final = protocols.FOLDER
"""Where the real ones are: for the tests of these, and for nobody else."""

VERSION: Final = "fixture-1"

FIRST: Final = "first-1"
"""In the first format, whose trials hold a text back after a breach."""

protocols.FOLDER = Path(__file__).parent / "protocols"
AGREED: Final = protocols.load(VERSION)

DAPO: Final = protocols.load("dapo-1")
"""With orders that may be varied, and may have no last day."""


BY_RISK: Final = "by-risk-1"

_STRATA: Final = "".join(
    f"""
[[strata]]
id = "{days}-{name}"
min_days = {least}
max_days = {most}
risk_grade = [{", ".join(f'"{grade}"' for grade in grades)}]
"""
    for days, least, most in (("14", 14, 14), ("15-28", 15, 28))
    for name, grades in (("high", ["high"]), ("rest", ["standard", "medium", "not_said"]))
)


def text_by_risk() -> str:
    """The fixture, as the trial `by-risk`, with the risk grade as a stratum beside the length."""
    text = protocols.path_of(VERSION).read_text()
    begin, end = text.index("[[strata]]"), text.index("[eligibility]")
    renamed = text.replace(f'version = "{VERSION}"', f'version = "{BY_RISK}"').replace(
        'trial = "fixture"', 'trial = "by-risk"'
    )
    shift = len(renamed) - len(text)
    return renamed[: begin + shift] + _STRATA + "\n" + renamed[end + shift :]


def by_risk(folder: Path) -> "Protocol":
    """That protocol, as the only one in a folder."""
    path = folder / f"{BY_RISK}.toml"
    path.write_text(text_by_risk())
    return protocols.read(path)
