"""Which images a Dockerfile builds on: read from its text alone, nothing is fetched. Pure, and bounded.

Images are named by FROM, by ``COPY --from`` and ``RUN --mount=from=``, and by the directive ``syntax``, whose image
BuildKit builds with. What stands for a stage of the same file is none, and neither is ``scratch``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum

import msgspec

from shared.domain.waves.dockerfile_lines import Instruction, instructions, raw_words
from shared.domain.waves.dockerfile_words import Variables
from shared.errors import MalformedInput

SCRATCH = "scratch"
MOST_IMAGES = 200
_MOST_ARGUMENTS = 500
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STAGE = re.compile(r"[a-z][a-z0-9-_.]*")
# What BuildKit gives every build; ACR builds for this platform unless its task says otherwise.
_PLATFORM = {
    f"{side}{name}": value
    for side in ("BUILD", "TARGET")
    for name, value in (("PLATFORM", "linux/amd64"), ("OS", "linux"), ("ARCH", "amd64"), ("VARIANT", ""))
}


class NamedBy(Enum):
    """What names an image in a Dockerfile."""

    FROM = "from"  # a stage begins with it
    COPY = "copy"  # files are copied out of it
    MOUNT = "mount"  # it is mounted while a command runs
    SYNTAX = "syntax"  # the builder that BuildKit fetches to read the file


class Named(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image that a Dockerfile names.

    Attributes:
        line: on which the instruction begins, from 1.
        by: what names it.
        written: as it stands there.
        image: with its variables in their places; empty if that cannot be said.
        platform: the platform that it is taken of, if the file says so.
        arguments: build arguments that it depends on: whoever builds may give others.
        unclear: why it cannot be said; empty if it can.
    """

    line: int
    by: NamedBy
    written: str
    image: str = ""
    platform: str = ""
    arguments: tuple[str, ...] = ()
    unclear: str = ""


def images_of(content: bytes, arguments: Mapping[str, str] | None = None) -> tuple[Named, ...]:
    """Return the images that a Dockerfile names, in its order.

    Args:
        content: the file.
        arguments: build arguments, as ``--build-arg`` gives them.

    Raises:
        MalformedInput: no builder could read it; the message says where.
    """
    parts = instructions(content)
    found = [Named(parts.syntax_line, NamedBy.SYNTAX, parts.syntax, parts.syntax)] if parts.syntax else []
    reading = _Reading(parts.escape, arguments or {})
    for one in parts.each:
        found += reading.images(one)
        if len(found) > MOST_IMAGES:
            raise MalformedInput(f"line {one.line}: a Dockerfile that names more than {MOST_IMAGES} images is not read")
    if not reading.stages:
        raise MalformedInput("no FROM stands in it, so this is no Dockerfile")
    return tuple(found)


class _Reading:
    def __init__(self, escape: str, arguments: Mapping[str, str]) -> None:
        self._escape = escape
        self._given = arguments
        self._variables = Variables(escape)
        self._variables.replaced(_PLATFORM)
        self._declared = 0
        self._names: set[str] = set()
        self.stages = 0

    def images(self, one: Instruction) -> Iterator[Named]:
        """Read an instruction."""
        if one.keyword == "ARG" and not self.stages:  # one inside a stage is nothing to FROM
            self._declare(one)
        elif one.keyword == "FROM":
            yield from self._stage(one)
        elif one.keyword == "COPY":
            yield from self._taken(one, NamedBy.COPY, (value for name, value in self._flags(one) if name == "from"))
        elif one.keyword == "RUN":
            mounts = (value for name, value in self._flags(one) if name == "mount")
            yield from self._taken(one, NamedBy.MOUNT, filter(None, map(_source, mounts)))

    def _declare(self, one: Instruction) -> None:
        for word in self._words(one):
            name, given, default = word.partition("=")
            self._declared += 1
            if not _NAME.fullmatch(name) or self._declared > _MOST_ARGUMENTS:
                raise MalformedInput(f"line {one.line}: ARG {word[:80]} declares no argument that could be read")
            if name in self._given:
                self._variables.replaced({name: self._given[name]})
            elif given:
                self._variables.replaced({name: self._expanded(default, one.line)})

    def _expanded(self, word: str, line: int) -> str:
        try:
            return self._variables.expand(word)
        except MalformedInput as error:
            raise MalformedInput(f"line {line}: {error}") from error

    def _stage(self, one: Instruction) -> Iterator[Named]:
        flags, words = _parted(one.rest.split())
        if len(words) != 1 and not (len(words) == 3 and words[1].upper() == "AS"):
            raise MalformedInput(f"line {one.line}: FROM takes an image, and AS with a name: {one.rest[:120]!r}")
        name = words[2].lower() if len(words) == 3 else ""
        if name and not _STAGE.fullmatch(name):
            raise MalformedInput(f"line {one.line}: {words[2][:80]!r} is no name of a stage")
        found = self._named(one.line, NamedBy.FROM, words[0], dict(flags).get("platform", ""))
        if not self._is_no_image(found.image):
            yield found
        self.stages += 1
        self._names.update([name] if name else [])

    def _named(self, line: int, by: NamedBy, written: str, platform: str = "") -> Named:
        self._variables.used, self._variables.missing = set(), set()
        try:
            image, on = self._variables.expand(written), self._variables.expand(platform)
        except MalformedInput as error:
            return Named(line, by, written, unclear=str(error), arguments=self._arguments())
        if missing := sorted(self._variables.missing):
            why = f"it depends on {', '.join(missing)}, which no ARG before the first FROM gives a value"
            return Named(line, by, written, unclear=why, arguments=self._arguments())
        if not image:
            return Named(line, by, written, unclear="nothing is left of it", arguments=self._arguments())
        return Named(line, by, written, image, on, self._arguments())

    def _arguments(self) -> tuple[str, ...]:
        return tuple(sorted(self._variables.used - _PLATFORM.keys()))

    def _taken(self, one: Instruction, by: NamedBy, sources: Iterator[str]) -> Iterator[Named]:
        """What stands there is a stage's name or number, or an image, and never a variable."""
        for source in sources:
            if source.isdecimal() or self._is_no_image(source):
                continue
            if "$" in source:
                why = "variables are not put in their places there: make it a stage, by a FROM of its own"
                yield Named(one.line, by, source, unclear=why)
            else:
                yield Named(one.line, by, source, source)

    def _is_no_image(self, name: str) -> bool:
        return name.lower() == SCRATCH or name.lower() in self._names

    def _flags(self, one: Instruction) -> Iterator[tuple[str, str]]:
        words = raw_words(one.rest, self._escape)
        yield from _parted(list(one.rest.split() if words is None else words))[0]

    def _words(self, one: Instruction) -> tuple[str, ...]:
        words = raw_words(one.rest, self._escape)
        if not words:
            raise MalformedInput(f"line {one.line}: ARG {one.rest[:80]} declares no argument that could be read")
        return words


def _parted(words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the flags that words begin with, by names, and the other words."""
    flags: list[tuple[str, str]] = []
    for at, word in enumerate(words):
        if not word.startswith("--") or word == "--":
            return flags, words[at:]
        name, _, value = word.removeprefix("--").partition("=")
        flags.append((name.lower(), value.strip("\"'")))
    return flags, []


def _source(mount: str) -> str:
    pairs = (field.partition("=") for field in mount.split(","))
    return next((value.strip("\"'") for name, _, value in pairs if name.strip().lower() == "from"), "")
