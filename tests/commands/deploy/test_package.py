"""Packages hold what Lambda needs, and are the same for the same content."""

import io
import os
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from commands.deploy import package

FOR_AWS = ["--platform=manylinux2014_aarch64", "--python-version=3.13"]
TEMPLATE = """\
Globals:
  Function:
    CodeUri: ../functions/
Resources:
  Layer:
    Properties:
      ContentUri: ../layers/common/  # our own code
      Other: ../functions/
  Access:
    Properties:
      TemplateURL: access.yaml
"""
ACCESS = "Resources: {}\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one."""
    files = {
        "infra/template.yaml": TEMPLATE,
        "infra/access.yaml": ACCESS,
        "requirements/layer.txt": "library==1",
        "functions/sending/handler.py": "import trial",
        "functions/sending/__pycache__/handler.pyc": "stale",
        "layers/common/trial/codes.py": "A = 1",
        "layers/common/trial/__pycache__/model.pyc": "stale",
        "layers/common/trial/protocol/protocols/one.toml": "a = 1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(package, "TEMPLATE", tmp_path / "infra/template.yaml")
    monkeypatch.setattr(package, "REQUIREMENTS", tmp_path / "requirements/layer.txt")
    return tmp_path


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The calls of pip, which installs a library and its by-products."""
    told: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        told.append(command)
        target = Path(command[-1].removeprefix("--target="))
        for name in ("library.py", "bin/tool", "library.dist-info/RECORD"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_text("")

    monkeypatch.setattr(subprocess, "run", run)
    return told


def names(archive: bytes) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive)).namelist())


@pytest.mark.usefixtures("pip")
def test_the_packaged_template_names_archives_and_uploaded_templates(checkout: Path) -> None:
    libraries = package.copied_libraries(checkout / "libraries", FOR_AWS)
    template, archives = package.build(
        libraries, archives_at="s3://packages/", templates_at="https://packages/"
    )
    functions, layer, access = archives
    assert archives[access] == ACCESS.encode()
    assert template == (
        TEMPLATE.replace("CodeUri: ../functions/", f"CodeUri: s3://packages/{functions}")
        .replace("../layers/common/", f"s3://packages/{layer}")
        .replace("access.yaml", f"https://packages/{access}")
    )
    assert names(archives[functions]) == {"sending/handler.py"}
    assert names(archives[layer]) == {
        "python/trial/codes.py",
        "python/trial/protocol/protocols/one.toml",
        "python/library.py",
    }


@pytest.mark.usefixtures("pip")
def test_on_the_local_stack_the_layer_points_at_the_installed_libraries(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = package.linked_libraries(checkout / "libraries")
    _, archives = package.build(libraries)
    _, layer, _ = archives.values()
    with zipfile.ZipFile(io.BytesIO(layer)) as packed:
        packed.extractall(checkout / "unpacked")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    # As the emulator does with a layer's site-packages.
    site.addsitedir(str(checkout / "unpacked/python/lib/python/site-packages"))
    (installed,) = (checkout / "libraries").glob("*/library.py")
    assert sys.path[0] == str(installed.parent)


@pytest.mark.usefixtures("pip")
def test_the_same_content_makes_the_same_archives(checkout: Path) -> None:
    before = package.build({"python/library.py": b""})
    for data in list(before[1].values())[:2]:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
        assert {entry.date_time[0] for entry in entries} == {1980}
    handler = checkout / "functions/sending/handler.py"
    os.utime(handler, (1, 1))
    handler.chmod(0o600)
    assert package.build({"python/library.py": b""}) == before
    assert package.build({"python/library.py": b"changed"})[0] != before[0]
    (checkout / "infra/access.yaml").write_text("Resources: {A: {}}\n")
    assert package.build({"python/library.py": b""})[0] != before[0]
    (checkout / "infra/access.yaml").write_text(ACCESS)
    handler.write_text("import trial  # changed")
    assert package.build({"python/library.py": b""})[0] != before[0]


def test_libraries_are_installed_once_for_each_reason(checkout: Path, pip: list[list[str]]) -> None:
    parent = checkout / "libraries"
    first = package.install_libraries(parent, [])
    assert package.install_libraries(parent, []) == first
    package.REQUIREMENTS.write_text("library==2")
    second = package.install_libraries(parent, [])
    third = package.install_libraries(parent, FOR_AWS)
    assert len({first, second, third}) == len(pip) == 3
    assert set(parent.iterdir()) == {first, second, third}


def test_two_commands_may_install_the_same_at_once(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = checkout / "libraries"

    def install(folder: Path, _: object) -> None:
        folder.mkdir()
        (folder / "library.py").touch()
        if len(list(parent.iterdir())) == 1:
            package.install_libraries(parent, [])

    monkeypatch.setattr(package, "install", install)
    folder = package.install_libraries(parent, [])
    assert list(parent.iterdir()) == [folder]
    assert [file.name for file in folder.iterdir()] == ["library.py"]


def test_pip_installs_only_pinned_files(checkout: Path, pip: list[list[str]]) -> None:
    package.copied_libraries(checkout / "libraries", FOR_AWS)
    assert {"--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile", *FOR_AWS} < set(
        pip[0]
    )


def test_a_failed_install_shows_its_error_and_leaves_nothing_behind(checkout: Path) -> None:
    package.REQUIREMENTS.write_text("--no-such-option")
    parent = checkout / "libraries"
    with pytest.raises(SystemExit, match=r"no such option(.|\n)*Is there a network\?"):
        package.install_libraries(parent, [])
    assert list(parent.iterdir()) == []


def test_a_full_disk_is_not_reported_as_a_network_failure(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*command: object, **_: object) -> None:
        raise subprocess.CalledProcessError(1, str(command), stderr="No space left on device")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(SystemExit, match=r"disk is full: it takes 60 MB\.$"):
        package.install_libraries(checkout / "libraries", [])


def test_a_hanging_install_times_out(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PIP_SECONDS", 0)
    with pytest.raises(SystemExit, match="timed out"):
        package.install_libraries(checkout / "libraries", [])


def test_a_missing_folder_is_refused_by_name(checkout: Path) -> None:
    (checkout / "infra/template.yaml").write_text(TEMPLATE.replace("../functions", "../funktions"))
    with pytest.raises(SystemExit, match=r"template\.yaml names \.\./funktions/"):
        package.build({})
