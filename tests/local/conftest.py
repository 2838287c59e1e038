"""The demo uses the current protocol. Its tests use the fixture protocol instead."""

from collections.abc import Iterator

import pytest

from local.demo import orders
from tests.support.fixture_protocol import VERSION


@pytest.fixture(autouse=True, scope="session")
def _of_the_fixture() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(orders, "CURRENT", VERSION)
        yield
