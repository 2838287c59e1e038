"""The parts of a report. Page and JSON are both made from these, so they cannot differ."""

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
    A table. The first cell of a row names it.

    `note` states the denominators. `words`: the other cells are words, not figures. `folded`: a
    picture already shows it all.
    """

    caption: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    words: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing, with a description for people who cannot see it."""

    caption: str
    svg: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Method:
    """A method and its source."""

    name: str
    source: str


@dataclass(slots=True)
class Section:
    """
    One numbered part of the report, with its figures as numbers.

    `consort` has the items of the CONSORT 2025 checklist that it covers: see `consort`.
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

    def table(
        self,
        caption: str,
        head: tuple[str, ...],
        rows: Sequence[tuple[str, ...]],
        note: str = "",
        *,
        words: bool = False,
        folded: bool = False,
    ) -> None:
        """Add a table."""
        self.blocks.append(ReportTable(caption, head, rows, note, words, folded))

    def picture(self, caption: str, svg: str, note: str = "") -> None:
        """Add a drawing."""
        self.blocks.append(Picture(caption, svg, note))
