"""Shares measured over made-up trials, shown beside the test that measured them (`pytest -v`)."""

from collections.abc import Callable

import pytest


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str, float], float]:
    """Note a share of trials under a name, and hand it on."""

    def note(name: str, share: float) -> float:
        record_property(name, share)
        return share

    return note


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """After `PASSED`, what was measured."""
    if report.when != "call" or not report.passed or not report.user_properties:
        return None
    shares = ", ".join(f"{name} {100 * share:.2f} %" for name, share in report.user_properties)  # type: ignore[operator]
    return "passed", ".", f"PASSED ({shares})"
