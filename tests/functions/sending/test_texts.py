"""What goes has been approved, and can be shown again to the byte."""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from commands.audit.texts import with_its_text
from sending.gateway import NotSentError
from tests.support.faults import before_publish, raising, refusal
from tests.support.fixture_protocol import VERSION
from tests.support.steps import fire, someone_in, texts
from tests.support.table import change_reminder, number_of, reminder_of
from trial.codes import Arm, Language, ReminderState
from trial.errors import RejectedError
from trial.protocol import load as protocols
from trial.records.reminder import TextSent

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def due(clock: Traveller) -> UUID:
    """Somebody in intervention, when the first reminder is due."""
    ident = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(ident, 1).due_at)
    return ident


@pytest.fixture
def drafts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The same protocol, before anybody has approved a wording of it."""
    agreed = protocols.path_of(VERSION).read_text()
    text = re.sub(r"^approvals = .*$", "approvals = []", agreed, flags=re.MULTILINE)
    (tmp_path / f"{VERSION}.toml").write_text(text)
    monkeypatch.setattr(protocols, "FOLDER", tmp_path)
    protocols.load.cache_clear()
    yield
    protocols.load.cache_clear()


@pytest.mark.usefixtures("drafts")
def test_no_draft_goes_to_the_public(due: UUID) -> None:
    with pytest.raises(RejectedError, match=r"wording C1-NC \(en\) is a draft"):
        fire(due, 1)
    assert texts() == []
    assert reminder_of(due, 1).state is ReminderState.PLANNED


@pytest.mark.usefixtures("drafts")
def test_a_draft_goes_on_a_stack_that_texts_nobody(
    due: UUID, configure: Callable[..., None]
) -> None:
    configure(ON_AWS="false")
    assert fire(due, 1) == "sent"


def test_what_makes_a_text_again_is_kept_with_it(due: UUID) -> None:
    assert fire(due, 1) == "sent"
    ((_, told),) = texts()
    assert reminder_of(due, 1).text == TextSent(
        wording="C1-NC",
        language=Language.EN,
        force="Durham Police",
        contact="101",
        expires_on=date(2026, 12, 14),
        sha256=hashlib.sha256(told.encode()).hexdigest(),
    )


def test_a_text_that_was_released_leaves_nothing_of_it(due: UUID) -> None:
    full = raising(refusal("Throttling", status=429))
    with before_publish(full), pytest.raises(NotSentError):
        fire(due, 1)
    assert reminder_of(due, 1).text is None


def shown(enrolment_id: UUID, **changes: Any) -> dict[str, Any]:
    item = with_its_text(reminder_of(enrolment_id, 1).item() | changes)
    found: dict[str, Any] = item["text"]
    return found


def test_what_was_sent_is_shown_again_to_the_byte(due: UUID) -> None:
    fire(due, 1)
    assert [(number_of(due), shown(due)["message"])] == texts()


def test_a_reminder_that_was_not_sent_has_no_text_to_show(due: UUID) -> None:
    assert "text" not in with_its_text(reminder_of(due, 1).item())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"protocol": "fixture-0"}, "No such file"),
        ({"protocol_sha256": "0" * 64}, "not the one under which it was sent"),
    ],
)
def test_a_text_whose_protocol_is_another_is_not_shown_and_why(
    due: UUID, changes: dict[str, str], why: str
) -> None:
    fire(due, 1)
    told = shown(due, **changes)
    assert told["message"] is None
    assert why in told["why"]


def test_a_text_that_comes_out_otherwise_is_not_shown(due: UUID) -> None:
    fire(due, 1)
    kept = reminder_of(due, 1).text
    assert kept
    change_reminder(due, 1, text=kept.model_copy(update={"force": "Cumbria Police"}))
    assert "differs from the one sent" in shown(due)["why"]
