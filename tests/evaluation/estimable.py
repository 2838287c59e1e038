"""For figures that a test expects to be there."""

from typing import TypeVar

from evaluation.statistics.values import NotEstimable

T = TypeVar("T")


def known(found: T | NotEstimable) -> T:
    """The figure; fails, and says why there is none, if it is not estimable."""
    assert not isinstance(found, NotEstimable), found
    return found
