"""The subject access request: all that is held about one person, and nothing about others."""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from commands.audit import subject_access
from commands.audit.subject_access import Holdings
from retention import handler
from tests.support.deployed import STACK, of_policy
from tests.support.faults import hooked
from tests.support.life import ARREST, audit_of, follow, followed, report_change
from tests.support.policies import rights
from tests.support.samples import LONDON, MORNING, TABLE, sample
from tests.support.steps import UNHURRIED, fire, someone_in
from tests.support.table import enrolment_of, everything, identifiers_of, keep, reminder_of
from trial.aws import clients
from trial.aws.kms import MacKey, SealKey
from trial.codes import Arm
from trial.config import EnrolmentSettings, settings
from trial.records.receipt import OptOut, opt_out_key

HIM, OTHER = "durham/2003/0000001W", "+447700900777"


@pytest.fixture
def printed(
    cloud: dict[str, str],  # noqa: ARG001 - there must be one
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Any]:
    """What the command prints."""
    told = settings(EnrolmentSettings)
    identity = MacKey(clients.kms(), told.identity_key_id)
    place = Holdings(
        clients.dynamodb(), TABLE, identity, SealKey(clients.kms(), told.sealing_key_id)
    )
    monkeypatch.setattr(subject_access, "placed", lambda _: (place, "officer"))

    def call(*arguments: str) -> Any:
        capsys.readouterr()
        subject_access.main(arguments)
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def his(printed: Callable[..., Any]) -> UUID:  # noqa: ARG001 - AWS first
    person = {"person_id": "2003/0000001W"}
    first = followed(1, protected_numbers=[OTHER])
    followed(2, respondent=person)
    followed(3, mobile={"number": "+447700900001"})  # somebody else with his number
    report_change(first, "outcomes", ARREST)
    return first


@pytest.fixture
def texted(printed: Callable[..., Any], clock: Traveller) -> UUID:  # noqa: ARG001 - AWS first
    """Somebody whose first text was sent."""
    someone = someone_in(Arm.INTERVENTION)
    follow(someone)
    clock.move_to(reminder_of(someone, 1).due_at)
    assert fire(someone, 1) == "sent"
    return someone


def test_a_disclosure_has_each_order_of_the_person(printed: Callable[..., Any], his: UUID) -> None:
    answer = printed("--person", HIM)
    references = {each["enrolment"]["order"]["reference"] for each in answer["orders"]}
    assert references == {"DVPO-2026-000001", "DVPO-2026-000002"}
    first = next(each for each in answer["orders"] if each["enrolment_id"] == str(his))
    assert first["enrolment"]["mobile"]["number"] == "+447700900001"
    assert first["enrolment"]["respondent"]["date_of_birth"] == "1990-05-01"
    assert [each["reference"] for each in first["outcomes"]] == ["CRIME-77"]
    assert first["audit_trail"][0]["what"] in ("allocated", "enrolled")
    assert first["numbers"][0]["until"] == "2026-12-14"
    assert answer["person"]


def test_a_disclosure_shows_that_a_number_opted_out(printed: Callable[..., Any], his: UUID) -> None:
    (number,) = printed("--order", "durham/DVPO-2026-000001")["orders"][0]["numbers"]
    assert number["opted_out"] is None
    key = opt_out_key(enrolment_of(his).mobile.number_hash or "")
    keep(key, OptOut(at=MORNING, by="receipts"))
    (number,) = printed("--order", "durham/DVPO-2026-000001")["orders"][0]["numbers"]
    assert number["opted_out"]["at"] == f"{MORNING:%Y-%m-%dT%H:%M:%SZ}"


def test_a_disclosure_opens_each_seal_and_shows_none(
    printed: Callable[..., Any], his: UUID
) -> None:
    seals = (enrolment_of(his).mobile.sealed, enrolment_of(his).respondent.sealed)
    text = json.dumps(printed("--person", HIM))
    assert "sealed" not in text
    assert not [seal for seal in seals if seal and seal in text]


def test_a_letter_quotes_each_text_with_its_time_and_the_number_s_last_digits(
    printed: Callable[..., Any], texted: UUID, tmp_path: Path
) -> None:
    order, file = enrolment_of(texted).order, tmp_path / "letter.html"
    answer = printed("--order", f"{order.force}/{order.reference}", "--letter", str(file))
    reminders = answer["orders"][0]["reminders"]
    (sent,) = (each["text"]["message"] for each in reminders if "text" in each)
    page = unescape(file.read_text())
    assert f"<td>{sent}</td>" in page
    assert f"{reminder_of(texted, 1).due_at.astimezone(LONDON):%-d %B %Y, %H:%M}" in page
    assert f"your number ending {enrolment_of(texted).mobile.last_digits}" in page
    assert "You were drawn into the group that is sent texts." in page
    report_change(texted, "mobile", {"number": OTHER})
    printed("--order", f"{order.force}/{order.reference}", "--letter", str(file))
    assert "the number that we held then" in file.read_text()
    assert "ending 777" not in file.read_text()


def test_a_letter_to_somebody_in_control_says_that_nothing_was_sent(
    printed: Callable[..., Any], tmp_path: Path
) -> None:
    order = enrolment_of(someone_in(Arm.CONTROL)).order
    file = tmp_path / "letter.html"
    printed("--order", f"{order.force}/{order.reference}", "--letter", str(file))
    assert "We sent you no texts about this order." in file.read_text()
    assert "the group that is sent no texts" in file.read_text()


def test_an_access_officer_s_policy_allows_exactly_what_the_command_does(
    printed: Callable[..., Any], texted: UUID
) -> None:
    """AWS checks the key's use under the table's key in the caller's name: no call shows it."""
    names = {os.environ[f"{each}_KEY_ID"]: f"{each.title()}Key" for each in ("IDENTITY", "SEALING")}
    person = identifiers_of(texted)["person_id"]
    used = set()

    def note(model: Any, params: Any, **_: Any) -> None:
        resource, action = STACK.resolved({"Fn::GetAtt": ["Table", "Arn"]}), model.name
        if model.service_model.service_name == "kms":
            key = names[json.loads(params["body"])["KeyId"]]
            used.add((f"kms:{action}", STACK.resolved({"Fn::GetAtt": [key, "Arn"]})))
        elif action == "TransactWriteItems":
            used.add(("dynamodb:PutItem", resource))
        else:
            used.add((f"dynamodb:{action}", resource))

    with ExitStack() as hooks:
        for client in (clients.dynamodb(), clients.kms()):
            hooks.enter_context(hooked(client, "before-call", note))
        printed("--person", f"durham/{person}")
    own = STACK.resolved({"Fn::GetAtt": ["DataKey", "Arn"]})
    stack = STACK.resolved({"Ref": "AWS::StackId"})
    nested = f"{stack.rpartition('/')[0]}-*/*"
    by_hand = {
        ("kms:Decrypt", own),
        ("kms:GenerateDataKey", own),
        ("cloudformation:ListStackResources", stack),
        ("cloudformation:ListStackResources", nested),
    }
    assert used | by_hand == set(rights(of_policy("AccessOfficer")))


def test_a_disclosure_holds_nothing_about_others(printed: Callable[..., Any], his: UUID) -> None:
    answer = printed("--order", "durham/DVPO-2026-000001")
    (only,) = answer["orders"]
    assert only["enrolment_id"] == str(his)
    assert only["protected_numbers"] == 1
    text = json.dumps(answer)
    known = {key.pk.partition("#")[2] for key in everything() if key.pk.startswith("number#")}
    own = {each["number_hash"] for each in only["numbers"]}
    assert len(own) == 1
    assert not [number_hash for number_hash in known - own if number_hash in text]
    assert "DVPO-2026-000003" not in text


def test_a_disclosure_is_logged_before_it_is_shown(printed: Callable[..., Any], his: UUID) -> None:
    printed("--person", HIM)
    logged = "subject access consulted"
    assert [each["by"] for each in audit_of(his) if each["what"] == logged] == ["officer"]
    stored = [each for each in everything().values() if each.get("what") == logged]
    assert [each["why"] for each in stored] == ["consultation"] * 2


def test_an_order_is_found_by_its_reference_when_it_is_erased(
    printed: Callable[..., Any], his: UUID, clock: Traveller
) -> None:
    clock.move_to(MORNING + timedelta(days=110))
    handler.lambda_handler(sample("retention-nightly"), UNHURRIED)
    (only,) = printed("--order", "durham/DVPO-2026-000001")["orders"]
    assert only["enrolment_id"] == str(his)
    kept = {"age_band": "35-44", "sex": "male", "ethnicity": "W1", "language": "en"}
    assert only["enrolment"]["respondent"] == kept
    assert printed("--person", HIM)["orders"]


@pytest.mark.usefixtures("his")
@pytest.mark.parametrize(
    ("how", "who"), [("--person", "durham/A1234BC"), ("--order", "durham/DVPO-1")]
)
def test_nothing_is_logged_about_an_unknown_order(
    printed: Callable[..., Any], how: str, who: str
) -> None:
    before = everything()
    with pytest.raises(SystemExit, match="Nothing is held"):
        printed(how, who)
    assert everything() == before
