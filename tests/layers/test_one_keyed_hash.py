"""Only `trial.identity` hashes identifiers, and every text of a request is made canonical."""

import ast
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import AfterValidator, BaseModel

from enrolment import wire as upstream
from operations import wire as staff
from tests.support.samples import ROOT
from trial import identity, phone

ROOMS = ("functions", "layers/common/trial", "commands", "local")

MACS = {
    "functions/allocation/allocate.py": "the sequence of arms",
    "commands/audit/registration.py": "the commitment to the key of the sequence",
    "commands/audit/verify_allocations.py": "the sequence of arms, derived again",
    "commands/repair/recover.py": "the sequence of arms, to take back what was drawn",
    "functions/extract/pseudonyms.py": "the key of one trial's pseudonyms",
    "layers/common/trial/identity.py": "identifiers, in their canonical form",
}
"""Where KMS computes a MAC, and of what."""

HASHES = {
    "functions/allocation/randomisation.py": "bytes that a MAC is stretched to",
    "functions/audit/chain.py": "links of the exported trail",
    "functions/extract/package.py": "files of the extract",
    "functions/extract/pseudonyms.py": "ids that are keyed hashes already",
    "functions/extract/store.py": "lines of the extract",
    "layers/common/trial/identity.py": "a request, before its MAC",
    "layers/common/trial/protocol/load.py": "a protocol's file",
    "layers/common/trial/records/audit.py": "an outcome's key, so that a removal is found",
    "layers/common/trial/records/enrolment.py": "a number's seal, so that a swap is found",
    "layers/common/trial/protocol/wording.py": "a text that goes, so that it can be shown again",
    "layers/common/trial/protocol/timetable.py": "an enrolment's id, for the time of day",
}
"""Where deployed code hashes, and what: never an identifier of a person or a number."""


def modules(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for room in rooms:
        for file in sorted((ROOT / room).rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def calls(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
        for node in ast.walk(tree)
    )


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_only_known_places_compute_a_mac() -> None:
    found = {file for file, tree in modules(*ROOMS) if calls(tree, "mac")}
    assert found == MACS.keys()


def test_only_known_places_of_the_deployed_code_compute_a_hash() -> None:
    found = {
        file
        for file, tree in modules("functions", "layers/common/trial")
        if imports(tree) & {"hashlib", "hmac"}
    }
    assert found == HASHES.keys()


def test_nothing_but_identity_and_phone_changes_the_spelling_of_an_identifier() -> None:
    found = {
        file
        for file, tree in modules("functions", "layers/common/trial")
        if calls(tree, "normalize") or calls(tree, "casefold")
    }
    # The lint looks for words in a protocol's wordings, and keeps nothing of what it respells.
    assert found == {"layers/common/trial/identity.py", "layers/common/trial/protocol/lint.py"}


def requests() -> Iterator[type[BaseModel]]:
    for module in (upstream, staff):
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, BaseModel):
                yield model


def texts(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """What goes with each text that an annotation allows."""
    if annotation is str:
        yield metadata
    for inner in get_args(annotation):
        yield from texts(inner, (*metadata, *getattr(annotation, "__metadata__", ())))


@pytest.mark.parametrize("model", [*requests()], ids=lambda model: model.__name__)
def test_every_text_of_a_request_is_made_canonical(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        for metadata in texts(field.annotation, tuple(field.metadata)):
            made = {each.func for each in metadata if isinstance(each, AfterValidator)}
            canonical = {
                each for each in made if each.__module__ in (identity.__name__, phone.__name__)
            }
            assert canonical, f"{model.__name__}.{name} is taken as it is spelled"
