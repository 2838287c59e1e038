"""What the Makefile calls, without calling it."""

import os
import subprocess

import pytest

from tests.support.samples import ROOT

AS_IF_READY = ("-o.venv/ready", "-o.venv-local/ready", "-o.venv-evaluation/ready")


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Make, with nothing of a make that runs these tests."""
    mine = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=ROOT, env=mine, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("main", "evaluation", "failed"),
    [(0, 0, False), (1, 0, True), (0, 1, True), (1, 1, True)],
)
def test_every_suite_runs_even_if_another_fails(
    main: int, evaluation: int, *, failed: bool
) -> None:
    done = make(
        *AS_IF_READY,
        "test",
        f"DEV=sh -c 'echo main; exit {main}'",
        f"EVALUATION=sh -c 'echo evaluation; exit {evaluation}'",
    )

    assert done.stdout.split() == ["main", "evaluation"]
    assert bool(done.returncode) == failed


@pytest.mark.parametrize(
    ("test", "python", "made"),
    [
        ("tests/infra/test_template.py", ".venv/bin/python", [".venv"]),
        (
            "tests/emulator/test_deploy.py::test_x[a b]",
            ".venv/bin/python",
            [".venv", ".venv-local"],
        ),
        ("tests/evaluation/test_power.py", ".venv-evaluation/bin/python", [".venv-evaluation"]),
    ],
)
def test_one_test_runs_in_the_environment_that_it_needs(
    test: str, python: str, made: list[str]
) -> None:
    done = make("--dry-run", "test-one", f"TEST={test}")

    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines if "make-environment" in line] == made
    assert lines[-1].startswith(f"{python} -m pytest")
    assert f'"{test}"' in lines[-1]


def test_without_a_name_no_test_runs() -> None:
    done = make("test-one")

    assert done.returncode == 2
    assert "Which test?" in done.stdout
