"""Put a planned question to an upstream, and return what is certain: what its catalogue says is confirmed by HEAD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shared.domain.observation import Observation, Presence
from shared.domain.questions import Question, Strategy
from shared.domain.references import Digest, Repository, Tag
from shared.domain.selection import choose, exact_tags
from shared.domain.watch_list import Image
from shared.errors import ServiceError
from shared.ports import Hints, Upstream


class Taken(msgspec.Struct, frozen=True):
    """A tag that an entry of the watch list takes: the entry, and the tag it gets in the base registry."""

    image: Image
    tag: Tag


class Answers(msgspec.Struct, frozen=True):
    """What a repository answered.

    Attributes:
        digests: of the tags that were asked about or are surely unchanged; ``None`` for one that is not there.
        taken: by upstream tag, who takes it.
        whole_list: whether all tags there are were seen.
        empty: whether the upstream listed no tags at all.
        problem: what broke the asking off; the tags without an answer are asked about again.
    """

    digests: Mapping[Tag, Digest | None]
    taken: Mapping[Tag, tuple[Taken, ...]]
    whole_list: bool = False
    empty: bool = False
    problem: ServiceError | None = None


def ask(
    upstream: Upstream,
    repository: Repository,
    question: Question,
    images: tuple[Image, ...],
    known: Mapping[Tag, Observation],
) -> Answers:
    """Ask an upstream about a repository.

    Args:
        upstream: whom.
        repository: about which.
        question: how.
        images: the entries of the watch list that watch it.
        known: its observations.

    Returns:
        The answers; a HEAD that breaks off keeps those before it.

    Raises:
        ServiceError: the list or the catalogue could not be had.
    """
    if question.strategy is Strategy.CATALOGUE:
        hints = upstream.hints(repository, question.since)
        if hints is not None:
            return _by_catalogue(upstream, repository, hints, images, known)
    if question.strategy is Strategy.LIST or any(image.needs_listing for image in images):
        return _by_list(upstream, repository, images, known)
    taken = _taken(images, ())
    return _by_heads(upstream, repository, tuple(taken), taken, {})


def ask_again(
    upstream: Upstream, repository: Repository, images: tuple[Image, ...], known: Mapping[Tag, Observation]
) -> Answers:
    """Ask about each tag that is known or wanted exactly, whatever lists and catalogues say."""
    taken = _taken(images, known)
    return _by_heads(upstream, repository, (*taken, *known), taken, {})


def _by_list(
    upstream: Upstream, repository: Repository, images: tuple[Image, ...], known: Mapping[Tag, Observation]
) -> Answers:
    tags = upstream.tags(repository)
    if not tags:
        return Answers({}, _taken(images, known), empty=True)
    taken = _taken(images, tags)
    missing = _gone(known, tags)
    answers = _by_heads(upstream, repository, (*taken, *missing), taken, {})
    return msgspec.structs.replace(answers, whole_list=True)


def _by_catalogue(
    upstream: Upstream,
    repository: Repository,
    hints: Hints,
    images: tuple[Image, ...],
    known: Mapping[Tag, Observation],
) -> Answers:
    if hints.complete and not hints.hints:
        return Answers({}, _taken(images, known), empty=True)
    told = {hint.tag: hint.digest for hint in hints.hints}
    taken = _taken(images, told if hints.complete else {**dict.fromkeys(known), **told})
    same = {tag: known[tag].digest for tag in taken if _is_same(tag, told, known, complete=hints.complete)}
    missing = _gone(known, told) if hints.complete else _still_gone(known, told)
    asked = tuple(tag for tag in taken if tag not in same and tag not in missing)
    asked += missing if hints.complete else ()
    answers = _by_heads(upstream, repository, asked, taken, same)
    return msgspec.structs.replace(answers, whole_list=hints.complete)


def _is_same(tag: Tag, told: Mapping[Tag, Digest], known: Mapping[Tag, Observation], *, complete: bool) -> bool:
    """A catalogue's word is enough to believe that nothing changed; that something did is confirmed by HEAD."""
    observation = known.get(tag)
    if observation is None or not observation.digest or observation.presence is Presence.GONE or observation.trouble:
        return False
    return told[tag] == observation.digest if tag in told else not complete


def _still_gone(known: Mapping[Tag, Observation], told: Mapping[Tag, Digest]) -> tuple[Tag, ...]:
    """Tags that were not there, and were not pushed since either."""
    return tuple(tag for tag, seen in known.items() if seen.presence is Presence.GONE and tag not in told)


def _gone(known: Mapping[Tag, Observation], listed: Iterable[Tag]) -> tuple[Tag, ...]:
    """Tags that were there and are not listed any more; HEAD has the last word on them."""
    there = set(listed)
    return tuple(tag for tag, seen in known.items() if tag not in there and seen.presence is Presence.PRESENT)


def _taken(images: tuple[Image, ...], tags: Iterable[Tag]) -> dict[Tag, tuple[Taken, ...]]:
    listed = tuple(tags)
    taken: dict[Tag, tuple[Taken, ...]] = {}
    for image in images:
        chosen = dict(exact_tags(image.rules))
        if image.needs_listing:
            chosen |= {Tag(choice.tag): choice.target for choice in choose(image.rules, listed) if choice.target}
        for tag, target in chosen.items():
            taken[tag] = (*taken.get(tag, ()), Taken(image, target))
    return taken


def _by_heads(
    upstream: Upstream,
    repository: Repository,
    tags: tuple[Tag, ...],
    taken: Mapping[Tag, tuple[Taken, ...]],
    same: Mapping[Tag, Digest],
) -> Answers:
    digests: dict[Tag, Digest | None] = dict(same)
    for tag in dict.fromkeys(tags):
        try:
            digests[tag] = upstream.digest(repository, tag)
        except ServiceError as error:
            return Answers(digests, taken, problem=error)
    return Answers(digests, taken)
