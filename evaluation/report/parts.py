"""What a report is made of. Page and JSON are both made from these, so they cannot differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph: what was found, a caution, or a warning."""

    text: str
    kind: Literal["plain", "note", "warning"] = "plain"


@dataclass(frozen=True, slots=True)
class ReportTable:
    """
    Cells as they are read; the first of a row names it.

    `note` tells the denominators, `words` that the other cells are no figures, `folded` that all
    is in a picture already.
    """

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    words: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, with what it shows for those who cannot see it."""

    caption: str
    svg: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """How something was worked out, and who says that this is how."""

    name: str
    source: str


@dataclass(slots=True)
class Section:
    """
    One numbered part of the report, with its figures as numbers.

    `consort` has the items of the CONSORT 2025 checklist that it is about: see `consort`.
    """

    id: str
    title: str
    consort: str = ""
    blocks: list[Words | ReportTable | Picture] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)
    departures: list[str] = field(default_factory=list)
    refused: str | None = None

    def say(self, text: str, kind: Literal["plain", "note", "warning"] = "plain") -> None:
        """Add a paragraph."""
        self.blocks.append(Words(text, kind))
