"""The script that reads the extract with R. Base R has no JSON: it is written from the schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEAD = """\
# Reads the research extract beside it: types, and codes as factors with their labels.
#
#   source("load.R")            # in the folder of the extract; or set `folder` before
#   table(enrolments$age_band)
#
# What each column means is in codebook.html, and in attr(enrolments$age_band, "label").
# Needs base R (4 or later), and nothing else.

if (!exists("folder")) folder <- "."

read_table <- function(path, types) {
  read.csv(gzfile(file.path(folder, path)), colClasses = types, na.strings = "",
           encoding = "UTF-8", check.names = FALSE)
}
"""
_TYPES = {"integer": "integer", "number": "numeric", "boolean": "logical"}


def script(resources: Iterable[Mapping[str, Any]]) -> str:
    """R code that makes a data frame of each resource, under its name."""
    return "\n".join([_HEAD, *(_table(each) for each in resources)])


def _table(resource: Mapping[str, Any]) -> str:
    name, fields = resource["name"], resource["schema"]["fields"]
    types = [
        f"{_text(each['name'])} = {_text(_TYPES.get(each['type'], 'character'))}" for each in fields
    ]
    lines = [f"{name} <- read_table({_text(resource['path'])}, c(", f"  {', '.join(types)}))"]
    for each in fields:
        column = f"{name}[[{_text(each['name'])}]]"
        if categories := each.get("categories"):
            codes, words = (
                ", ".join(_text(one[key]) for one in categories) for key in ("value", "label")
            )
            ordered = "TRUE" if each["categoriesOrdered"] else "FALSE"
            lines += [
                f"{column} <- factor({column}, levels = c({codes}),",
                f"  labels = c({words}), ordered = {ordered})",
            ]
        lines.append(f'attr({column}, "label") <- {_text(each["description"])}')
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A string of R: JSON's escapes are among its own."""
    return json.dumps(value, ensure_ascii=False)
