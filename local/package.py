"""
Packages the functions and their layer, and points the template at the packages.

For this interpreter by default. For AWS, say what pip is to fetch wheels for:
`--platform manylinux2014_aarch64 --python-version 3.13`.
"""

import argparse
import hashlib
import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "infra/template.yaml"
REQUIREMENTS = ROOT / "requirements-layer.txt"
PIP_TIMEOUT = 600
IN_1980 = (1980, 1, 1, 0, 0, 0)
CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
PATHS_OF_THIS_MACHINE = {"bin", "RECORD"}
FOLDER = re.compile(r"^(\s*(?:CodeUri|ContentUri): *)(\.\S+)", re.MULTILINE)


def build(
    libraries: Path, *, prefix: str = "", pip_options: Sequence[str] = ()
) -> tuple[str, dict[str, bytes]]:
    """
    The template's text, and the archives that it names, with the prefix, in place of folders.

    An archive is named by the hash of its content: when code changes, so does the template.
    """
    install_libraries(libraries, pip_options)
    archives: dict[str, bytes] = {}

    def packed(uri: re.Match[str]) -> str:
        folder = (TEMPLATE.parent / uri[2]).resolve()
        if not folder.is_dir():
            sys.exit(f"{TEMPLATE.name} names {uri[2]}, which is not a folder")
        if "ContentUri" in uri[1]:
            files = files_of(folder, "python", without=CACHES)
            files |= files_of(libraries, "python", without=PATHS_OF_THIS_MACHINE)
        else:
            files = files_of(folder, "", without=CACHES)
        data = archive(files)
        name = f"{hashlib.sha256(data).hexdigest()}.zip"
        archives[name] = data
        return uri[1] + prefix + name

    return FOLDER.sub(packed, TEMPLATE.read_text()), archives


def install_libraries(folder: Path, pip_options: Sequence[str]) -> None:
    """Fill the folder with the layer's libraries, unless it holds just these already."""
    reasons = (REQUIREMENTS.read_text(), list(pip_options), sys.version)
    made_from = hashlib.sha256(repr(reasons).encode()).hexdigest()
    stamp = folder.with_name(f"{folder.name}.made-from")
    if stamp.exists() and stamp.read_text() == made_from:
        return
    print(f"Installing {REQUIREMENTS.name} for the layer (once) ...", flush=True)
    stamp.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    pip = "pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes"
    run(*pip.split(), "--only-binary=:all:", *pip_options, f"-r{REQUIREMENTS}", f"-t{folder}")
    if not pip_options:
        # Compiled once, or every cold start would; valid whatever time unpacking gives a file.
        run("compileall", "-q", "--invalidation-mode=unchecked-hash", f"-s{folder}", str(folder))
    stamp.write_text(made_from)


def run(*module: str) -> None:
    """Run a module of this interpreter; its complaints are shown only when it fails."""
    command = [sys.executable, "-m", *module]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_TIMEOUT)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.stderr}\nThe layer could not be built. Is there a network?")
    except subprocess.TimeoutExpired as error:
        sys.exit(f"The layer could not be built: {error}")


def files_of(folder: Path, place: str, *, without: set[str]) -> dict[str, Path]:
    """Each file of the folder by its name in an archive."""
    return {
        (Path(place) / path.relative_to(folder)).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and not without.intersection(path.relative_to(folder).parts)
    }


def archive(files: Mapping[str, Path]) -> bytes:
    """A zip of the files: the same bytes for the same content, whenever and wherever it is made."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, IN_1980)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, files[name].read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def main() -> None:
    """Write the packages and the template that names them, ready for `sam deploy`."""
    parser = argparse.ArgumentParser(prog="python -m local.package", description=__doc__)
    parser.add_argument("--platform", action="append", default=[], help="as pip names it")
    parser.add_argument("--python-version", help="as pip takes it: 3.13")
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="folder to write to")
    options = parser.parse_args()
    wanted = [f"--platform={platform}" for platform in options.platform]
    if options.python_version:
        wanted += [f"--python-version={options.python_version}", "--implementation=cp"]
    template, archives = build(options.output / "libraries", pip_options=wanted)
    for name, data in archives.items():
        (options.output / name).write_bytes(data)
    (options.output / TEMPLATE.name).write_text(template)
    print(f"Wrote {options.output / TEMPLATE.name} and {len(archives)} packages beside it.")


if __name__ == "__main__":
    main()
