"""Pools the extracts of several forces, of one trial under one protocol."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from evaluation.package import PackageError, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from evaluation.package import Extract

TABLES = ("enrolments", "reminders", "outcomes", "missing", "versions")


def read_all(paths: Sequence[Path]) -> Extract:
    """
    The extracts in these folders or zip files, as one.

    Raises PackageError unless they share one form and one protocol, or if one is given twice.
    """
    extracts = [read(path) for path in paths]
    first = extracts[0]
    faults = []
    for path, each in zip(paths[1:], extracts[1:], strict=True):
        if each.form != first.form:
            faults.append(f"{path}: {each.form}, not {first.form} as {paths[0]}")
        if each.protocol.sha256 != first.protocol.sha256:
            faults.append(f"{path}: under another protocol than {paths[0]}")
    names = pd.concat([each.enrolments["enrolment"] for each in extracts])
    if again := int(names.duplicated().sum()):
        faults.append(f"{again} orders are in more than one of them")
    if faults:
        raise PackageError("\n".join(faults))
    frames = {
        name: pd.concat([getattr(each, name) for each in extracts], ignore_index=True)
        for name in TABLES
    }
    sources = [
        str(place) for place, each in enumerate(extracts, start=1) for _ in each.enrolments.index
    ]
    frames["enrolments"]["source"] = sources
    return replace(
        first,
        extracted_at=min(each.extracted_at for each in extracts),
        minimum=max(each.minimum for each in extracts),
        sha256=tuple(digest for each in extracts for digest in each.sha256),
        made_up=any(each.made_up for each in extracts),
        **frames,
    )
