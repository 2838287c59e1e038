"""Packages hold what Lambda needs, and are the same for the same content."""

import io
import os
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from local import package

TEMPLATE = """\
Globals:
  Function:
    CodeUri: ../functions/
Resources:
  Layer:
    Properties:
      ContentUri: ../layers/common/  # our own code
      Other: ../functions/
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one; pip puts in the libraries what it was told to."""
    files = {
        "infra/template.yaml": TEMPLATE,
        "requirements-layer.txt": "library==1",
        "functions/sending/handler.py": "import trial",
        "functions/sending/__pycache__/handler.pyc": "stale",
        "layers/common/trial/model.py": "A = 1",
        "layers/common/trial/__pycache__/model.pyc": "stale",
        "layers/common/trial/protocols/one.toml": "a = 1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(package, "TEMPLATE", tmp_path / "infra/template.yaml")
    monkeypatch.setattr(package, "REQUIREMENTS", tmp_path / "requirements-layer.txt")
    return tmp_path


@pytest.fixture
def ran(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    commands: list[Sequence[str]] = []

    def run(*module: str) -> None:
        commands.append(module)
        for name in ("library.py", "__pycache__/library.pyc", "bin/tool", "l.dist-info/RECORD"):
            file = checkout / "libraries" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(module[0])

    monkeypatch.setattr(package, "run", run)
    return commands


def names(archive: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive)).namelist())


@pytest.mark.usefixtures("ran")
def test_the_template_names_archives_in_place_of_folders(checkout: Path) -> None:
    template, archives = package.build(checkout / "libraries", prefix="s3://packages/")
    functions, layer = archives
    assert template == (
        TEMPLATE.replace("CodeUri: ../functions/", f"CodeUri: s3://packages/{functions}").replace(
            "../layers/common/", f"s3://packages/{layer}"
        )
    )
    assert names(archives[functions]) == {"sending/handler.py"}
    assert names(archives[layer]) == {
        "python/trial/model.py",
        "python/trial/protocols/one.toml",
        "python/library.py",
        "python/__pycache__/library.pyc",
    }


@pytest.mark.usefixtures("ran")
def test_the_same_content_makes_the_same_archives(checkout: Path) -> None:
    before = package.build(checkout / "libraries")
    handler = checkout / "functions/sending/handler.py"
    os.utime(handler, (1, 1))
    handler.chmod(0o600)
    assert package.build(checkout / "libraries") == before
    handler.write_text("import trial  # changed")
    assert package.build(checkout / "libraries")[0] != before[0]


def test_libraries_are_installed_once_for_each_reason(
    checkout: Path, ran: list[Sequence[str]]
) -> None:
    libraries = checkout / "libraries"
    for _ in range(2):
        package.build(libraries)
    assert [module[0] for module in ran] == ["pip", "compileall"]
    package.REQUIREMENTS.write_text("library==2")
    package.build(libraries)
    assert [module[0] for module in ran[2:]] == ["pip", "compileall"]
    for_aws = ["--platform=manylinux2014_aarch64", "--python-version=3.13"]
    package.build(libraries, pip_options=for_aws)
    assert [module[0] for module in ran[4:]] == ["pip"]
    assert set(for_aws) < set(ran[4])


def test_pip_takes_nothing_but_what_is_pinned(checkout: Path, ran: list[Sequence[str]]) -> None:
    package.build(checkout / "libraries")
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps"} < set(ran[0])


def test_an_install_that_failed_is_tried_again(
    checkout: Path, ran: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: str) -> None:
        sys.exit("no network")

    with monkeypatch.context() as broken:
        broken.setattr(package, "run", no_network)
        with pytest.raises(SystemExit, match="no network"):
            package.build(checkout / "libraries")
    package.build(checkout / "libraries")
    with monkeypatch.context() as broken:
        broken.setattr(package, "run", no_network)
        package.REQUIREMENTS.write_text("library==2")
        with pytest.raises(SystemExit, match="no network"):
            package.build(checkout / "libraries")
    package.REQUIREMENTS.write_text("library==1")
    package.build(checkout / "libraries")
    assert [module[0] for module in ran] == ["pip", "compileall"] * 2


@pytest.mark.usefixtures("ran")
def test_a_folder_that_is_not_there_is_refused_by_name(checkout: Path) -> None:
    package.TEMPLATE.write_text(TEMPLATE.replace("../functions/", "../funktions/"))
    with pytest.raises(SystemExit, match=r"template\.yaml names \.\./funktions/"):
        package.build(checkout / "libraries")


def test_what_a_module_complains_about_is_shown_when_it_fails() -> None:
    with pytest.raises(SystemExit, match="No module named no_such_module"):
        package.run("no_such_module")
