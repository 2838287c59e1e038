"""The dashboard's live panels in a browser: waiting orders, the pause button, and accessibility."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Dialog, Locator, Page

    from tests.browser.conftest import ServedDashboard

MISSING = {"missing_reason": "seized_evidence", "recorded_by": "DC O'Neil"}
REASON, NAME = "wording under review", "Supt D'Arcy"


def panel(page: Page, title: str) -> Locator:
    """One panel of the dashboard, by its title."""
    return page.get_by_role("figure").filter(has=page.get_by_text(title, exact=True))


def answer(page: Page, *, accept: bool) -> list[str]:
    """Answer what the page asks from here on; what it asked."""
    asked: list[str] = []

    def on(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if accept else dialog.dismiss()

    page.on("dialog", on)
    return asked


def fill(sending: Locator) -> None:
    sending.get_by_label("Reason").fill(REASON)
    sending.get_by_label("Your name").fill(NAME)


@pytest.fixture(autouse=True)
def on(system: ServedDashboard) -> None:
    """Each test finds sending on."""
    system.call("PUT", "/sending", {"paused": False, "reason": "a test begins", "by": "tests"})


def test_the_waiting_list_shrinks_when_a_number_is_found(
    system: ServedDashboard, page: Page
) -> None:
    found = system.enrol(11, **MISSING)
    system.enrol(12, **MISSING)
    page.goto(system.url)
    waiting = panel(page, "Worklist")
    expect(waiting.get_by_text("DVPO-2026-000011")).to_be_visible()
    system.call("PUT", f"/enrolments/{found}/mobile", {"number": "+447700900011"})
    waiting.get_by_role("button", name="Draw again").click()
    expect(waiting.get_by_text("DVPO-2026-000011")).to_have_count(0)
    expect(waiting.get_by_text("DVPO-2026-000012")).to_be_visible()


def test_a_confirmed_pause_pauses_sending(system: ServedDashboard, page: Page) -> None:
    page.goto(system.url)
    sending, asked = panel(page, "Sending"), answer(page, accept=True)
    fill(sending)
    sending.get_by_role("button", name="Pause sending").click()
    expect(sending.get_by_role("status")).to_contain_text(f"Sending is paused. Paused by {NAME}")
    assert [each.startswith("Pause sending for the whole trial?") for each in asked] == [True]
    shown = system.call("GET", "/sending")
    assert (shown["paused"], shown["reason"], shown["by"]) == (True, REASON, NAME)


def test_an_unconfirmed_click_does_nothing(system: ServedDashboard, page: Page) -> None:
    page.goto(system.url)
    sending, asked = panel(page, "Sending"), answer(page, accept=False)
    fill(sending)
    sending.get_by_role("button", name="Pause sending").click()
    assert len(asked) == 1
    assert system.call("GET", "/sending")["paused"] is False


def test_a_pause_without_a_name_says_what_is_missing_and_keeps_what_was_typed(
    system: ServedDashboard, page: Page
) -> None:
    page.goto(system.url)
    sending = panel(page, "Sending")
    answer(page, accept=True)
    sending.get_by_label("Reason").fill(REASON)
    sending.get_by_role("button", name="Pause sending").click()
    expect(sending.get_by_role("alert")).to_contain_text("Your name")
    expect(sending.get_by_label("Reason")).to_have_value(REASON)
    assert system.call("GET", "/sending")["paused"] is False


def test_a_pause_works_by_keyboard_alone(system: ServedDashboard, page: Page) -> None:
    page.goto(system.url)
    sending = panel(page, "Sending")
    answer(page, accept=True)
    sending.get_by_label("Reason").focus()
    page.keyboard.type(REASON)
    page.keyboard.press("Tab")
    page.keyboard.type(NAME)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(sending.get_by_role("status")).to_contain_text("Sending is paused.")


@pytest.fixture
def over_the_limit(system: ServedDashboard) -> Iterator[str]:
    """An order that is held."""
    system.limit(0)
    yield system.enrol(499)
    system.limit(1000)


def test_an_order_over_the_day_s_limit_is_admitted_by_name(
    system: ServedDashboard, page: Page, over_the_limit: str
) -> None:
    page.goto(system.url)
    held, asked = panel(page, "Orders held"), answer(page, accept=True)
    row = held.get_by_role("row").filter(has_text="DVPO-2026-000499")
    row.get_by_role("button", name="Admit").click()
    expect(held.get_by_role("alert")).to_contain_text("Your name is missing")
    held.get_by_label("Your name").fill(NAME)
    row.get_by_role("button", name="Admit").click()
    expect(held.get_by_text("DVPO-2026-000499")).to_have_count(0)
    assert [each.startswith("Admit durham/DVPO-2026-000499?") for each in asked] == [True, True]
    shown = system.call("GET", f"/enrolments/{over_the_limit}")
    assert shown["status"] in ("eligible", "allocated")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_axe_finds_no_accessibility_fault(
    system: ServedDashboard, browser: Browser, scheme: Literal["light", "dark"], width: int
) -> None:
    system.enrol(13, **MISSING)
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    )
    page = context.new_page()
    page.goto(system.url)
    expect(panel(page, "Worklist").locator(".dvpo")).to_have_class(
        "dvpo dark" if scheme == "dark" else "dvpo light"
    )
    found: Any = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_nothing_overflows_a_narrow_window(system: ServedDashboard, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto(system.url)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    context.close()
