"""The types of what stands in paths: how each is read, and what it is for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from shared.domain.configuration_names import file_named
from shared.domain.evidence import parse_evidence_name
from shared.domain.promotion.identity import group_of
from shared.domain.promotion.target import parts_of_target
from shared.domain.references import parse_digest
from shared.domain.waves.ids import parts_of_wave
from shared.errors import InvalidReference
from shared.web.problems import Problem

_DESTINATION = re.compile(r"[a-z][a-z0-9-]{0,63}")
_NOTICE = re.compile(r"[0-9a-f]{32}")
_REBUILD = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}~[a-z0-9._-]{1,120}~[0-9a-f]{32}")
_IMAGE = re.compile(r"[^/\\%\x00-\x1f\x7f]{1,200}")


class Parameter(msgspec.Struct, frozen=True):
    """A segment of a path.

    Attributes:
        read: reads it; raises ``InvalidReference`` for what is none.
        meaning: one sentence for people.
        example: one that can be asked for.
        pattern: what every value of it matches, for clients; empty if only ``read`` tells.
    """

    read: Callable[[str], object]
    meaning: str
    example: str
    pattern: str = ""


def _image(text: str) -> str:
    """An entry may be resumed by a name that no watch list would take any more, so its grammar is not asked for."""
    if not _IMAGE.fullmatch(text):
        raise InvalidReference(f"image: {text[:80]!r} is not the name of an entry of the watch list")
    return text


def _destination(text: str) -> str:
    if not _DESTINATION.fullmatch(text):
        raise InvalidReference(f"destination: {text[:80]!r} is not the name of a destination, such as team-chat")
    return text


def _notice(text: str) -> str:
    if not _NOTICE.fullmatch(text):
        raise InvalidReference(f"notice: {text[:80]!r} is not the id of a notice: 32 of 0 to 9 and a to f")
    return text


def _rebuild(text: str) -> str:
    if not _REBUILD.fullmatch(text):
        raise InvalidReference(f"rebuild: {text[:80]!r} is not the id of a rebuild")
    return text


def _problem(text: str) -> str:
    if text not in {one.value for one in Problem}:
        raise InvalidReference(f"{text[:80]!r} is no type of problem")
    return text


_PART = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_FILES = (
    rf"images\.yaml|images~{_PART}\.ya?ml|waivers\.yaml|vex~{_PART}\.json|known-exploited\.json|notify\.yaml|"
    rf"trust(~{_PART}){{1,6}}"
)
_PROBLEMS = "|".join(one.value for one in Problem)
_DIGEST = f"sha256:{'0' * 64}"
PARAMETERS: Mapping[str, Parameter] = {
    "candidate": Parameter(
        group_of,
        "A candidate's id, as lists of candidates tell it.",
        f"docker.io~library~node~~node~{'0' * 32}",
        r"^[a-z0-9._~-]{1,450}$",
    ),
    "destination": Parameter(
        _destination, "The name of a destination of notices.", "team-chat", r"^[a-z][a-z0-9-]{0,63}$"
    ),
    "file": Parameter(
        file_named,
        "The name of a file below config/, with ~ for each slash.",
        "images.yaml",
        f"^({_FILES})$",
    ),
    "digest": Parameter(
        parse_digest, "A digest of a manifest.", _DIGEST, r"^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"
    ),
    "evidence": Parameter(
        parse_evidence_name,
        "The name of a piece of evidence, as it is listed.",
        "scan-1-1.log",
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$",
    ),
    "image": Parameter(_image, "The name of an entry of the watch list.", "node", r"^[^/\\%\x00-\x1f\x7f]{1,200}$"),
    "notice": Parameter(_notice, "The id of a notice, as lists of notices tell it.", "0" * 32, r"^[0-9a-f]{32}$"),
    "problem": Parameter(_problem, "The name of a type of problem.", Problem.NOT_FOUND.value, f"^({_PROBLEMS})$"),
    "target": Parameter(
        parts_of_target,
        "A target's id, as lists of targets tell it: the base registry's name, the repository and the tag.",
        "tidegatebase~base~node~22-alpine",
        r"^[A-Za-z0-9._~-]{1,500}$",
    ),
    "rebuild": Parameter(
        _rebuild,
        "The id of a rebuild, as lists of rebuilds tell it.",
        f"contosoapps~shop~{'0' * 32}",
        r"^[a-z0-9][a-z0-9._-]{0,80}~[a-z0-9._-]{1,120}~[0-9a-f]{32}$",
    ),
    "wave": Parameter(
        parts_of_wave,
        "A wave's id, as lists of waves tell it: its target's id, and the number of the decision.",
        "tidegatebase~base~node~22-alpine~7",
        r"^[A-Za-z0-9._~-]{1,520}$",
    ),
}
