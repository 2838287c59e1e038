"""What the documents name is there."""

import re

import pytest

from tests.support.samples import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
each_document = pytest.mark.parametrize("name", [str(each.relative_to(ROOT)) for each in DOCUMENTS])


@each_document
def test_every_target_of_make_that_a_page_names_exists(name: str) -> None:
    text = (ROOT / name).read_text()

    # In code: at the start of a line of a block, or between backticks, perhaps broken by a line.
    named = set(re.findall(r"(?:^|`)make\s+([a-z][a-z-]+)", text, re.MULTILINE))

    assert named <= TARGETS


@each_document
def test_every_file_that_a_page_links_to_exists(name: str) -> None:
    document = ROOT / name

    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text())

    assert [link for link in linked if not (document.parent / link).exists()] == []
