"""Functions and events are found by the names that people use for them."""

from pathlib import Path

import pytest

from local.emulator import invoke

DEPLOYED = {"SendingFunction": "dvpo-Sending-1", "ExtractFunction": "dvpo-Extract-2"}


@pytest.mark.parametrize("name", ["sending", "Sending", "SendingFunction"])
def test_a_function_is_found_by_its_short_name(name: str) -> None:
    assert invoke.function_named(name, DEPLOYED) == "dvpo-Sending-1"


def test_an_unknown_function_is_refused_with_a_list_of_the_known_ones() -> None:
    with pytest.raises(SystemExit, match=r"'posting'\. There are: extract, sending"):
        invoke.function_named("posting", DEPLOYED)


def test_an_event_is_found_with_or_without_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoke, "EVENTS", tmp_path)
    (tmp_path / "sending.json").write_text("{}")
    for name in ("sending", "sending.json", str(tmp_path / "sending.json")):
        assert invoke.event_named(name) == "{}"
    with pytest.raises(SystemExit, match=r"'posting'\. There are: sending\.json"):
        invoke.event_named("posting")
