"""
Checks the direction of imports: there is no circle, and no import breaks the repository's rules.

The rules are in CONTRIBUTING.md. Imports for types only count too: readers follow them.
"""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ("functions", "layers/common")
"""Folders that are import roots; everything else is imported from the repository's root."""

MAY_IMPORT: Final = {
    "trial": {"trial"},
    "functions": {"trial"},  # and each function its own folder
    "commands": {"trial", "functions", "commands"},
    "local": {"trial", "functions", "commands", "evaluation", "local"},
    "evaluation": {"trial", "functions", "commands", "evaluation"},
    "tests": {"trial", "functions", "commands", "local", "evaluation", "tests"},
}
"""The top-level folders that a module of each folder may import."""

PURE: Final = (
    *("trial.codes", "trial.eligibility", "trial.errors", "trial.phone", "trial.planning"),
    "trial.protocol",
)
"""Pure modules, which use neither AWS nor the environment."""


def modules(root: Path) -> dict[str, Path]:
    """Every module of the repository, by its import name."""
    found = {}
    for room in ("functions", "layers/common/trial", "commands", "evaluation", "local", "tests"):
        for path in sorted((root / room).rglob("*.py")):
            base = next((root / each for each in SOURCES if room.startswith(each)), root)
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def graph(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """For each module, the modules of the repository that it imports."""
    return {
        name: {each for each in _named(ast.parse(path.read_text("utf-8")), files) if each != name}
        for name, path in files.items()
    }


def _named(tree: ast.AST, files: Iterable[str]) -> Iterator[str]:
    known = set(files)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield from [each for each in (inner, node.module) if each in known][:1]


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """A cycle of modules, each importing the next and the last the first; empty if none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def against_the_rules(
    imports: Mapping[str, Iterable[str]], files: Mapping[str, Path], root: Path
) -> Iterator[str]:
    """A sentence for each import that points the wrong way."""
    room = {name: _room(path.relative_to(root)) for name, path in files.items()}
    for name, imported in sorted(imports.items()):
        for other in sorted(imported):
            if room[other] == "functions" == room[name]:
                if name.split(".")[0] != other.split(".")[0]:
                    yield f"{name} imports {other}: functions never import each other"
                elif other.endswith(".handler"):
                    yield f"{name} imports {other}: a handler imports the rest, never the reverse"
            elif name.startswith(PURE) and other.startswith(("trial.aws", "trial.config")):
                yield f"{name} imports {other}: a pure module decides only from its arguments"
            elif room[other] not in MAY_IMPORT[room[name]]:
                yield f"{name} imports {other}: {room[name]} may not import {room[other]}"


def _room(path: Path) -> str:
    return "trial" if path.parts[0] == "layers" else path.parts[0]


def main() -> None:
    """Exit with a list of every import that breaks the rules."""
    files = modules(ROOT)
    imports = graph(files)
    problems = [*against_the_rules(imports, files, ROOT)]
    if found := circle(imports):
        problems.append(f"A circle: {' -> '.join(found)}")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(files)} modules: no circle, and every import points the right way.")


if __name__ == "__main__":
    main()
