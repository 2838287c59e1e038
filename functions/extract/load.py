"""
Reads the research extract beside it with pandas: types, and codes with their labels.

    import load
    tables = load.tables()            # {"enrolments": ..., "outcomes": ..., ...}

    python load.py --stata FOLDER     # .dta files, with labels of variables and of values

What each column means is in codebook.html. Needs pandas 2 or later, and nothing else.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).parent
TYPES = {"integer": "Int64", "number": "float64", "boolean": "boolean"}
LONGEST_LABEL = 80
"""Characters that Stata allows in a variable's label."""


def resources(folder: Path) -> list[dict[str, Any]]:
    """The tables as datapackage.json describes them."""
    described: dict[str, Any] = json.loads((folder / "datapackage.json").read_text("utf-8"))
    found: list[dict[str, Any]] = described["resources"]
    return found


def tables(folder: Path = HERE, *, labels: bool = True) -> dict[str, pd.DataFrame]:
    """Every table by its name. With labels, codes are shown in words; without, as they are."""
    return {each["name"]: table(folder, each, labels=labels) for each in resources(folder)}


def table(folder: Path, resource: dict[str, Any], *, labels: bool = True) -> pd.DataFrame:
    """One table. Codes become categories, in the order of the codebook."""
    frame = pd.read_csv(folder / resource["path"], dtype=str, keep_default_na=False)
    for field in resource["schema"]["fields"]:
        values = frame[field["name"]].replace("", pd.NA)
        if field["type"] == "boolean":
            values = values.map({"true": True, "false": False})
        elif field["type"] != "string":
            values = pd.to_numeric(values)
        if categories := field.get("categories"):
            codes = [each["value"] for each in categories]
            words = [each["label"] for each in categories]
            column = pd.Categorical(values, codes, ordered=field["categoriesOrdered"])
            values = column.rename_categories(words) if labels else column
        else:
            values = values.astype(TYPES.get(field["type"], "string"))
        frame[field["name"]] = values
    return frame


def to_stata(folder: Path, target: Path) -> None:
    """A .dta file for each table. Stata has no truth values: they become 0 and 1."""
    target.mkdir(parents=True, exist_ok=True)
    for resource in resources(folder):
        frame = table(folder, resource)
        for name, kind in frame.dtypes.items():
            if str(kind) in ("boolean", "Int64"):
                frame[name] = frame[name].astype("float64")
            elif str(kind) == "string":
                frame[name] = frame[name].fillna("").astype(object)
        meanings = {
            field["name"]: field["description"][:LONGEST_LABEL]
            for field in resource["schema"]["fields"]
        }
        path = target / f"{resource['name']}.dta"
        frame.to_stata(path, write_index=False, version=118, variable_labels=meanings)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--stata", metavar="FOLDER", type=Path, help="where .dta files go")
    wanted = parser.parse_args()
    if wanted.stata:
        to_stata(HERE, wanted.stata)
    else:
        for title, found in tables().items():
            print(f"{title}: {len(found)} rows, {len(found.columns)} columns")  # noqa: T201
