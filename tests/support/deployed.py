"""The templates as they will be deployed, where tests look for them, and what they allow."""

from functools import cache

from commands.repository.deployed import Deployed
from commands.repository.template import TEMPLATE
from tests.support.policies import Statement

__all__ = ["FILES", "STACK", "Deployed", "of_policy", "of_role"]

FILES = [TEMPLATE, TEMPLATE.parent / "access.yaml", TEMPLATE.parent / "monitoring.yaml"]
STACK = Deployed()


def of_policy(name: str, of: Deployed = STACK) -> list[Statement]:
    """What a managed policy says."""
    document = of.of_type("AWS::IAM::ManagedPolicy")[name]["PolicyDocument"]
    return list(document["Statement"])


@cache
def of_role(name: str, of: Deployed = STACK) -> list[Statement]:
    """All that a role may do: by its own policies, by managed ones and by those put beside it."""
    role = of.of_type("AWS::IAM::Role")[name]
    beside = [each for each in of.of_type("AWS::IAM::Policy").values() if name in each["Roles"]]
    own = [each["PolicyDocument"] for each in (*role.get("Policies", ()), *beside)]
    managed = [each.rpartition("/")[2] for each in role.get("ManagedPolicyArns", ())]
    given = [statement for document in own for statement in document["Statement"]]
    return given + [statement for each in managed for statement in of_policy(each, of)]
