"""
Results do not depend on the processor.

OpenBLAS picks its kernel by the processor, and NumPy its loops; both affect the last digits. Each
kernel that this processor can run is tried.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from evaluation.example.trial import made
from tests.support.fixture_protocol import AGREED

ROOT = Path(__file__).parents[2]
STATISTICS = [
    *sorted(str(path) for path in Path(__file__).parent.glob("test_statistics_*.py")),
    str(Path(__file__).with_name("test_rerandomisation.py")),
]
KERNELS = {
    "Prescott": "Katmai",  # OpenBLAS builds the two alike, and names the kernel by the older one
    "Nehalem": "Nehalem",
    "Sandybridge": "Sandybridge",
    "Haswell": "Haswell",
    "SkylakeX": "SkylakeX",
}
"""Each kernel, oldest first, and the name that it goes by once loaded."""

PROBE = """
import numpy, scipy.linalg
from threadpoolctl import threadpool_info
scipy.linalg.inv(numpy.linalg.inv(numpy.random.default_rng(0).random((64, 64))))
print(*{each["architecture"] for each in threadpool_info() if each["internal_api"] == "openblas"})
"""


def under(kernel: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {
        "OPENBLAS_CORETYPE": kernel,
        "OPENBLAS_VERBOSE": "0",
        "PYTHONPATH": os.pathsep.join(
            str(ROOT / each) for each in ("functions", "layers/common", ".")
        ),
    }
    if list(KERNELS).index(kernel) < list(KERNELS).index("Haswell"):
        # A processor as old as that has none of the instructions NumPy looks for, either.
        extensions = np.show_config(mode="dicts")["SIMD Extensions"]
        environment["NPY_DISABLE_CPU_FEATURES"] = " ".join(extensions["found"])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def loaded(kernel: str) -> bool:
    """Whether this processor can run the kernel, and this OpenBLAS has it."""
    return under(kernel, "-c", PROBE).stdout.split() == [KERNELS[kernel]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_statistics_tests_pass_under_every_kernel(kernel: str) -> None:
    if not loaded(kernel):
        pytest.skip(f"this processor or this OpenBLAS cannot run {kernel}")
    found = under(
        *(kernel, "-m", "pytest", "-q", "-n0", "--confcutdir=tests/evaluation"),
        *("-p", "no:cacheprovider", *STATISTICS),
    )
    assert found.returncode == 0, found.stdout


def test_figures_are_the_same_under_every_kernel(tmp_path: Path) -> None:
    made(tmp_path, AGREED, people=150, seed=5)
    found = {
        kernel: under(kernel, "-m", "tests.evaluation.figures", str(tmp_path / "unblinded"))
        for kernel in KERNELS
        if loaded(kernel)
    }
    assert found
    for kernel, each in found.items():
        assert each.returncode == 0, each.stderr
        assert json.loads(each.stdout) == json.loads(next(iter(found.values())).stdout), kernel
