"""The running API answers every signed request as its contract says."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import pytest
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from commands.deployed_stack import LocalStack
from commands.repository.openapi import contract
from local.emulator.clock import settle
from tests.emulator.conftest import System, made
from tests.support.life import ARREST, CUSTODY, RELEASE
from tests.support.spellings import dialled, spelled

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("shared")]

CASES = int(os.environ.get("CONTRACT_CASES", "200"))
"""At least so many requests; `make contract` makes it 5,000."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
PLACES = st.integers(0, 10_000)
POSITIVE = GenerationMode.POSITIVE


@pytest.fixture(scope="module")
def stack(shared_stack: LocalStack) -> LocalStack:
    return shared_stack


class Signed(AuthBase):
    """Signs what is really sent, at the time of signing."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        credentials = Credentials(stack.access_key_id, stack.secret_access_key)
        self._signer = SigV4Auth(credentials, "execute-api", stack.region)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        parts = urlsplit(str(request.url))
        query = parse_qsl(parts.query, keep_blank_values=True)
        # As in a signature: every character is encoded except these.
        encoded = urlencode(query, quote_via=quote, safe="-_.~")
        request.url = urlunsplit(parts._replace(query=encoded))
        headers = {"Host": self._stack.api_host}
        signed = AWSRequest(request.method, request.url, headers, request.body)
        self._signer.add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def known(system: System) -> list[str]:
    """Enrolments of each kind: in the trial, waiting, in custody, ended."""
    today = system.today
    people = [
        made(today, serial, **changes)
        for serial, changes in enumerate(
            ({}, {}, {"mobile": {"missing_reason": "refused"}}, {}, {}), start=801
        )
    ]
    found = [system.call("POST", "/enrolments", each).body["enrolment_id"] for each in people]
    settle(system.stack.port)
    for enrolment_id, reason in zip(found[-2:], ("in_custody", "quashed"), strict=True):
        end = CUSTODY | {"reason": reason, "at": f"{today}T00:00:00Z"}
        assert system.call("POST", f"/enrolments/{enrolment_id}/end", end).status == 200
    return found


def test_the_contract_is_served(system: System) -> None:
    assert system.call("GET", "/openapi.json").body == contract()


def test_a_random_unsigned_request_is_refused(system: System, session: requests.Session) -> None:
    for path, operations in contract()["paths"].items():
        for method in operations:
            url = system.stack.api_url + path.replace("{enrolment_id}", "1")
            headers = {"Host": system.stack.api_host}
            answer = session.request(method, url, headers=headers, timeout=30)
            assert answer.status_code == 403, (method, path)
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == 403


def test_every_answer_is_within_the_contract(
    system: System, session: requests.Session, known: list[str]
) -> None:
    seen: Counter[int] = Counter()
    signed, samples = Signed(system.stack), _samples(system.today)

    def ask(case: Case[Any], place: int, data: st.DataObject) -> None:
        sample = samples.get(case.operation.label)
        if sample and place % 3 == 1:
            case.body = _but_for_one(sample, case.body, place // 3)
        elif sample and place % 3 == 2:
            case.body = _spelled(sample, data.draw, place // 3)
        if case.path_parameters and place % 7:
            case.path_parameters["enrolment_id"] = known[place % len(known)]
        with system.at_its_time():
            answer = case.call(system.stack.api_url, session, auth=signed)
        case.validate_response(answer, checks=CHECKS)
        seen[answer.status_code] += 1

    schema = schemathesis.openapi.from_dict(contract())
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    varied = [each for each in operations if each.body or each.path_parameters or each.query]
    for operation in operations:
        # A fixed path cannot be wrong, and a route without input has only one request.
        modes = list(GenerationMode) if operation.body or operation.query else [POSITIVE]
        most = -(-CASES // len(varied) // len(modes)) if operation in varied else 1
        for mode in modes:
            _asked(operation.as_strategy(generation_mode=mode), most, ask)
    assert seen.total() >= CASES, seen
    assert {200, 201, 202, 404, 409, 422} <= set(seen), seen
    assert not seen[403], "each was signed as it was sent"


def _asked(
    cases: st.SearchStrategy[Case[Any]],
    most: int,
    ask: Callable[[Case[Any], int, st.DataObject], None],
) -> None:
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, place=PLACES, data=st.data())
    def each(case: Case[Any], place: int, data: st.DataObject) -> None:
        ask(case, place, data)

    each()


def _but_for_one(sample: Any, made: Any, place: int) -> Any:
    """The sample with one generated field, so that requests pass the first checks."""
    if not isinstance(made, dict) or not made:
        return made
    name = sorted(sample)[place % len(sample)]
    if name not in made:
        return {each: value for each, value in sample.items() if each != name}
    if isinstance(sample[name], dict):
        return sample | {name: _but_for_one(sample[name], made[name], place // len(sample))}
    return sample | {name: made[name]}


def _spelled(given: Any, draw: Callable[[st.SearchStrategy[str]], str], place: int) -> Any:
    """The same with one text in it as people, spreadsheets and other systems write it."""
    if isinstance(given, str):
        return draw(_dialled(given) if given.startswith("+44") else spelled(given))
    if not isinstance(given, dict | list) or not given:
        return given
    names = sorted(given) if isinstance(given, dict) else range(len(given))
    name = names[place % len(names)]
    changed: Any = given.copy()
    changed[name] = _spelled(given[name], draw, place // len(names))
    return changed


def _dialled(number: str) -> st.SearchStrategy[str]:
    return st.one_of(spelled(number), dialled(number, code="44", trunk="0"))


def _samples(today: date) -> dict[str, Any]:
    """A valid request for each route with a body."""
    posted = made(today, 810)
    return {
        "POST /enrolments": posted,
        "PUT /enrolments/{enrolment_id}/mobile": posted["mobile"],
        "PUT /enrolments/{enrolment_id}/service": {"served_on": today.isoformat()},
        "PUT /enrolments/{enrolment_id}/order": made(today, 801)["order"],
        "POST /enrolments/{enrolment_id}/end": CUSTODY | {"at": f"{today}T00:00:00Z"},
        "POST /enrolments/{enrolment_id}/resume": RELEASE | {"at": f"{today}T00:00:00Z"},
        "POST /enrolments/{enrolment_id}/outcomes": ARREST | {"occurred_at": f"{today}T00:00:00Z"},
        "PUT /sending": {"paused": False, "reason": "over", "by": "Supt-1"},
        "POST /suppressions": {"number": "+447700900899", "reason": "objection", "by": "PC-1"},
    }
