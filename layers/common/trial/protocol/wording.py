"""Chooses and fills in the wording of a text, within the protocol's limits."""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from trial.codes import Condition, Language
from trial.errors import RejectedError
from trial.protocol.alphabet import WordingError, check
from trial.protocol.dates import longest_date, written
from trial.protocol.settings import Protocol

PLACEHOLDER: Final = re.compile(r"\{(force|expiry_date|contact)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The force's name in texts, and the staffed number that they give."""

    force: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The recipient's order, and the language of their texts."""

    order_type: str
    conditions: Collection[Condition]
    expires_on: date | None
    language: Language = Language.EN


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text, and the key of its wording."""

    wording: str
    message: str

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in UTF-8."""
        return hashlib.sha256(self.message.encode()).hexdigest()


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in; placeholders inside values are left alone."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def longest_values(protocol: Protocol, language: Language) -> dict[str, str]:
    """The longest value of each placeholder in this language."""
    return protocol.longest.model_dump() | {"expiry_date": longest_date(language)}


def render(
    protocol: Protocol, theme: str, *, turn: int, about: Recipient, sender: Sender
) -> Rendered:
    """
    The text to send; it states nothing that the order does not.

    Raises WordingError if these values make it longer than the protocol allows.
    """
    order_type = protocol.order_type(about.order_type)
    ends = about.expires_on is not None
    key = order_type.wording_of(theme, turn, about.conditions, ends=ends)
    return again(protocol, key, language=about.language, sender=sender, expires_on=about.expires_on)


def again(
    protocol: Protocol,
    key: str,
    *,
    language: Language,
    sender: Sender,
    expires_on: date | None,
) -> Rendered:
    """A wording filled in: the same arguments always give the same text, byte for byte."""
    if language not in protocol.wordings:
        raise RejectedError(f"no texts in this language: there are {', '.join(protocol.wordings)}")
    wording = protocol.wordings[language][key]
    values = {"force": sender.force, "contact": sender.contact}
    if expires_on is not None:
        values["expiry_date"] = written(expires_on, language)
    message = filled(wording.text, values)
    try:
        check(message, wording.unicode_parts)
    except WordingError as error:
        raise WordingError(f"{key}: {error}") from None
    return Rendered(key, message)
