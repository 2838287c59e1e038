"""The walk-throughs of docs/architecture.md and README's tree match the code; names are unique."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from commands.repository.imports import modules
from tests.support.samples import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
README = (ROOT / "README.md").read_text()
ROOMS = ("commands", "evaluation", "functions", "infra", "layers", "local")
"""Where a change of behaviour is made; prose, tests and pins follow from it."""

_PROTOCOLS = "layers/common/trial/protocol/protocols/"
_READABLE = {".css", ".html", ".jinja", ".json", ".py", ".toml", ".yaml"}


class WalkThrough(NamedTuple):
    """One change: an example of it that is there already, and the files that it names."""

    title: str
    example: str
    files: tuple[str, ...]


def _walk_throughs() -> list[WalkThrough]:
    _, _, changes = PAGE.partition("## Seven changes")
    found = []
    for part in changes.split("\n### ")[1:]:
        title, _, body = part.partition("\n")
        example = re.match(r"\[`(.+)`\]", body)
        assert example, title
        files = tuple(re.findall(r"^- `([^`]+)`:", body, re.MULTILINE))
        found.append(WalkThrough(title, example[1], files))
    return found


WALK_THROUGHS = _walk_throughs()


def _standing(text: str) -> set[str]:
    """The files of the rooms that hold this text as a whole word."""
    word = re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")
    return {
        _place(path)
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.suffix in _READABLE and path.is_file() and word.search(path.read_text())
    }


def _place(path: Path) -> str:
    """A file's path; of a protocol its folder, for a change makes a new version."""
    name = path.relative_to(ROOT).as_posix()
    return _PROTOCOLS if name.startswith(_PROTOCOLS) else name


def test_there_is_a_walk_through_for_each_of_seven_changes() -> None:
    assert len(WALK_THROUGHS) == 7


@pytest.mark.parametrize("change", WALK_THROUGHS, ids=lambda change: change.title)
def test_a_change_touches_the_files_that_its_walk_through_names(change: WalkThrough) -> None:
    assert set(change.files) == _standing(change.example)


def test_every_file_that_the_page_names_is_there() -> None:
    named = set(
        re.findall(r"`((?:functions|layers|infra|local|commands|tests|docs)/[\w./-]+)`", PAGE)
    )
    assert named
    assert {each for each in named if not (ROOT / each).exists()} == set()


def test_the_tree_in_the_readme_is_the_tree() -> None:
    (tree,) = re.findall(r"```\n(functions/ .+?)```", README, re.DOTALL)
    folders = {"docs/", "events/", "requirements/", "tests/", *(f"{room}/" for room in ROOMS)}
    assert set(re.findall(r"^(\w+/)", tree, re.MULTILINE)) == folders
    assert {each for each in folders if not (ROOT / each).is_dir()} == set()
    for below in re.findall(r"\b[\w./]+/(?= |,|$|\n)", tree):
        assert any(
            (ROOT / start / below).is_dir() for start in ("", "layers/common/trial", *folders)
        ), below


def test_no_two_classes_have_the_same_name() -> None:
    definition = re.compile(r"^ *class (\w+)[(:]", re.MULTILINE)
    found = Counter(
        name for path in modules(ROOT).values() for name in definition.findall(path.read_text())
    )
    assert len(found) > 400
    assert [name for name, times in found.items() if times > 1] == []
