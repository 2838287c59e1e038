"""The contract: kept in the repository, served by the API, and true to template and samples."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from commands.repository import openapi
from commands.repository.openapi import contract
from tests.support.life import ARREST, CUSTODY, RELEASE
from tests.support.routing import routes
from tests.support.samples import order, sample
from tests.support.steps import call

CONTRACT = contract()
PROBLEM = "#/components/schemas/Problem"
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in CONTRACT["paths"].items()
    for method, operation in operations.items()
}
each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS.values(), ids=[" ".join(each) for each in OPERATIONS]
)


def test_each_copy_in_the_repository_is_the_generated_contract() -> None:
    for file, text in openapi.files().items():
        assert file.read_text() == text, "renew it: make openapi"


@pytest.mark.usefixtures("cloud")
def test_the_api_serves_the_contract() -> None:
    assert call("GET", "/openapi.json").body == CONTRACT


def test_the_contract_is_valid_openapi_3_1() -> None:
    assert CONTRACT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(CONTRACT).validate()


def test_the_contract_has_exactly_the_template_s_routes() -> None:
    assert set(routes()) == set(OPERATIONS)


@pytest.mark.parametrize("function", openapi.ROUTERS)
def test_each_route_is_deployed_to_the_function_that_answers_it(function: str) -> None:
    answered = {
        (method.upper(), path)
        for path, methods in contract(function)["paths"].items()
        for method in methods
    }
    assert answered == {route for route, name in routes().items() if name == function}


@each_operation
def test_every_error_is_a_problem(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        kinds = {kind: each["schema"] for kind, each in answer["content"].items()}
        if status.startswith("2"):
            assert set(kinds) == {"application/json"}
        else:
            assert kinds == {"application/problem+json": {"$ref": PROBLEM}}


@each_operation
def test_every_route_may_be_refused_throttled_or_unavailable(operation: dict[str, Any]) -> None:
    expected = {"403", "422", "429", "503"}
    if "requestBody" in operation:
        expected |= {"413"}
    assert expected <= set(operation["responses"])


def test_a_route_about_one_enrolment_may_answer_not_found() -> None:
    for (_, path), operation in OPERATIONS.items():
        about_one = "{enrolment_id}" in path or path == "/orders"
        assert ("404" in operation["responses"]) == about_one, path


@pytest.mark.parametrize(
    ("route", "body"),
    [
        (("POST", "/enrolments"), json.loads(sample("api-enrol")["body"])),
        (("PUT", "/enrolments/{enrolment_id}/mobile"), {"missing_reason": "refused"}),
        (("PUT", "/enrolments/{enrolment_id}/service"), {"served_on": "2026-12-01"}),
        (("PUT", "/enrolments/{enrolment_id}/order"), order()["order"]),
        (
            ("POST", "/enrolments/{enrolment_id}/variation"),
            {"order": order()["order"], "varied_on": "2026-12-01", "by": "PC-1182"},
        ),
        (("POST", "/enrolments/{enrolment_id}/end"), CUSTODY),
        (("POST", "/enrolments/{enrolment_id}/resume"), RELEASE),
        (("POST", "/enrolments/{enrolment_id}/outcomes"), ARREST),
        (("PUT", "/sending"), {"paused": True, "reason": "review", "by": "Supt-1"}),
        (("POST", "/suppressions"), {"number": "+447700900123", "reason": "lost", "by": "PC-1"}),
    ],
    ids=str,
)
def test_the_contract_accepts_what_the_api_accepts_and_no_unknown_field(
    route: tuple[str, str], body: dict[str, Any]
) -> None:
    (kind,) = OPERATIONS[route]["requestBody"]["content"].values()
    checked = schema(kind["schema"])
    checked.validate(body)
    assert not checked.is_valid(body | {"nickname": "x"})


def schema(part: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """What checks a value against a part of the contract."""
    return jsonschema_rs.Draft202012Validator({"components": CONTRACT["components"], **part})


def test_every_call_is_signed_as_aws_signs() -> None:
    assert CONTRACT["security"] == [{"aws.auth.sigv4": []}]
    scheme = CONTRACT["components"]["securitySchemes"]["aws.auth.sigv4"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")


def test_every_operation_has_its_own_id_and_a_description() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+([A-Z][a-z]+)+|enrol", each) for each in ids)
    assert all(operation["description"] for operation in OPERATIONS.values())


@each_operation
def test_every_request_and_every_good_answer_has_a_valid_example(operation: dict[str, Any]) -> None:
    answers = operation["responses"].items()
    parts = [answer["content"]["application/json"] for status, answer in answers if status < "3"]
    if "requestBody" in operation:
        parts.append(operation["requestBody"]["content"]["application/json"])
    for part in parts:
        schema(part["schema"]).validate(part["example"])


@each_operation
def test_every_answer_that_says_wait_says_how_long(operation: dict[str, Any]) -> None:
    for status in ("429", "503"):
        header = operation["responses"][status]["headers"]["Retry-After"]
        assert header["schema"]["type"] == "integer"


def test_no_answer_has_a_field_with_a_number_or_a_date_of_birth() -> None:
    shown = {name for name in CONTRACT["components"]["schemas"] if name.endswith("Out")}
    for name in shown - {"MobileOut", "ReminderOut"}:
        fields = set(CONTRACT["components"]["schemas"][name]["properties"])
        assert not fields & {"number", "date_of_birth", "person_id", "protected_numbers"}, name
