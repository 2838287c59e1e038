"""
Writes a research extract, and fetches it in both forms.

It fetches the newest package of each form, with every file that its datapackage.json names.
"""

import argparse
import hashlib
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.deploy.package import ROOT
from commands.deployed_stack import DeployedStack, add_arguments

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FORMS = ("blinded", "unblinded")
DESCRIPTOR = "datapackage.json"


def write(stack: DeployedStack, run: str) -> None:
    """Invoke the function until the run is published; exits if it fails."""
    function, client = stack.ids["ExtractFunction"], stack.client("lambda")
    said: dict[str, Any] = {}
    while said.get("became") not in ("published", "published_before"):
        answer = client.invoke(FunctionName=function, Payload=json.dumps({"run": run}))
        said = json.load(answer["Payload"])
        if "FunctionError" in answer:
            sys.exit(f"The extract failed: {said.get('errorType')}: {said.get('errorMessage')}")


def newest(client: "S3Client", bucket: str, form: str, trial: str = "") -> str:
    """The folder of the newest package in a form: of the open trial, or of the one named."""
    prefix = f"{form}/{trial}/" if trial else f"{form}/"
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    published = [
        (each["LastModified"], each["Key"])
        for page in pages
        for each in page.get("Contents", [])
        if each["Key"].endswith(f"/{DESCRIPTOR}")
    ]
    if not published:
        sys.exit(f"Nothing is published in the {form} form{f' for {trial}' if trial else ''}.")
    return max(published)[1].removesuffix(DESCRIPTOR)


def fetch(client: "S3Client", bucket: str, source: str, folder: Path) -> dict[str, Any]:
    """Replace the folder's content by a package; returns the package's description."""

    def content(name: str) -> bytes:
        return client.get_object(Bucket=bucket, Key=source + name)["Body"].read()

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    descriptor = content(DESCRIPTOR)
    said: dict[str, Any] = json.loads(descriptor)
    hashes = said["files"] | {each["path"]: each["hash"] for each in said["resources"]}
    for name, stated in hashes.items():
        data = content(name)
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != stated:
            sys.exit(f"{source}{name} does not match the hash in its package.")
        (folder / name).write_bytes(data)
    (folder / DESCRIPTOR).write_bytes(descriptor)
    return said


def main() -> None:
    """Write an extract now, and fetch it."""
    parser = argparse.ArgumentParser(
        prog="python -m commands.staff.extract",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build/extract", help="folder to write to"
    )
    parser.add_argument(
        "--fetch-only", action="store_true", help="fetch the newest package without writing one"
    )
    parser.add_argument(
        "--trial", default="", help="an earlier trial's id; without it, the open trial's package"
    )
    add_arguments(parser)
    options = parser.parse_args()
    stack = DeployedStack.named_by(options)
    if not options.fetch_only:
        write(stack, f"{datetime.now(UTC):%Y-%m-%d-%H%M%S}")
    client, bucket = stack.client("s3"), stack.ids["ExtractBucket"]
    for form in FORMS:
        said = fetch(
            client, bucket, newest(client, bucket, form, options.trial), options.output / form
        )
        print(f"{options.output / form}: {said['title']}, as of {said['extracted_at']}")


if __name__ == "__main__":
    main()
