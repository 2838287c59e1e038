"""
Reads a protocol file: it is valid as a whole, or refused with every fault in it.

Imports in this package point one way: load, then rules, then timetable and wording, then settings.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from trial.codes import Language
from trial.errors import RejectedError
from trial.protocol.format_1 import upgraded
from trial.protocol.lines import Location, ProtocolProblem, lines, nearest
from trial.protocol.rules import RawText, broken_rules
from trial.protocol.settings import Protocol
from trial.rehearsal import real_trial

FOLDER = Path(__file__).parent / "protocols"  # tests use their own

CURRENT: Final = "dvpo-2027-1"
"""The protocol that is deployed and rehearsed by default."""

_KINDS: Final = ("even", "phased")
_WITHHELD: Final = "withheld_after_breach"


class ProtocolError(RejectedError):
    """The file is not a valid protocol: the message has a line for every problem."""


def versions() -> list[str]:
    """The version of every protocol file, in order of name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def of_trial(trial: str, opened: Protocol) -> Protocol:
    """
    The protocol of that trial: the open one, if it is the trial's own.

    An order stays in the trial that took it in, whichever is open now. Rehearsals follow the
    protocol of the trial that they rehearse.
    """
    protocol = opened if opened.trial == real_trial(trial) else latest_of(trial)
    return protocol if protocol.trial == trial else protocol.model_copy(update={"trial": trial})


def path_of(version: str) -> Path:
    """The file of that version."""
    return FOLDER / f"{version}.toml"


@cache
def load(version: str) -> Protocol:
    """The protocol of that version."""
    return read(path_of(version))


@cache
def latest_of(trial: str) -> Protocol:
    """The latest protocol of that trial, or of the trial that it rehearses."""
    for version in reversed(versions()):
        if (protocol := load(version)).trial == real_trial(trial):
            return protocol
    raise ProtocolError("there is no protocol of this trial")


def read(path: Path, *, version: str | None = None) -> Protocol:
    """
    The protocol in that file. Raises ProtocolError with every problem, each with its line.

    The file's name must be its version; for a copy under another name, give `version`.
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

    problems = [
        ProtocolProblem((key,), "is calculated: leave it out") for key in ("sha256",) if key in data
    ]
    problems += [
        ProtocolProblem(
            ("orders", name, _WITHHELD), "nothing that happens later changes which texts go"
        )
        for name, each in _tables(data.get("orders"))
        if _WITHHELD in each
    ]
    of_today = "format" in data
    if not of_today:
        with suppress(
            AttributeError, KeyError, TypeError
        ):  # then it lacks its format, among others
            data = upgraded(data)
    sound = {"stem": version or path.stem, "of_today": of_today} | _texts(data)
    try:
        protocol = Protocol.model_validate(
            data | {"sha256": hashlib.sha256(content).hexdigest()}, context=sound
        )
    except ValidationError as error:
        problems += [
            ProtocolProblem(_of_file(fault["loc"]), fault["msg"]) for fault in error.errors()
        ]
    problems += broken_rules(sound)
    if problems:
        found = lines(text)
        reports = sorted((nearest(found, at), ".".join(map(str, at)), why) for at, why in problems)
        raise ProtocolError(
            "\n".join(f"{path.name}, line {n}: {at}: {why}" for n, at, why in reports)
        )
    return protocol


def _of_file(at: Location) -> Location:
    """The keys as in the file: pydantic adds the kind of timetable that it tried."""
    return tuple(
        key
        for before, key in zip(("", *at), at, strict=False)
        if before != "timetable" or key not in _KINDS
    )


def _texts(data: Mapping[str, Any]) -> dict[str, Any]:
    """The wordings and their raw texts, so that a fault in one hides none in another."""
    present = {
        Language(language): wordings
        for language, wordings in _tables(data.get("wordings"))
        if language in set(Language)
    }
    texts = {
        language: {
            key: RawText(entry["text"], entry.get("unicode_parts"))
            for key, entry in _tables(wordings)
            if isinstance(entry.get("text"), str)
        }
        for language, wordings in present.items()
    }
    return {"present": present, "texts": texts}


def _tables(data: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables in a table, if it is one."""
    if isinstance(data, dict):
        yield from ((key, each) for key, each in data.items() if isinstance(each, dict))
