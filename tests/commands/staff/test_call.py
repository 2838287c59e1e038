"""A body comes from the command line, or from a file."""

import argparse
from pathlib import Path

import pytest

from commands.staff.call import json_text


def test_a_body_is_sent_as_given() -> None:
    assert json_text('{"paused": true}') == {"paused": True}


def test_a_body_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "body.json"
    file.write_text('{"by": "PS O\'Brien"}', encoding="utf-8")
    assert json_text(f"@{file}") == {"by": "PS O'Brien"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@no-such-file.json", "cannot be read: No such file"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
    ],
)
def test_an_invalid_body_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=reason):
        json_text(text)
