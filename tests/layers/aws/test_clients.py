"""The clients use Lambda's own botocore, if it is new enough."""

from collections.abc import Iterator

import botocore
import pytest

from trial.aws import clients


@pytest.fixture(autouse=True)
def cold() -> Iterator[None]:
    clients._session.cache_clear()  # noqa: SLF001 - as in a new process
    yield
    clients._session.cache_clear()  # noqa: SLF001


@pytest.mark.parametrize("version", ["1.35.68", "1.34.200", "0.99.0"])
def test_a_runtime_without_what_the_code_needs_fails_at_the_cold_start(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(botocore, "__version__", version)
    with pytest.raises(clients.OldRuntimeError, match=f"botocore is {version}, and 1.35.69"):
        clients._session()  # noqa: SLF001


@pytest.mark.parametrize("version", ["1.35.69", "1.36.0", "1.100.1", "2.0.0"])
def test_a_runtime_with_what_the_code_needs_is_accepted(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(botocore, "__version__", version)
    assert clients._session()  # noqa: SLF001
