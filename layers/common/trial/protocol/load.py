"""
Reading a protocol file: valid as a whole, or refused with everything that is wrong in it.

The modules of this package depend on one another one way: settings, which knows none of the
others; timetable and wording; rules; load.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trial.errors import RejectedError
from trial.protocol.lines import lines, nearest
from trial.protocol.rules import Problem, broken_rules
from trial.protocol.settings import Protocol

FOLDER = Path(__file__).parent / "protocols"  # tests have one of their own


class ProtocolError(RejectedError):
    """The file is no protocol: the message has a line for every problem."""


def versions() -> list[str]:
    """Every protocol that there is a file of, in order of its name."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def path_of(version: str) -> Path:
    """The file of that version."""
    return FOLDER / f"{version}.toml"


@cache
def load(version: str) -> Protocol:
    """The protocol of that version."""
    return read(path_of(version))


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
