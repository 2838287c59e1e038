"""Redocly and Spectral pass the contract, and their lock file names no registry."""

import json
from subprocess import CompletedProcess
from typing import Any

import pytest

from commands.repository import lint_contract
from tests.support.samples import ROOT

LOCK: dict[str, Any] = json.loads((ROOT / "requirements/node/package-lock.json").read_text())


def said(text: str, code: int = 0) -> "CompletedProcess[str]":
    return CompletedProcess([], code, text, "")


@pytest.mark.parametrize(
    ("done", "passes"),
    [
        (said("Your API description is valid."), True),
        (said("You have 1 warning."), False),
        (said("23 problems (0 errors, 23 Warnings)"), False),
        (said("", code=1), False),
    ],
)
def test_a_contract_without_errors_and_warnings_passes(
    done: "CompletedProcess[str]", *, passes: bool
) -> None:
    assert lint_contract.passes(done) == passes


def test_each_node_package_is_pinned_by_a_hash_and_names_no_registry() -> None:
    packages = {name: each for name, each in LOCK["packages"].items() if name}
    assert len(packages) > 100
    assert not [name for name, each in packages.items() if "integrity" not in each]
    assert not [name for name, each in packages.items() if "resolved" in each]


def test_the_lock_file_pins_the_packages_in_package_json() -> None:
    asked = json.loads((ROOT / "requirements/node/package.json").read_text())
    assert LOCK["packages"][""]["devDependencies"] == asked["devDependencies"]
