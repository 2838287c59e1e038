"""Traces and saved queries: enough to find a fault, and nothing that identifies anybody."""

import json
import re
from io import StringIO

import pytest
from time_machine import Traveller

from tests.support import causes
from tests.support.deployed import Deployed
from tests.support.life import treated

STACK = Deployed()
FUNCTIONS = STACK.of_type("AWS::Lambda::Function")
QUERIES = STACK.of_type("AWS::Logs::QueryDefinition")
TRACES = STACK.of_type("AWS::IAM::ManagedPolicy")["FunctionTraces"]
OF_THE_API = {"ApiRefusalsQuery"}
"""The query of API Gateway's own log, whose fields the template names."""
OF_ALL = {"ErrorsQuery", "OneOrderQuery", "SlowestQuery"}
WORDS = re.compile(r"""".*?"|[@\w.]+""")
LANGUAGE = {
    *("fields", "filter", "stats", "sort", "limit", "desc", "by", "as", "in"),
    *("count", "sum", "latest", "bin", "ispresent"),
    *("1d", "50", "1000", "0"),
    *("times", "last", "reminders"),
}
AWS_S = {"@timestamp", "@log", "type", "record.requestId"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_behind_the_api_are_traced_and_may_write_traces(name: str) -> None:
    waited_for = name in ("EnrolmentFunction", "DisclosureFunction", "OperationsFunction")
    mode = "Active" if waited_for else "PassThrough"
    assert FUNCTIONS[name]["TracingConfig"] == {"Mode": mode}
    role = STACK.of_type("AWS::IAM::Role")[FUNCTIONS[name]["Role"].rpartition("/")[2]]
    assert ("FunctionTraces" in json.dumps(role["ManagedPolicyArns"])) is waited_for
    assert "xray:PutTraceSegments" in json.dumps(TRACES)


def test_the_api_is_traced() -> None:
    (stage,) = STACK.of_type("AWS::ApiGateway::Stage").values()
    assert stage["TracingEnabled"] is True


def test_no_code_adds_data_to_a_trace() -> None:
    """A trace then holds only the times and routes that AWS writes, and no personal data."""
    for name in FUNCTIONS:
        assert "AWS_XRAY" not in json.dumps(FUNCTIONS[name])
        assert "POWERTOOLS_TRACE" not in json.dumps(FUNCTIONS[name])


@pytest.mark.parametrize("name", sorted(OF_ALL))
def test_each_saved_query_searches_every_log_that_can_answer_it(name: str) -> None:
    logs = [function["LoggingConfig"] for function in FUNCTIONS.values()]
    if "platform." in QUERIES[name]["QueryString"]:
        logs = [each for each in logs if each.get("SystemLogLevel") != "WARN"]
    assert sorted(QUERIES[name]["LogGroupNames"]) == sorted(each["LogGroup"] for each in logs)


def test_saved_queries_use_fields_that_are_logged(
    log: StringIO, clock: Traveller, cloud: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cloud
    causes.not_sent(clock)
    treated(first=100)
    printed = [*log.getvalue().splitlines(), *capsys.readouterr().out.splitlines()]
    logged = {field for line in printed for field in json.loads(line)}
    # Written with an exception, with what became of a reminder, and with a click on a live panel.
    logged |= {"exception_name", "outcome", "act"}
    for name in QUERIES.keys() - OF_THE_API:
        query = QUERIES[name]
        words = {word for word in WORDS.findall(query["QueryString"]) if word[0] != '"'}
        asked = {word.removesuffix(".0") for word in words} - LANGUAGE - AWS_S
        assert {word for word in asked if not word.startswith("record.metrics.")} <= logged
