"""Packages the functions and their layer for AWS, with templates that name the packages."""

import argparse
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "infra/template.yaml"
REQUIREMENTS = ROOT / "requirements/layer.txt"
PLATFORM, PYTHON = "manylinux2014_aarch64", "3.13"
OUTPUT = ROOT / "build"
MOST_BYTES = 25_000_000
PIP_SECONDS = 600
SPACE_MB = 60
"""The disk space that pip needs to fill the layer: wheels and their content."""

IN_1980 = (1980, 1, 1, 0, 0, 0)
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
FOR_SAM = {"Makefile", "requirements.txt"}
"""The Makefile with which `sam build` makes the layer."""

PATHS_OF_THIS_MACHINE = {"bin", "RECORD"}
FOLDER = re.compile(r"^(\s*(?:CodeUri|ContentUri): *)(\.\S+)", re.MULTILINE)
NESTED = re.compile(r"^(\s*TemplateURL: *)(\S+)", re.MULTILINE)


def build(
    libraries: Mapping[str, bytes], *, archives_at: str = "", templates_at: str = ""
) -> tuple[str, dict[str, bytes]]:
    """
    The template's text, and the archives and nested templates that it refers to, by name.

    The libraries go into the layer. Each file is named by the hash of its content, so a change of
    code or of a nested template changes the template. The two locations, which CloudFormation needs
    in different forms (s3:// and https://), are put before the names.
    """
    files: dict[str, bytes] = {}

    def kept(data: bytes, suffix: str) -> str:
        name = hashlib.sha256(data).hexdigest() + suffix
        files[name] = data
        return name

    def packed(uri: re.Match[str]) -> str:
        folder = (TEMPLATE.parent / uri[2]).resolve()
        if not folder.is_dir():
            sys.exit(f"{TEMPLATE.name} names {uri[2]}, which is not a folder")
        if "ContentUri" in uri[1]:
            data = archive({**files_of(folder, "python", without=CACHES | FOR_SAM), **libraries})
        else:
            data = archive(files_of(folder, "", without=CACHES))
        return uri[1] + archives_at + kept(data, ".zip")

    def nested(url: re.Match[str]) -> str:
        return url[1] + templates_at + kept((TEMPLATE.parent / url[2]).read_bytes(), ".yaml")

    return NESTED.sub(nested, FOLDER.sub(packed, TEMPLATE.read_text())), files


def copied_libraries(parent: Path, pip_options: Sequence[str]) -> dict[str, bytes]:
    """The layer's libraries for AWS; pip's options select the platform."""
    folder = install_libraries(parent, ["--no-compile", *pip_options])
    return files_of(folder, "python", without=PATHS_OF_THIS_MACHINE)


def linked_libraries(parent: Path) -> dict[str, bytes]:
    """
    A layer that only points to the libraries on this machine, for this interpreter.

    The emulator unpacks the layer for each function process, and two thousand files would take
    longer than the rest of a cold start.
    """
    folder = install_libraries(parent, [])
    line = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    return {"python/lib/python/site-packages/libraries.pth": line.encode()}


def install_libraries(parent: Path, pip_options: Sequence[str]) -> Path:
    """A folder below the parent with exactly the requirements; made once, atomically."""
    reasons = (REQUIREMENTS.read_text(), list(pip_options), sys.version)
    folder = parent / hashlib.sha256(repr(reasons).encode()).hexdigest()[:16]
    if folder.exists():
        return folder
    print(f"Installing {REQUIREMENTS.name} for the layer (once) ...", flush=True)
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as unfinished:
        made = Path(unfinished, "made")
        install(made, pip_options)
        with suppress(OSError):  # another command has just made the same
            made.rename(folder)
    return folder


def install(folder: Path, pip_options: Sequence[str]) -> None:
    """Let pip install the pinned requirements into the folder; exit with its message on failure."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--require-hashes", "--only-binary=:all:", "--no-deps", *pip_options]
    pip += [f"--requirement={REQUIREMENTS}", f"--target={folder}"]
    try:
        subprocess.run(pip, check=True, capture_output=True, text=True, timeout=PIP_SECONDS)
    except subprocess.CalledProcessError as error:
        full = "No space left" in error.stderr
        remedy = f"The disk is full: it takes {SPACE_MB} MB." if full else "Is there a network?"
        sys.exit(f"{error.stderr}\nThe layer could not be built. {remedy}")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"The layer could not be built: {error}")


def files_of(folder: Path, place: str, *, without: set[str]) -> dict[str, bytes]:
    """The content of each file in the folder, by its name in an archive."""
    return {
        (Path(place) / path.relative_to(folder)).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not without.intersection(path.relative_to(folder).parts)
    }


def archive(files: Mapping[str, bytes]) -> bytes:
    """A reproducible zip of the files: the same content always gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, IN_1980)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, files[name], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def for_aws(
    *,
    archives_at: str = "",
    templates_at: str = "",
    platform: str = PLATFORM,
    python_version: str = PYTHON,
    output: Path = OUTPUT,
) -> tuple[str, dict[str, bytes]]:
    """The template and its files for AWS; exits if a package is too large."""
    target = [f"--platform={platform}", f"--python-version={python_version}"]
    libraries = copied_libraries(output / "libraries", [*target, "--implementation=cp"])
    template, files = build(libraries, archives_at=archives_at, templates_at=templates_at)
    for name, data in files.items():
        print(f"  {name[:12]}…{Path(name).suffix}  {len(data) / 1e6:.2f} MB")
        if len(data) > MOST_BYTES:
            sys.exit(f"A package has {len(data):,} bytes, and may have {MOST_BYTES:,}.")
    return template, files


def main() -> None:
    """Write the packages and the template that names them."""
    parser = argparse.ArgumentParser(
        prog="python -m commands.deploy.package",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--platform", default=PLATFORM, help="as pip names it")
    parser.add_argument("--python-version", default=PYTHON, help="as pip takes it")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write to")
    options = parser.parse_args()
    template, files = for_aws(
        platform=options.platform, python_version=options.python_version, output=options.output
    )
    for name, data in files.items():
        (options.output / name).write_bytes(data)
    (options.output / TEMPLATE.name).write_text(template)
    print(f"Wrote {options.output / TEMPLATE.name} and {len(files)} packages beside it.")


if __name__ == "__main__":
    main()
