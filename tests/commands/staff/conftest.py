"""What the commands of staff call."""

from collections.abc import Iterator

import pytest

from commands.api import Api
from tests.support.served import served


@pytest.fixture
def api(cloud: dict[str, str]) -> Iterator[Api]:  # noqa: ARG001 - what it answers from
    with served() as api:
        yield api
