"""What is in an image as a CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/), written and read.

It says of a distribution's package its source, too, in the properties that Trivy writes and reads, for advisories are
about sources. What Trivy finds by such a document is what it finds in the image; ``tests/twin`` holds them together.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.references import Digest
from shared.domain.scan.packages import Package, Packages, is_of_system, name_of, version_of
from shared.errors import MalformedInput

_PROPERTY = "aquasecurity:trivy:"
_SPACE = uuid.UUID("6f1d7d8e-3c70-4a63-9f37-1f2b3c4d5e6f")


class Described(msgspec.Struct, frozen=True):
    """Which image a document is about, and when it was looked at, UTC."""

    repository: str
    digest: Digest
    platform: str
    at: datetime


class _Property(msgspec.Struct, frozen=True):
    name: str
    value: str = ""


class _Component(msgspec.Struct, frozen=True):
    type: str
    name: str
    version: str = ""
    purl: str = ""
    properties: tuple[_Property, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    format: str = msgspec.field(name="bomFormat")
    components: tuple[_Component, ...] = ()


_READ = msgspec.json.Decoder(_Document)


def document_of(described: Described, listed: Packages) -> bytes:
    """Return the document of an image; the same for the same arguments."""
    name = described.repository.rpartition("/")[2]  # nothing in it is to be escaped
    purl = f"pkg:oci/{name}@{described.digest.replace(':', '%3A')}"
    image: dict[str, Any] = {
        "bom-ref": "image",
        "type": "container",
        "name": described.repository,
        "version": described.digest,
        "purl": purl,
        "properties": [{"name": "tidegate:platform", "value": described.platform}],
    }
    about = {"timestamp": described.at, "component": image}
    number = uuid.uuid5(_SPACE, f"{described.digest} {described.platform} {described.at.isoformat()}")
    return written(listed, {"serialNumber": f"urn:uuid:{number}"}, about)


def written(listed: Packages, more: dict[str, Any], about: dict[str, Any]) -> bytes:
    """Return a document of packages; ``more`` and ``about`` say whose they are."""
    family, version = listed.system
    system = {"bom-ref": "system", "type": "operating-system", "name": family, "version": version}
    components = [*([system] if family else []), *map(_component, listed.packages)]
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", **more, "version": 1, "metadata": about}
    return msgspec.json.encode({**head, "components": components})


def read_document(text: bytes) -> Packages:
    """Read a document that was written here.

    Raises:
        MalformedInput: it is none.
    """
    try:
        document = _READ.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"it is no CycloneDX document: {error}") from error
    system = next((one for one in document.components if one.type == "operating-system"), None)
    packages = tuple(_package(one) for one in document.components if one.purl)
    return Packages((system.name, system.version) if system else ("", ""), packages)


def _component(package: Package) -> dict[str, Any]:
    """The epoch is said apart of the version, in the URL and in the properties alike."""
    epoch, version = _split(package.source_version)
    said = {"SrcName": package.source, "SrcVersion": version, "SrcEpoch": epoch}
    properties = [{"name": f"{_PROPERTY}{name}", "value": value} for name, value in said.items() if value]
    component: dict[str, Any] = {
        "bom-ref": package.purl,
        "type": "library",
        "name": name_of(package.purl),
        "version": version_of(package.purl),
        "purl": package.purl,
    }
    return {**component, "properties": properties} if is_of_system(package.purl) else component


def _package(component: _Component) -> Package:
    said = {one.name.removeprefix(_PROPERTY): one.value for one in component.properties}
    epoch, version = said.get("SrcEpoch", ""), said.get("SrcVersion", "")
    return Package(component.purl, said.get("SrcName", ""), f"{epoch}:{version}" if epoch else version)


def _split(version: str) -> tuple[str, str]:
    epoch, colon, rest = version.partition(":")
    return (epoch, rest) if colon and epoch.isdigit() else ("", version)
