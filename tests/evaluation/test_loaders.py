"""The loaders in a package read it correctly into the analyst's own tools."""

import csv
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.evaluation.packages import enrolment, missing, outcome, trial, version, written

ROWS = [
    *trial(control=(3, 6), treated=(1, 6), without=4),
    enrolment(501, ethnicity=None, prior_incidents="three_to_five", first_order=True),
    outcome(501, type="harm", harm="threat", instrument=None, same_protected_person=False),
    missing(501, after_allocation=True, days_resolved=3.5, resolved_how="solicitor"),
    version(501),
    version(501, version=2, days_from=9.5, days_to_report=2, days=40),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path, ROWS)


def cells(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", newline="") as file:
        return list(csv.DictReader(file))


def fields(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    resources = json.loads((folder / "datapackage.json").read_text())["resources"]
    (resource,) = (each for each in resources if each["name"] == name)
    return {field["name"]: field for field in resource["schema"]["fields"]}


def ran(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_told(value: object, field: dict[str, Any]) -> object:
    """What a cell should be read as."""
    if value == "":
        return None
    if labels := {each["value"]: each["label"] for each in field.get("categories", ())}:
        return labels[str(value)]
    match field["type"]:
        case "boolean":
            return value == "true"
        case "integer":
            return int(str(value))
        case "number":
            return float(str(value))
        case _:
            return value


SHOW_PY = """
import load
for name, frame in load.tables().items():
    kinds = {n: str(k) for n, k in frame.dtypes.items()}
    rows = [{n: None if v is None or v != v or str(v) == '<NA>' else
             v.item() if hasattr(v, 'item') else v for n, v in row.items()}
            for row in frame.astype(object).to_dict('records')]
    import json
    print(json.dumps([name, kinds, rows]))
"""


def test_load_py_reads_every_value_with_its_type_and_label(folder: Path) -> None:
    lines = ran(sys.executable, "-c", SHOW_PY, folder=folder).splitlines()
    read = {name: (kinds, rows) for name, kinds, rows in map(json.loads, lines)}
    assert read.keys() == {"enrolments", "reminders", "outcomes", "missing", "versions"}
    for name, (kinds, rows) in read.items():
        described = fields(folder, name)
        assert rows == [
            {column: as_told(text, described[column]) for column, text in row.items()}
            for row in cells(folder, name)
        ]
        for column, field in described.items():
            coded = "category" if "categories" in field else None
            typed = {"boolean": "boolean", "integer": "Int64", "number": "float64"}
            assert kinds[column] == coded or typed.get(field["type"], "string") == kinds[column]


def test_load_py_writes_stata_files_with_labels(folder: Path, tmp_path: Path) -> None:
    ran(sys.executable, "load.py", "--stata", str(tmp_path / "stata"), folder=folder)
    with pd.read_stata(tmp_path / "stata/enrolments.dta", iterator=True) as reader:
        labels, values = reader.variable_labels(), reader.value_labels()
        frame = reader.read()
    assert labels["age_band"] == "Age at enrolment, in whole years."
    assert "18 to 24" in values["age_band"].values()
    assert len(frame) == len(cells(folder, "enrolments"))
    assert set(frame["allocated"]) == {0.0, 1.0}


SHOW_R = """
source("load.R")
shown <- list()
for (name in c("enrolments", "reminders", "outcomes", "missing", "versions")) {
  frame <- get(name)
  shown[[name]] <- lapply(frame, function(column)
    list(kind = class(column)[1], meaning = attr(column, "label"), values = as.character(column)))
}
for (name in names(shown)) for (column in names(shown[[name]])) {
  each <- shown[[name]][[column]]
  cat(name, column, each$kind, each$meaning,
      paste(ifelse(is.na(each$values), "", each$values), collapse = "|"), sep = "\\t")
  cat("\\n")
}
"""


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="there is no R on this machine")
def test_load_r_reads_every_value_with_its_type_label_and_meaning(folder: Path) -> None:
    lines = ran("Rscript", "--vanilla", "-e", SHOW_R, folder=folder).splitlines()
    kinds = {"boolean": "logical", "integer": "integer", "number": "numeric"}
    seen = 0
    for line in lines:
        name, column, kind, meaning, values = line.split("\t")
        field = fields(folder, name)[column]
        coded = "ordered" if field.get("categoriesOrdered") else "factor"
        expected = coded if "categories" in field else kinds.get(field["type"], "character")
        assert (kind, meaning) == (expected, field["description"])
        told = [as_told(row[column], field) for row in cells(folder, name)]
        for text, value in zip(values.split("|"), told, strict=True):
            if isinstance(value, bool) or value is None:
                assert text == {True: "TRUE", False: "FALSE", None: ""}[value]
            elif isinstance(value, int | float):
                assert float(text) == pytest.approx(value)
            else:
                assert text == value
        seen += 1
    assert seen == sum(len(fields(folder, name)) for name in
                       ("enrolments", "reminders", "outcomes", "missing", "versions"))  # fmt: skip
