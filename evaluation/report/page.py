"""The report as one self-contained page, and the same figures as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.report.consort import items
from evaluation.report.words import capital, plural
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from evaluation.package import Extract
    from evaluation.report.parts import Method, Section

_HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Interim:
    """An early look at results by arm: why, and when."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """The content of page and JSON."""

    extract: Extract
    interim: Interim | None
    doubts: list[str]
    tiles: list[tuple[str, str, str]]
    sections: list[Section]
    departures: list[str]

    @property
    def methods(self) -> list[Method]:
        """Each method once, in the order of use."""
        every = (method for section in self.sections for method in section.methods)
        return list(dict.fromkeys(every))


def html(report: Report) -> str:
    """The page."""
    return rendered(
        "page.html.jinja",
        report.sections,
        report=report,
        extract=report.extract,
        protocol=report.extract.protocol,
    )


def rendered(template: str, sections: Sequence[Section], **values: object) -> str:
    """Sections as one self-contained page. The template extends `base.html.jinja`."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["consort"] = items
    environment.filters["kind"] = lambda block: type(block).__name__
    environment.globals.update(plural=plural, capital=capital)
    css = (_HERE / "page.css").read_text()
    page: str = environment.get_template(template).render(values, sections=sections, css=css)
    return page


def as_json(report: Report) -> str:
    """
    The figures, to 10 significant digits; a figure that is not estimable has its reason instead.

    Processors differ in further digits, so that the same extract gives the same file on each.
    """
    extract = report.extract
    figures = {
        "title": extract.protocol.title,
        "trial": extract.protocol.trial,
        "protocol": extract.protocol.version,
        "protocol_sha256": extract.protocol.sha256,
        "form": extract.form,
        "extracted_at": extract.extracted_at.isoformat(),
        "extract_sha256": list(extract.sha256),
        "doubts": report.doubts,
        "interim": report.interim
        and {"reason": report.interim.reason, "at": report.interim.at.isoformat()},
        "departures": report.departures,
        "sections": {
            section.id: {
                "title": section.title,
                "consort_2025": section.consort,
                "refused": section.refused,
                "figures": section.figures,
                "methods": {method.name: method.source for method in section.methods},
            }
            for section in report.sections
        },
    }
    return json.dumps(plain(figures), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds, one kind a line
    """Figures as JSON holds them, to 10 significant digits."""
    if isinstance(value, NotEstimable):
        return {"cannot_be_said_because": value.because}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return float(f"{value:.10g}") if isinstance(value, float) else value
