"""Package URLs, https://github.com/package-url/purl-spec, and whether one that is more general covers another."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

# For these the specification makes the name small, and for the last one the underscore a hyphen.
_SMALL = frozenset({"deb", "apk", "oci", "github", "bitbucket", "composer", "pypi"})
_ESCAPED = re.compile(rb"%([0-9A-Fa-f]{2})")

# What a package is called, whatever its version: kind, namespace and name.
Named = tuple[str, str, str]


class Purl(msgspec.Struct, frozen=True):
    """A package URL, taken apart.

    Attributes:
        kind: such as ``deb`` or ``oci``.
        namespace: such as ``debian``; empty if it has none.
        name: of the package.
        version: empty for all of them.
        qualifiers: such as ``arch``.
        subpath: a part of the package; empty for all of it.
    """

    kind: str
    namespace: str
    name: str
    version: str
    qualifiers: tuple[tuple[str, str], ...]
    subpath: str = ""

    @property
    def named(self) -> Named:
        """What it is called."""
        return self.kind, self.namespace, self.name

    def covers(self, other: Purl) -> bool:
        """Whether the other is this package: what this one leaves out may be anything, as OpenVEX has it."""
        if self.named != other.named or self.subpath not in {"", other.subpath}:
            return False
        return self.version in {"", other.version} and set(self.qualifiers) <= set(other.qualifiers)


@lru_cache(maxsize=4096)
def parse_purl(text: str) -> Purl | None:
    """Return a package URL taken apart; ``None`` if it is none."""
    scheme, colon, rest = text.partition(":")
    if scheme.lower() != "pkg" or not colon:
        return None
    rest, _, subpath = rest.partition("#")
    rest, _, said = rest.partition("?")
    rest = rest.strip("/")
    # An npm scope begins with the sign that stands before versions, where it is not written as %40.
    path, at, version = rest.rpartition("@") if "@" in rest.rpartition("/")[2] else (rest, "", "")
    kind, _, full = path.partition("/")
    namespace, _, name = full.rpartition("/")
    if not kind or not name:
        return None
    made = _made(kind.lower(), plain(namespace), plain(name), plain(version) if at else "", said)
    return msgspec.structs.replace(made, subpath=plain(subpath.strip("/"))) if subpath else made


def _made(kind: str, namespace: str, name: str, version: str, said: str) -> Purl:
    if kind in _SMALL:
        namespace, name = namespace.lower(), name.lower()
    if kind == "pypi":
        name = name.replace("_", "-")
    pairs = (part.partition("=") for part in said.split("&") if part)
    return Purl(kind, namespace, name, version, tuple((key.lower(), plain(value)) for key, _, value in pairs if value))


def plain(text: str) -> str:
    """Return a part with what is escaped in it as it is meant."""
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode()).decode(errors="replace")
