"""Rules that no scanner has, for everything in the templates."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from commands.deploy.deploy import KEPT
from commands.repository.template import expanded, translated
from tests.support.deployed import FILES, Deployed
from tests.support.policies import listed
from tests.support.samples import ROOT

QUEUE = "AWS::SQS::Queue"
STACK = Deployed()
IN_POLICIES = {"Action", "Resource", "Principal"}


def wildcards(node: yaml.Node, under: int | None = None) -> Iterator[tuple[int, int]]:
    """Each `*` in a policy: its line, and that of its key, from 0."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            within = key.start_mark.line if key.value in IN_POLICIES else under
            yield from wildcards(value, within)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from wildcards(value, under)
    elif under is not None and "*" in node.value:
        yield node.start_mark.line, under


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_wildcard_in_a_policy_has_its_reason_beside_it(file: Path) -> None:
    text = file.read_text()
    lines, template = text.splitlines(), yaml.compose(text)
    assert template
    (resources,) = (value for key, value in template.value if key.value == "Resources")
    beside, above = re.compile(r"\s# \S"), re.compile(r"\s*# \S")
    bare = {
        lines[line]
        for line, key in wildcards(resources)
        if not (beside.search(lines[line]) or beside.search(lines[key]))
        and not above.match(lines[key - 1])
    }
    assert bare == set()


def test_the_search_for_wildcards_finds_them() -> None:
    found = [
        each
        for file in FILES
        if (template := yaml.compose(file.read_text()))
        for each in wildcards(template)
    ]
    assert len(found) > 20


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_template_has_an_anchor_which_cloudformation_refuses(file: Path) -> None:
    kinds = {type(token) for token in yaml.scan(file.read_text())}
    assert not kinds & {yaml.AnchorToken, yaml.AliasToken}


def test_sam_deploys_by_its_configuration_alone() -> None:
    """`sam deploy` asks for no parameter: one without a value fails."""
    sam = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    given = dict(each.split("=") for each in sam["deploy"]["parameters"]["parameter_overrides"])
    parameters = translated()["Parameters"]
    assert given.keys() <= parameters.keys()
    lacking = {name for name, each in parameters.items() if "Default" not in each} - given.keys()
    assert lacking == set()
    for name, value in given.items():
        assert re.fullmatch(parameters[name].get("AllowedPattern", ".*"), value), name


@pytest.mark.parametrize("file", FILES[1:], ids=lambda file: file.name)
def test_a_nested_stack_never_uses_its_own_name_as_the_main_stack_s(file: Path) -> None:
    assert not re.search(r"AWS::Stack(Name|Id)", file.read_text())


@pytest.mark.parametrize("file", FILES[1:], ids=lambda file: file.name)
def test_a_nested_stack_holds_no_resource_that_must_not_be_lost(file: Path) -> None:
    """A change set shows the nested stack as one resource, so its loss could not be refused."""
    assert not {each["Type"] for each in expanded(file)["Resources"].values()} & KEPT


def schedules() -> dict[str, dict[str, Any]]:
    return STACK.of_type("AWS::Scheduler::Schedule")


@pytest.mark.parametrize("name", schedules())
def test_a_schedule_s_retries_are_limited_and_end_in_a_queue(name: str) -> None:
    target = schedules()[name]["Target"]
    queues = {f"arn:aws:sqs:eu-west-2:123456789012:{each}" for each in STACK.of_type(QUEUE)}
    assert target["DeadLetterConfig"]["Arn"] in queues
    assert 0 < target["RetryPolicy"]["MaximumRetryAttempts"] <= 20
    assert 0 < target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 24 * 3600


@pytest.mark.parametrize("name", STACK.of_type("AWS::IAM::Role"))
def test_only_aws_services_may_assume_the_stack_s_roles(name: str) -> None:
    document = STACK.of_type("AWS::IAM::Role")[name]["AssumeRolePolicyDocument"]
    for statement in document["Statement"]:
        assert statement["Principal"].keys() == {"Service"}
        (service,) = listed(statement["Principal"]["Service"])
        if service == "scheduler.amazonaws.com":  # it acts for every account
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


@pytest.mark.parametrize("name", STACK.of_type("AWS::Lambda::Permission"))
def test_a_function_can_be_invoked_from_this_stack_only(name: str) -> None:
    """A service acts for any account unless the permission names one."""
    permission = STACK.of_type("AWS::Lambda::Permission")[name]
    assert permission["SourceArn"] or permission["SourceAccount"]
    assert permission["Principal"].endswith(".amazonaws.com")
