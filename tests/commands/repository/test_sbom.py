"""The bill of materials: of what is pinned, what the runtime brings, and which needs which."""

import json
import tomllib
from importlib.metadata import Distribution, distributions
from typing import Any

import pytest
from cyclonedx.output.json import JsonV1Dot6

from commands.repository import sbom
from tests.support.samples import ROOT

PINS = (ROOT / "requirements/layer.txt").read_text()
GROUP = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["layer"]


@pytest.fixture(scope="module")
def installed() -> list[Distribution]:
    return list(distributions())


@pytest.fixture(scope="module")
def document(installed: list[Distribution]) -> dict[str, Any]:
    found = sbom.bill(PINS, "1.35.69", installed, GROUP)
    made: dict[str, Any] = json.loads(JsonV1Dot6(found).output_as_string())
    return made


def component(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in document["components"] if each["name"] == name)
    assert isinstance(found, dict)
    return found


def needs(document: dict[str, Any], ref: str) -> list[str]:
    (found,) = (each for each in document["dependencies"] if each["ref"] == ref)
    return sorted(found.get("dependsOn", []))


def test_every_pin_is_listed_with_its_version_and_hashes(document: dict[str, Any]) -> None:
    pinned = [line.split()[0].split("==") for line in PINS.splitlines() if "==" in line]
    assert len(pinned) > 5
    for name, version in pinned:
        found = component(document, name)
        assert found["version"] == version
        (archives,) = found["externalReferences"]
        assert all(each["content"] in PINS for each in archives["hashes"])
        assert archives["hashes"]
        assert found["licenses"]


def test_the_root_depends_on_the_layer_s_pins_and_the_runtime(document: dict[str, Any]) -> None:
    root = document["metadata"]["component"]["bom-ref"]
    names = [ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in needs(document, root)]
    asked = {each.partition(">")[0] for each in GROUP}
    assert set(names) == asked | {"runtime:botocore", "runtime:python"}


def test_a_library_depends_on_what_its_metadata_says(document: dict[str, Any]) -> None:
    powertools = component(document, "aws-lambda-powertools")["bom-ref"]
    names = [ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in needs(document, powertools)]
    assert names == ["jmespath", "typing-extensions"]


def test_botocore_is_listed_with_the_runtime_s_lowest_version(document: dict[str, Any]) -> None:
    found = component(document, "botocore")
    told = {each["name"]: each["value"] for each in found["properties"]}
    assert "version" not in found
    assert told["dvpo-reminders:lowest-version"] == "1.35.69"
    assert "python3.13" in told["dvpo-reminders:provided-by"]
    assert "runtime:urllib3" in needs(document, found["bom-ref"])


def test_a_pin_unlike_the_installed_version_is_refused(installed: list[Distribution]) -> None:
    with pytest.raises(SystemExit, match=r"tzdata 1\.0 is pinned but not installed"):
        sbom.bill("tzdata==1.0 \\\n    --hash=sha256:0\n", "1.35.69", installed, ["tzdata"])


def test_the_command_writes_what_the_schema_allows(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sbom, "ROOT", tmp_path)
    monkeypatch.setattr(sbom, "OUTPUT", tmp_path / "build" / "sbom.json")
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "layer.txt").write_text(PINS)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    written = []
    for _ in range(2):
        sbom.main()
        written.append((tmp_path / "build" / "sbom.json").read_text())
    assert written[0] == written[1]
    assert json.loads(written[0])["bomFormat"] == "CycloneDX"
