"""
Deletes a stack on AWS, and keeps what must not be lost.

The table, the keys, the logs and the buckets stay; their names are printed. Sending stops for good,
because the schedules are deleted. Type the stack's name to confirm.
"""

import sys
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from commands.arguments import add_stage, described
from commands.deploy.deploy import KEPT, NAME

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

DELIVERY_LOGS = "sns/"
"""AWS chooses their names, so they must go too: otherwise the stack could not be made again."""


def kept(cloudformation: "CloudFormationClient", stack: str) -> list[str]:
    """The resources that outlive the stack, by their names on AWS."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return sorted(
        f"{each['ResourceType']} {each.get('PhysicalResourceId', '')}"
        for page in pages
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] in KEPT
        and not each.get("PhysicalResourceId", "").startswith(DELIVERY_LOGS)
    )


def destroy(cloudformation: "CloudFormationClient", stack: str) -> None:
    """Remove the stack's protection, delete it and wait until it is gone."""
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)


def main() -> None:
    """Ask, delete and report."""
    parser = described("python -m commands.deploy.destroy", __doc__)
    add_stage(parser)
    parser.add_argument("--confirm", metavar="STACK", help="its name; without it, you are asked")
    given = parser.parse_args()
    stack = NAME.format(stage=given.stage)
    try:
        cloudformation = boto3.client("cloudformation", region_name=given.region)
        remains = kept(cloudformation, stack)
        print("These stay:", *remains, sep="\n  ")
        if (given.confirm or input(f"Type {stack} to delete the rest: ")) != stack:
            sys.exit("Nothing was deleted.")
        print("Deleting ...", flush=True)
        destroy(cloudformation, stack)
    except (BotoCoreError, ClientError, WaiterError) as error:
        sys.exit(f"AWS refused: {error}")
    print(
        "Deleted. A new stack starts with an empty table: to continue with the old one, "
        "restore it: docs/runbook.md, Restoring from a backup."
    )


if __name__ == "__main__":
    main()
