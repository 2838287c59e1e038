"""
The trial's settings, as one versioned data file.

`python -m trial.protocol [FILE...]` checks files (without any: all that are here) and prints each
one's version, hash and longest text, or everything that is wrong with it.
"""

import hashlib
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, time
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from trial.analysis_plan import AnalysisPlan, Costs
from trial.errors import RejectedError
from trial.model import Arm, Model, Theme
from trial.protocol_rules import Problem, broken_rules
from trial.toml_lines import lines, nearest
from trial.wording import filled, septets

FOLDER: Final = Path(__file__).parent / "protocols"

Count = Annotated[int, Field(strict=True, ge=1)]
Clock = Annotated[time, Field(strict=True)]
Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]  # no "|": it parts the ids of a sequence


class ProtocolError(RejectedError):
    """The file is no protocol: the message has a line for every problem."""


class RepeatPolicy(StrEnum):
    """What becomes of a later order of somebody already randomised."""

    RETAIN_ARM = "retain_arm"
    EXCLUDE = "exclude"


class Stratum(Model):
    """Orders randomised together, by their length in days."""

    id: Id
    min_days: Count
    max_days: Count


class Eligibility(Model):
    """Who may be randomised."""

    minimum_age: Count
    min_days_left: Count


class Cadence(Model):
    """Lengths of order in days, and how many reminders they get."""

    shortest: Count
    longest: Count
    first: Count
    per_week: Count


class Window(Model):
    """The hours in which texts may go, London time: `opens` is inside, `closes` is not."""

    opens: Clock
    closes: Clock


class Retention(Model):
    """Days after an order's last day, until what is held about it is erased."""

    identifiers_days: Count
    trial_data_days: Count


class Longest(Model):
    """The longest value of each placeholder."""

    force: Text
    expiry_date: Text
    contact: Text


class ThemePlan(Model):
    """Where a theme stands: in the core of every timetable, or added in order of rank."""

    theme: Theme
    wording: Text
    core: bool = False
    rank: Count | None = None


class Approval(Model):
    """Who stands by a wording, and since when."""

    role: Literal["solicitor", "specialist"]
    name: Text
    on: date


class Wording(Model):
    """One text, with its placeholders."""

    text: Text
    approvals: tuple[Approval, ...]

    @property
    def draft(self) -> bool:
        """Whether a solicitor or a domestic abuse specialist has still to approve it."""
        return {approval.role for approval in self.approvals} != {"solicitor", "specialist"}


class Protocol(Model):
    """One trial, as agreed: valid as a whole, or not loaded at all."""

    sha256: str
    version: Id
    trial: Id
    title: Text
    block_sizes: tuple[Count, ...] = Field(min_length=1)
    repeat_policy: RepeatPolicy
    freshness_hours: Count
    minimum_cell_size: Count
    arms: Mapping[Arm, Count] = Field(min_length=len(Arm))
    strata: tuple[Stratum, ...]
    eligibility: Eligibility
    cadence: Cadence
    window: Window
    retention: Retention
    longest: Longest
    analysis: AnalysisPlan
    costs: Costs
    themes: tuple[ThemePlan, ...]
    wordings: Mapping[str, Wording]

    @field_validator("*")
    @classmethod
    def _note(cls, value: object, info: ValidationInfo) -> object:
        """Keeps each sound section, so that a fault in another hides no rule broken here."""
        if info.context is not None:
            info.context[info.field_name] = value
        return value

    @property
    def longest_text(self) -> int:
        """Septets of the longest text that can be sent."""
        values = self.longest.model_dump()
        return max(septets(filled(wording.text, values)) for wording in self.wordings.values())


@cache
def load(version: str) -> Protocol:
    """The protocol of that version."""
    return read(FOLDER / f"{version}.toml")


def read(path: Path, *, version: str | None = None) -> Protocol:
    """
    The protocol in that file; refused with every problem in it, each with its line.

    Its version is the name of the file or, for a copy under another name, the one given.
    """
    try:
        content = path.read_bytes()
        text = content.decode()
        data = tomllib.loads(text)
    except OSError as error:
        raise ProtocolError(f"{path.name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProtocolError(f"{path.name}, line {line}: not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{path.name}: {error}") from error

    problems = [Problem(("sha256",), "is worked out, not stated")] if "sha256" in data else []
    sound = {"stem": version or path.stem} | _texts(data)
    try:
        protocol = Protocol.model_validate(
            data | {"sha256": hashlib.sha256(content).hexdigest()}, context=sound
        )
    except ValidationError as error:
        problems += [Problem(fault["loc"], fault["msg"]) for fault in error.errors()]
    problems += broken_rules(sound)
    if problems:
        found = lines(text)
        reports = sorted((nearest(found, at), ".".join(map(str, at)), why) for at, why in problems)
        raise ProtocolError(
            "\n".join(f"{path.name}, line {n}: {at}: {why}" for n, at, why in reports)
        )
    return protocol


def _texts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Which wordings there are, and their texts as they stand: a bad entry hides no other."""
    wordings = data.get("wordings")
    if not isinstance(wordings, dict):
        return {}
    texts = {key: entry.get("text") for key, entry in wordings.items() if isinstance(entry, dict)}
    return {
        "present": wordings.keys(),
        "texts": {key: text for key, text in texts.items() if isinstance(text, str)},
    }


def main(arguments: Sequence[str]) -> int:
    """Checks the files; exit code 1 if one of them is no protocol."""
    refused = 0
    for path in map(Path, arguments) if arguments else sorted(FOLDER.glob("*.toml")):
        try:
            protocol = read(path)
        except ProtocolError as error:
            refused = 1
            sys.stdout.write(f"{error}\n")
        else:
            drafts = sum(wording.draft for wording in protocol.wordings.values())
            sys.stdout.write(
                f"{protocol.version} sha256={protocol.sha256}"
                f" longest text {protocol.longest_text} septets,"
                f" drafts {drafts} of {len(protocol.wordings)}\n"
            )
    return refused


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
