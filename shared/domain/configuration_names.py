"""The files of the configuration that people write by the API: their names, and how large each may be. Pure."""

from __future__ import annotations

import re

import msgspec

from shared.errors import InvalidReference

_KIB = 1024
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


class Written(msgspec.Struct, frozen=True):
    """Files of one kind.

    Attributes:
        pattern: their names.
        most: how many bytes each may have.
    """

    pattern: re.Pattern[str]
    most: int


LIST = Written(re.compile(rf"images\.yaml|images/{_PART}\.ya?ml"), 1024 * _KIB)
WAIVERS = Written(re.compile(r"waivers\.yaml"), 1024 * _KIB)
VEX = Written(re.compile(rf"vex/{_PART}\.json"), 1024 * _KIB)
EXPLOITED = Written(re.compile(r"known-exploited\.json"), 8 * 1024 * _KIB)
NOTIFY = Written(re.compile(r"notify\.yaml"), 256 * _KIB)
TRUST = Written(re.compile(rf"trust(/{_PART}){{1,6}}"), 256 * _KIB)


def kind_of(name: str) -> Written:
    """Return of which kind a file is.

    Raises:
        InvalidReference: it is none that people write by the API.
    """
    for kind in (LIST, WAIVERS, VEX, EXPLOITED, NOTIFY, TRUST):
        if kind.pattern.fullmatch(name):
            return kind
    raise InvalidReference(
        f"{name[:100]!r} is no file of the configuration: images.yaml, images/*.yaml, waivers.yaml, vex/*.json, "
        "known-exploited.json, notify.yaml, or one under trust/"
    )


def file_named(segment: str) -> str:
    """Read a file's name from one segment of an address, where ``/`` is written ``%2F`` or ``~``.

    Raises:
        InvalidReference: it is none that people write by the API.
    """
    name = re.sub("%2f", "/", segment, flags=re.IGNORECASE).replace("~", "/")
    kind_of(name)
    return name
