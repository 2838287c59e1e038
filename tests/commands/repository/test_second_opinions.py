"""Second opinions: each finding of a tool, and each gap in its output, fails the check."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from commands.repository import second_opinions
from commands.repository.deployed import Deployed
from commands.repository.second_opinions import ACCEPTED, IN_THE_LAYER, linted, policies, sam

Said = subprocess.CompletedProcess[str]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[str]]:
    """Fake the tools' output, and record which were called."""
    monkeypatch.setattr(second_opinions, "BUILD", tmp_path / "sam")
    monkeypatch.setattr(second_opinions, "POLICIES", tmp_path / "policies")

    def answers(stdout: str = "", code: int = 0, layer: tuple[str, ...] = ()) -> list[str]:
        called: list[str] = []

        def run(tool: str, *arguments: str) -> Said:
            called.append(f"{tool} {arguments[0]}")
            for name in layer:
                (tmp_path / "sam/CommonLayer/python" / name).mkdir(parents=True, exist_ok=True)
            return subprocess.CompletedProcess([], code, stdout, "what went wrong")

        monkeypatch.setattr(second_opinions, "run", run)
        return called

    return answers


def finding(policy: str, issue: str) -> str:
    return json.dumps(
        {
            "issue": issue,
            "title": "Something",
            "detail": "",
            "location": {"filepath": f"/build/policies/{policy}.json"},
        }
    )


def test_policies_without_a_finding_pass(says: Callable[..., list[str]]) -> None:
    says()
    assert linted(Deployed())


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_a_finding_accepted_for_one_policy_is_reported_for_another(
    says: Callable[..., list[str]], accepted: tuple[str, str]
) -> None:
    policy, issue = accepted
    says(finding(policy, issue), code=1)
    assert linted(Deployed())
    says("\n".join([finding(policy, issue), finding("Auditor", issue)]), code=1)
    assert not linted(Deployed())


def test_a_linter_that_crashes_is_not_an_approval(says: Callable[..., list[str]]) -> None:
    says(code=1)
    assert not linted(Deployed())


def test_the_policies_of_the_pipeline_s_roles_are_read_too(
    says: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    says()
    for passing in ("sam", "small_enough"):
        monkeypatch.setattr(second_opinions, passing, lambda *_: True)
    with pytest.raises(SystemExit) as ended:
        second_opinions.main()
    assert not ended.value.code
    read = {file.stem for file in second_opinions.POLICIES.iterdir()}
    assert {"CloudFormationRole-stack", "PipelineRole-deploy", "SendingRole-sending"} <= read


def test_every_policy_of_the_stack_is_read() -> None:
    stack = Deployed()
    names = {name.partition("-")[0] for name, _ in policies(stack)}
    assert names == {
        *stack.of_type("AWS::IAM::ManagedPolicy"),
        *stack.of_type("AWS::IAM::Policy"),
        *stack.of_type("AWS::IAM::Role"),
    }


def test_sam_validates_and_builds(says: Callable[..., list[str]]) -> None:
    called = says(layer=IN_THE_LAYER)
    assert sam()
    assert called == ["sam validate", "sam build"]


def test_a_layer_without_its_libraries_fails_the_check(says: Callable[..., list[str]]) -> None:
    says(layer=IN_THE_LAYER[:-1])
    assert not sam()


def test_a_template_that_sam_refuses_fails_the_check(says: Callable[..., list[str]]) -> None:
    called = says(code=1, layer=IN_THE_LAYER)
    assert not sam()
    assert called == ["sam validate"]
