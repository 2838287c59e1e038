"""The package's description of its columns: a Table Schema, generated from the rows' model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extract.labels import ORDERED, label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extract.columns.base import Row

_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number"}


def table_schema(row: type[Row]) -> dict[str, Any]:
    """
    The columns of a resource, with their types, codes and meanings.

    As Data Package has it, versions 1 and 2: https://specs.frictionlessdata.io/table-schema/ and
    https://datapackage.org/standard/table-schema/, whose `categories` label the codes.
    """
    model = row.model_json_schema()
    fields = [
        _field(name, each, model.get("$defs", {})) for name, each in model["properties"].items()
    ]
    schema = {"fields": fields, "missingValues": [""], "primaryKey": list(row.key)}
    if row.resource != "enrolments":
        reference = {"resource": "enrolments", "fields": ["enrolment"]}
        schema["foreignKeys"] = [{"fields": ["enrolment"], "reference": reference}]
    return schema


def _field(name: str, schema: Mapping[str, Any], defined: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [_resolved(kind, defined) for kind in schema.get("anyOf", [schema])]
    present = [kind for kind in kinds if kind["type"] != "null"]
    first = present[0]
    constraints: dict[str, Any] = {}
    categories: list[dict[str, str]] = []
    if len(present) == len(kinds) and first["type"] != "array":
        constraints["required"] = True
    if first["type"] == "array":
        code = "|".join(_resolved(first["items"], defined)["enum"])
        constraints["pattern"] = f"({code})(;({code}))*"
    elif codes := list(dict.fromkeys(code for kind in present for code in kind.get("enum", ()))):
        constraints["enum"] = codes
        categories = [{"value": code, "label": label(code)} for code in codes]
    if "pattern" in first:
        # Without anchors: a pattern of Table Schema is about the whole value.
        constraints["pattern"] = first["pattern"].removeprefix("^").removesuffix("$")
    constraints |= {limit: first[limit] for limit in ("minimum", "maximum") if limit in first}
    field = {
        "name": name,
        "type": _TYPES.get(first["type"], "string"),
        "description": schema["description"],
        "constraints": constraints,
    }
    if categories:
        ordered = any(kind.get("title") in ORDERED for kind in present)
        field |= {"categories": categories, "categoriesOrdered": ordered}
    return field


def _resolved(kind: Mapping[str, Any], defined: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in kind:
        found: Mapping[str, Any] = defined[kind["$ref"].rpartition("/")[2]]
        return found
    return kind
