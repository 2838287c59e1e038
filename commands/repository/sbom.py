"""
Writes the bill of materials of the deployed code, as CycloneDX 1.6: build/sbom.json.

It lists the layer's pins with hashes and licences, the libraries of Lambda's runtime, and their
dependencies. AWS updates the runtime, so its libraries have no version here, apart from the lowest
botocore, which `trial.aws.clients` checks at a cold start.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from trial.aws.clients import LOWEST_BOTOCORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).parents[2]
OUTPUT: Final = ROOT / "build/sbom.json"
RUNTIME: Final = "AWS Lambda python3.13"
TARGET: Final = {
    "extra": "",
    "implementation_name": "cpython",
    "platform_machine": "aarch64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.13.0",
    "python_version": "3.13",
    "sys_platform": "linux",
}
"""Lambda's environment, which decides which requirements apply."""

FROM_RUNTIME: Final = ("botocore", "python-dateutil", "six", "urllib3")
"""The runtime's libraries that the code uses; jmespath is in the layer as well."""

PIN: Final = re.compile(r"^([\w.-]+)==([^\s;]+)(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def bill(
    pins: str, lowest_botocore: str, installed: Iterable[Distribution], group: list[str]
) -> Bom:
    """
    The bill of materials of the layer's requirements file.

    `installed` has each library's metadata; `group` lists the layer's direct requirements. Exits if
    a pin is not installed in that version.
    """
    known: dict[str, Distribution] = {
        canonicalize_name(each.metadata["Name"]): each for each in installed
    }
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, pins))
    bom.metadata.component = root = Component(
        name="dvpo-reminders",
        type=ComponentType.APPLICATION,
        bom_ref="dvpo-reminders",
        supplier=OrganizationalEntity(name="The DVPO reminders contributors"),
        licenses=[LicenseFactory().make_from_string("MIT")],
    )
    parts: dict[str, Component] = {}
    for name, version, rest in PIN.findall(pins):
        if name not in known or known[name].version != version:
            sys.exit(f"{name} {version} is pinned but not installed here: use make sbom")
        parts[name] = _pinned(known[name], re.findall(r"sha256:([0-9a-f]{64})", rest))
    for name in FROM_RUNTIME:
        lowest = lowest_botocore if name == "botocore" else ""
        parts[name] = _from_runtime(known[name], lowest)
    python = _from_runtime(None, "3.13")
    for component in (*parts.values(), python):
        bom.components.add(component)
    wanted = {canonicalize_name(Requirement(each).name) for each in group} | {"botocore"}
    bom.register_dependency(root, [*(parts[name] for name in sorted(wanted)), python])
    for name, component in parts.items():
        needed = sorted(set(_needed(known[name])) & parts.keys())
        bom.register_dependency(component, [parts[each] for each in needed])
    return bom


def _pinned(found: Distribution, hashes: list[str]) -> Component:
    name, version = canonicalize_name(found.metadata["Name"]), found.version
    purl = PackageURL("pypi", name=name, version=version)
    archives = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(purl)),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes],
    )
    licence = found.metadata["License-Expression"] or found.metadata["License"]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        licenses=[LicenseFactory().make_from_string(licence)] if licence else [],
        external_references=[archives],
    )


def _from_runtime(found: Distribution | None, lowest: str) -> Component:
    """A library of the runtime (Python itself if None), with its lowest version if one is known."""
    properties = [Property(name="dvpo-reminders:provided-by", value=RUNTIME)]
    if lowest:
        properties.append(Property(name="dvpo-reminders:lowest-version", value=lowest))
    name = canonicalize_name(found.metadata["Name"]) if found else "python"
    return Component(
        name=name,
        type=ComponentType.LIBRARY if found else ComponentType.PLATFORM,
        bom_ref=f"runtime:{name}",
        purl=PackageURL("pypi" if found else "generic", name=name),
        properties=properties,
    )


def _needed(found: Distribution) -> Iterator[str]:
    for text in found.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(TARGET):
            yield canonicalize_name(requirement.name)


def main() -> None:
    """Write the bill if it is valid."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    pins = (ROOT / "requirements/layer.txt").read_text("utf-8")
    lowest = ".".join(str(each) for each in LOWEST_BOTOCORE)
    found = bill(pins, lowest, distributions(), project["dependency-groups"]["layer"])
    document = json.loads(JsonV1Dot6(found).output_as_string())
    del document["metadata"]["timestamp"]  # the same pins give the same file
    text = json.dumps(document, indent=2) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"The bill of materials is not valid: {error}")
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(text, encoding="utf-8")
    print(f"{OUTPUT.relative_to(ROOT)}: what the layer has, and what {RUNTIME} brings.")


if __name__ == "__main__":
    main()
