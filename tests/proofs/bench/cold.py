"""
The processor time from nothing to a handler with its clients, against a bare one's.

Each is a new process. The bare one imports boto3 and makes the same clients, as a handler of ten
lines would. They take turns, also in who goes first, so that other load on the machine affects both
alike. The result is the median of the turns' own ratios: two runs agree within a few hundredths,
where the ratio of the two least times differed by a tenth.
"""

import os
import re
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

from tests.support.samples import ROOT

TURNS = 15
CLIENTS = {
    "enrolment": ("dynamodb", "kms"),
    "allocation": ("dynamodb", "kms"),
    "scheduling": ("dynamodb", "scheduler"),
    "sending": ("dynamodb", "kms", "sns"),
    "receipts": ("dynamodb", "kms"),
    "reconciliation": ("dynamodb", "scheduler"),
}
_TIMED = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
_LINE = re.compile(r"import time: +(\d+) \| +\d+ \| +(\w+)")
_SHOWN = 6


def ratios(progress: Callable[[], None]) -> dict[str, dict[str, float]]:
    """For each function, milliseconds of ours and of a bare one, and ours by the bare one's."""
    return {function: _ratio(function, progress) for function in CLIENTS}


def profile(function: str) -> dict[str, float]:
    """The milliseconds that importing a handler spends in each package itself, the most first."""
    told = _run(f"import {function}.handler", "-X", "importtime").stderr
    spent: Counter[str] = Counter()
    for microseconds, package in _LINE.findall(told):
        spent[package if package in _OURS | _THEIRS else "Python's own"] += int(microseconds)
    return {package: each / 1000 for package, each in spent.most_common(_SHOWN)}


_OURS = {"trial", *CLIENTS}
_THEIRS = {
    "annotated_types",
    "aws_lambda_powertools",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "phonenumbers",
    "pydantic",
    "pydantic_core",
    "s3transfer",
    "typing_extensions",
    "typing_inspection",
    "urllib3",
}


def _ratio(function: str, progress: Callable[[], None]) -> dict[str, float]:
    names = CLIENTS[function]
    bare = "; ".join(["import boto3", *(f"boto3.client({name!r})" for name in names)])
    made = "; ".join(f"clients.{name}()" for name in names)
    ours = f"import {function}.handler; from trial.aws import clients; {made}"
    pairs = []
    for turn in range(TURNS + 1):
        if turn % 2:
            mine, theirs = _seconds(ours), _seconds(bare)
        else:
            theirs, mine = _seconds(bare), _seconds(ours)
        progress()
        if turn:  # the first finds no compiled modules, perhaps
            pairs.append((mine, theirs))
    return {
        "ours_ms": 1000 * statistics.median(mine for mine, _ in pairs),
        "bare_ms": 1000 * statistics.median(theirs for _, theirs in pairs),
        "ratio": statistics.median(mine / theirs for mine, theirs in pairs),
    }


def _seconds(code: str) -> float:
    return float(_run(_TIMED.format(code)).stdout)


def _run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-2",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "functions:layers/common",
    }
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
