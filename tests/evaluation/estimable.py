"""Takes a figure from a result that may hold none."""

from typing import TypeVar

from evaluation.statistics.values import NotEstimable

T = TypeVar("T")


def known(found: T | NotEstimable) -> T:
    """The figure. Fails with the reason if it is not estimable."""
    assert not isinstance(found, NotEstimable), found
    return found
