"""
Lists what an AWS account still lacks before texts can go, with a command to fix each item.

Changes nothing. Run it before and after the first deployment. Exits with 1 while anything is
missing. A parameter that is not given has the stack's value or, failing that, the template's.
"""

import sys
from functools import cache

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from commands.arguments import add_stage, described
from commands.deploy.account import Account, look
from commands.deploy.deploy import NAME, setting


def main() -> None:
    """Run the checks and print them; exit with 1 if anything is missing."""
    parser = described("python -m commands.deploy.preflight", __doc__)
    parser.add_argument("parameters", nargs="*", type=setting, metavar="Name=value")
    add_stage(parser)
    given = parser.parse_args()
    session = boto3.Session(region_name=given.region)
    try:
        who = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"There are no credentials that AWS takes: {error}")
    account = Account(
        cache(session.client),
        who["Account"],
        given.region,
        NAME.format(stage=given.stage),
        dict(given.parameters),
    )
    found = look(account)
    console = Console(highlight=False)
    console.print(f"Account {who['Account']}, {given.region}:")
    for each in found:  # not wrapped, so that a command can be copied as it is
        mark = "[green]✓[/]" if each.there else "[red]✗[/]"
        console.print(f"{mark} {each.what}: {escape(each.detail)}", soft_wrap=True)
    sys.exit(not all(each.there for each in found))


if __name__ == "__main__":
    main()
