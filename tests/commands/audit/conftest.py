"""Auditors' commands, run to their end."""

from collections.abc import Callable

import pytest

Run = Callable[..., tuple[object, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command: its exit code or last message, and what it prints."""

    def to_its_end(
        main: Callable[[tuple[str, ...]], object], *arguments: str
    ) -> tuple[object, str]:
        capsys.readouterr()
        status: object = 0
        try:
            main(arguments)
        except SystemExit as end:
            status = end.code
        return status, capsys.readouterr().out

    return to_its_end
