"""Files that make an image look like a distribution with packages, for a scanner to read; see ``push_image``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Files = Mapping[str, str | bytes]

_DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
_FEDORA = 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=43\n'
_JAR_TIME = (2026, 1, 2, 3, 4, 6)


@dataclass(frozen=True)
class Package:
    """An installed package; ``source`` is what advisories name it by, where it differs."""

    name: str
    version: str
    source: str = ""


def debian(packages: Iterable[Package]) -> Files:
    """Return the files of a Debian 12 that has these packages; with none, it says nothing of any."""
    status = "\n".join(_dpkg(package) for package in packages)
    files = {"/etc/os-release": _DEBIAN, "/etc/debian_version": "12.12\n"}
    return {**files, "/var/lib/dpkg/status": status} if status else files


def alpine(packages: Iterable[Package]) -> Files:
    """Return the files of an Alpine 3.22 that has these packages."""
    return {
        "/etc/os-release": "ID=alpine\nVERSION_ID=3.22.2\n",
        "/etc/alpine-release": "3.22.2\n",
        "/lib/apk/db/installed": "".join(_apk(package) for package in packages),
    }


def jar(group: str, artifact: str, version: str) -> bytes:
    """Return a Java archive that says what it is, always by the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        name = f"META-INF/maven/{group}/{artifact}/pom.properties"
        text = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
        archive.writestr(zipfile.ZipInfo(name, _JAR_TIME), text)
    return content.getvalue()


def _dpkg(package: Package) -> str:
    source = f"Source: {package.source}\n" if package.source else ""
    head = f"Package: {package.name}\nStatus: install ok installed\nArchitecture: amd64\n"
    return f"{head}Version: {package.version}\n{source}Maintainer: the twin\nDescription: made up\n"


def _apk(package: Package) -> str:
    origin = package.source or package.name
    return f"P:{package.name}\nV:{package.version}\nA:x86_64\nT:made up\no:{origin}\nL:MIT\n\n"


_PLAIN = (Package("base-files", "12.4+deb12u12"), Package("libc6", "2.36-9+deb12u13", "glibc"))

# Held against ``advisories.KNOWN``.
FIXABLE_CRITICAL = debian([*_PLAIN, Package("libssl3", "3.0.11-1~deb12u2", "openssl")])
FIXED = debian([*_PLAIN, Package("libssl3", "3.0.17-1~deb12u3", "openssl")])
UNFIXED_HIGH = debian([*_PLAIN, Package("zlib1g", "1:1.2.13.dfsg-1", "zlib")])
CLEAN = debian(_PLAIN)
NO_PACKAGES = debian([])
UNSUPPORTED = {"/etc/os-release": _FEDORA}
ALPINE_HIGH = alpine([Package("busybox", "1.37.0-r19"), Package("musl", "1.2.5-r10")])
ALPINE_CLEAN = alpine([Package("busybox", "1.37.0-r19")])
JAVA_CRITICAL = {**CLEAN, "/opt/app/parser.jar": jar("org.example", "parser", "2.0.0")}
