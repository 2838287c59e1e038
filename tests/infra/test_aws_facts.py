"""The page of facts about AWS: the checks that it names exist, two of them in this file."""

import re

import pytest

from tests.support.samples import ROOT

PAGE = (ROOT / "docs/aws.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
CODE = [
    *(ROOT / "commands").rglob("*.py"),
    *(ROOT / "functions").rglob("*.py"),
    *(ROOT / "layers").rglob("*.py"),
]


def test_every_fact_about_aws_has_its_source_and_its_row() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 25
    assert all("https://" in source for _, _, source, _, _ in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"fact {row[0]}")
def test_the_checks_that_the_page_names_exist(row: tuple[str, ...]) -> None:
    file = ""
    for named in re.findall(r"`((?:tests/\S+)?(?:::\w+)?)`", row[3]):
        path, _, test = named.partition("::")
        file = path or file
        assert (ROOT / file).is_file(), file
        assert not test or f"def {test}(" in (ROOT / file).read_text(), test


def test_no_code_lists_only_the_first_hundred_resources() -> None:
    asking = [file for file in CODE if "describe_stack_resources(" in file.read_text()]
    assert asking == []


def test_schedules_are_listed_page_by_page() -> None:
    asking = [file for file in CODE if "list_schedules" in file.read_text()]
    assert asking
    for file in asking:
        assert 'get_paginator("list_schedules")' in file.read_text(), file
