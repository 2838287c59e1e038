"""Each handler imports its logger first, because that makes its cold start shorter."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.samples import ROOT

HANDLERS = sorted((ROOT / "functions").rglob("handler.py"))


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda each: each.parent.name)
def test_a_handler_imports_its_logger_before_all_else(handler: Path) -> None:
    statements = ast.parse(handler.read_text()).body
    imports = [each.module for each in statements if isinstance(each, ast.ImportFrom)]
    assert imports[:2] == ["__future__", "trial.log"]


def test_a_cold_start_hardly_looks_for_garbage() -> None:
    looked = "sum(each['collections'] for each in gc.get_stats())"
    code = f"import gc; before = {looked}; import enrolment.handler; print({looked} - before)"
    paths = {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT / 'layers' / 'common'}"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | paths,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 5
