"""The codebook: every column in words, as one self-contained page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAGE = """\
<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Codebook: {title}</title>
<style>
:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }}
body {{ max-width: 64rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; min-width: 34rem; width: 100%; }}
th, td {{ padding: .35rem .8rem .35rem 0; border-bottom: 1px solid #8885; text-align: left;
  vertical-align: top; }}
tbody th {{ font: .92rem ui-monospace, monospace; }}
ul {{ margin: .2rem 0 0; padding-left: 1.1rem; columns: 16rem; font-size: .92rem; }}
code {{ font-size: .92rem; }}
@media print {{ body {{ max-width: none; }} tr {{ break-inside: avoid; }} }}
</style>
</head>
<body>
<h1>Codebook</h1>
<p>{title}. Trial <code>{trial}</code>, protocol <code>{protocol}</code>
(SHA-256 <code>{protocol_sha256}</code>), {form} form, as of {extracted_at}.</p>
<p>Pseudonymised: no name, number, address, date of birth or date of an order is in it. Times are
days, counted from the moment that the column names. An empty cell is a missing value. Read it with
<code>load.py</code> (pandas, Stata) or <code>load.R</code> (R).</p>
{terms}
{resources}
</body>
</html>
"""


def page(package: Mapping[str, Any]) -> str:
    """The codebook of a package, from its description."""
    texts = {name: escape(value) for name, value in package.items() if isinstance(value, str)}
    return _PAGE.format(
        **texts, terms=_terms(package), resources="\n".join(map(_resource, package["resources"]))
    )


def _terms(package: Mapping[str, Any]) -> str:
    licences = [escape(each["title"]) for each in package.get("licenses", ())]
    people = [
        f"{escape(each['title'])} ({each['role']})" for each in package.get("contributors", ())
    ]
    lines = [f"Licence: {'; '.join(licences)}."] if licences else []
    lines += [f"Contributors: {'; '.join(people)}."] if people else []
    return f"<p>{' '.join(lines)}</p>" if lines else ""


def _resource(resource: Mapping[str, Any]) -> str:
    rows = "\n".join(_rows(resource["schema"]["fields"]))
    key = ", ".join(resource["schema"]["primaryKey"])
    return (
        f"<h2>{resource['name']}</h2>\n<p>{escape(resource['title'])}: "
        f"<code>{resource['path']}</code>. One row for each {escape(key)}.</p>\n"
        f'<div class="scroll" tabindex="0" role="group" aria-label="{resource["name"]}">\n'
        "<table>\n"
        '<thead><tr><th scope="col">Column</th><th scope="col">Type</th>'
        f'<th scope="col">Meaning</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>'
    )


def _rows(fields: list[Mapping[str, Any]]) -> Iterator[str]:
    for field in fields:
        codes = "".join(
            f"<li><code>{escape(each['value'])}</code> {escape(each['label'])}</li>"
            for each in field.get("categories", ())
        )
        kind = "code" if codes else field["type"]
        needed = "" if field["constraints"].get("required") else ", may be empty"
        yield (
            f'<tr><th scope="row">{field["name"]}</th><td>{kind}{needed}</td>'
            f"<td>{escape(field['description'])}{f'<ul>{codes}</ul>' if codes else ''}</td></tr>"
        )
