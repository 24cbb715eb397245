"""Which images that builds take leave the organisation, and what is written instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

import msgspec

from shared.domain.references import Digest, Repository, Tag
from shared.domain.waves.references import Reference, parse_reference
from shared.errors import InvalidReference

_AZURE = re.compile(r"[a-z0-9-]+\.azurecr\.(?:io|cn|us)(?::443)?")


class Origin(Enum):
    """Where an image comes from."""

    OURS = "ours"  # one of the registries that the settings name
    PUBLIC = "public"  # a registry of the world: it leaves the organisation
    NOT_KNOWN = "not-known"  # another registry of Azure, or a host without a domain: nobody here says whose it is
    UNCLEAR = "unclear"  # what image it is cannot be said


class Advice(Enum):
    """What is to be done about an image that does not come from a registry of ours."""

    NOTHING = "nothing"  # it comes from one
    WRITE = "write"  # the base registry has it: write that instead
    WAIT = "wait"  # the watch list asks for it, and it has not come into the base registry yet
    WATCH_TAG = "watch-tag"  # the watch list asks for other tags of its repository: ask for this one, or take one
    WATCH = "watch"  # nobody watches its repository: ask for it
    SAY = "say"  # say which image it is, by an ARG with a default


class Here(msgspec.Struct, frozen=True):
    """Where the base registry has, or is to have, a tag of an upstream repository.

    Attributes:
        place: the tag, such as ``base/node:22``.
        entry: the name of the entry of the watch list.
        digest: what the tag was last seen to be there; empty if it has not come yet.
    """

    place: str
    entry: str
    digest: Digest = Digest("")


class Ours(msgspec.Struct, frozen=True):
    """What is known here of images.

    Attributes:
        hosts: of our registries.
        base: login server of the base registry.
        here: where it has tags of upstream repositories.
        watched: the repositories of which the watch list asks for any.
    """

    hosts: frozenset[str]
    base: str
    here: Mapping[tuple[Repository, Tag], Here]
    watched: frozenset[Repository]


class Taken(msgspec.Struct, frozen=True):
    """An image that a build takes.

    Attributes:
        image: with its registry, tag and digest.
        origin: where it comes from.
        advice: what is to be done.
        instead: what is written instead; empty if there is nothing yet.
        entry: the entry of the watch list that asks for it; empty if none does.
        others: the first of what is there of the same repository, where this tag is not.
        why: the same in a sentence.
    """

    image: str
    origin: Origin
    advice: Advice
    instead: str = ""
    entry: str = ""
    others: tuple[str, ...] = ()
    why: str = ""

    @property
    def leaves(self) -> bool:
        """Whether it comes from a registry of the world."""
        return self.origin is Origin.PUBLIC


_OTHERS_NAMED = 5


def taken(image: str, ours: Ours) -> Taken:
    """Say of an image where it comes from, and what is written instead.

    Args:
        image: as it is written, with its variables in their places.
        ours: what is known here.
    """
    try:
        found = parse_reference(image)
    except InvalidReference as error:
        return unclear(image, str(error))
    origin = _origin(found.repository.registry, ours.hosts)
    if origin is Origin.OURS:
        return Taken(str(found), origin, Advice.NOTHING, why="it comes from a registry of ours")
    return _advised(found, origin, ours)


def unclear(image: str, why: str) -> Taken:
    """Return that nobody can say which image it is."""
    return Taken(image, Origin.UNCLEAR, Advice.SAY, why=why)


def _origin(host: str, hosts: frozenset[str]) -> Origin:
    if host.removesuffix(":443") in hosts:
        return Origin.OURS
    name = host.rpartition(":")[0] or host
    unknown = _AZURE.fullmatch(host) or "." not in name or name.startswith("[") or _is_address(name)
    return Origin.NOT_KNOWN if unknown else Origin.PUBLIC


def _is_address(host: str) -> bool:
    return all(part.isdecimal() for part in host.split("."))


def _advised(found: Reference, origin: Origin, ours: Ours) -> Taken:
    tag = Tag(found.tag or ("" if found.digest else "latest"))
    here = ours.here.get((found.repository, tag)) or _by_digest(found, ours)
    if here is not None and here.digest:
        instead = f"{ours.base}/{here.place}"
        if not found.digest:
            return Taken(str(found), origin, Advice.WRITE, instead, here.entry, why="the base registry has it")
        same = found.digest == here.digest
        pinned = f"{instead}@{here.digest}" if same else instead
        why = "the base registry has it by this digest" if same else "the base registry's tag is another digest by now"
        return Taken(str(found), origin, Advice.WRITE, pinned, here.entry, why=why)
    if here is not None:
        why = f"it is to come to {ours.base}/{here.place}, and has not yet"
        return Taken(str(found), origin, Advice.WAIT, entry=here.entry, why=why)
    return _not_here(found, origin, ours)


def _by_digest(found: Reference, ours: Ours) -> Here | None:
    """A digest that no tag names may be one that a tag is there."""
    if found.tag or not found.digest:
        return None
    there = (one for (name, _), one in sorted(ours.here.items()) if name == found.repository)
    return next((one for one in there if one.digest == found.digest), None)


def _not_here(found: Reference, origin: Origin, ours: Ours) -> Taken:
    if found.repository not in ours.watched:
        why = f"no entry of the watch list watches {found.repository}"
        return Taken(str(found), origin, Advice.WATCH, why=why)
    there = sorted(one.place for (name, _), one in ours.here.items() if name == found.repository and one.digest)
    others = tuple(f"{ours.base}/{place}" for place in there[:_OTHERS_NAMED])
    why = f"the watch list asks for other tags of {found.repository}"
    return Taken(str(found), origin, Advice.WATCH_TAG, others=others, why=why)
