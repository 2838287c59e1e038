"""The panel of orders over the day's limit: who is held, and who admits them."""

import json
import re
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from pydantic import ValidationError

from enrolment.handler import lambda_handler as enrolment
from operations.panels.handler import lambda_handler as panels
from tests.support.faults import meddling, raising, refusal
from tests.support.invoking import enrolment_answers
from tests.support.life import QUASHED, audit_of, report_change
from tests.support.samples import sample
from tests.support.steps import CONTEXT, enrol
from tests.support.table import enrolment_of
from trial.aws import clients
from trial.codes import Status
from trial.errors import UnavailableError

NAME = "Insp Siân D'Arcy"


@pytest.fixture(autouse=True)
def _limit(configure: Callable[..., None]) -> Iterator[None]:
    configure(ORDERS_PER_DAY="1")
    with enrolment_answers():
        yield


@pytest.fixture
def held() -> UUID:
    enrol(1)
    return enrol(2)


def drawn(admit: UUID | None = None, **form: str) -> str:
    event = sample("panel-waiting") | {"panel": "held"}
    event |= {"act": "admit", "enrolment_id": str(admit)} if admit else {}
    event["widgetContext"]["forms"] = {"all": form}
    return panels(event, CONTEXT)


def test_an_order_over_the_limit_is_shown_with_its_own_button(held: UUID) -> None:
    (params,) = re.findall(r'confirmation="Admit durham/DVPO-2026-000002\?[^>]*>(.*?)<', drawn())
    assert json.loads(params) == {"panel": "held", "act": "admit", "enrolment_id": str(held)}


def test_a_click_admits_the_order_under_the_given_name_and_the_invocation(held: UUID) -> None:
    assert "No order is held." in drawn(held, by=NAME)
    assert enrolment_of(held).status is Status.ELIGIBLE
    trail = {each["what"]: each["by"] for each in audit_of(held)}
    invocation = f"dashboard, invocation {CONTEXT.aws_request_id}"
    assert trail["admitted"] == f"{invocation}, as {NAME}"


@pytest.mark.parametrize("name", ["", "<b>", "x" * 200])
def test_without_a_name_nobody_is_admitted(held: UUID, name: str) -> None:
    html = drawn(held, by=name)
    assert 'role="alert">Your name is missing' in html
    assert "<b>" not in html
    assert enrolment_of(held).status is Status.WAITING


def test_an_order_that_can_no_longer_be_admitted_says_why(held: UUID) -> None:
    report_change(held, "end", QUASHED)
    assert 'role="alert"' in drawn(held, by=NAME)
    assert 'role="alert"' in drawn(UUID(int=7), by=NAME)


def test_the_panel_says_if_no_order_is_held() -> None:
    assert "No order is held." in drawn()


def test_nothing_is_admitted_if_enrolment_cannot_be_reached(held: UUID) -> None:
    moment = "provide-client-params.lambda.Invoke"
    too_many = raising(refusal("TooManyRequestsException", status=429))
    with meddling(clients.functions(), moment, too_many), pytest.raises(UnavailableError):
        drawn(held, by=NAME)
    assert enrolment_of(held).status is Status.WAITING


@pytest.mark.parametrize("left_out", ["enrolment_id", "by", "invocation"])
def test_enrolment_refuses_an_incomplete_admission(held: UUID, left_out: str) -> None:
    asked = {"enrolment_id": str(held), "by": NAME, "invocation": "1"}
    del asked[left_out]
    with pytest.raises(ValidationError):
        enrolment({"admit": asked}, CONTEXT)
    assert enrolment_of(held).status is Status.WAITING
