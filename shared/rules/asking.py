"""Put a planned question to an upstream, and return what is certain: what its catalogue says is confirmed by HEAD.

Requests are granted where they are made. What is not granted is put off: the tags asked least recently go first, those
in trouble last, so that neither a small budget nor a bad tag keeps any other from being asked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.budget import Grant, Refusal
from shared.domain.watching.observation import Observation, Presence
from shared.domain.watching.questions import CATALOGUES, Question, Strategy, Why
from shared.domain.watching.selection import choose, exact_tags
from shared.domain.watching.watch_list import Image
from shared.errors import ServiceError, TidegateError, Unavailable, UnusableAnswer
from shared.ports import Hints, Upstream

log = logging.getLogger("tidegate.check")

# Two minutes of a slow upstream: a message's repositories must be done with before the host ends the function.
MOST_HEADS = 1000
# The same of one that takes its time over each answer, in seconds.
LONGEST_LOOK = 120.0
_NEVER = datetime.min.replace(tzinfo=UTC)

# Grants requests to a host: the host, and how many are wanted.
Granting = Callable[[str, int], Grant]


class Taken(msgspec.Struct, frozen=True):
    """A tag that an entry of the watch list takes: the entry, and the tag it gets in the base registry."""

    image: Image
    tag: Tag

    @property
    def place(self) -> str:
        """Where it goes in the base registry, such as ``base/node:22``; of a tool, where in the staging registry."""
        place = f"{self.image.target}:{self.tag}"
        return f"{place} in staging" if self.image.is_tool else place


class Answers(msgspec.Struct, frozen=True):
    """What a repository answered.

    Attributes:
        digests: of the tags that were asked about or are surely unchanged; ``None`` for one that is not there.
        taken: by upstream tag, who takes it.
        whole_list: whether all tags there are were seen.
        empty: whether the upstream listed no tags at all.
        troubles: of tags whose answer could not be used, and of the one that broke the asking off.
        problem: what broke the asking off; the tags without an answer are asked about again.
        put_off: why not everything was asked, and until when; ``None`` if it was.
    """

    digests: Mapping[Tag, Digest | None]
    taken: Mapping[Tag, tuple[Taken, ...]]
    whole_list: bool = False
    empty: bool = False
    troubles: Mapping[Tag, ServiceError] = {}
    problem: ServiceError | None = None
    put_off: Grant | None = None

    def is_doubtful(self, known: Mapping[Tag, Observation]) -> bool:
        """Whether everything that was there is gone at once: more likely the upstream's trouble than its wish."""
        there = {tag for tag, seen in known.items() if seen.presence is Presence.PRESENT}
        nothing = self.problem is None and self.put_off is None and not any(self.digests.values())
        return bool(there) if self.empty else nothing and not there.isdisjoint(self.digests)


class Asked(msgspec.Struct, frozen=True):
    """Whom is asked about what, and what is known of it.

    Attributes:
        upstream: whom.
        repository: about which.
        images: the entries of the watch list that watch it.
        known: its observations.
        grant: grants requests.
    """

    upstream: Upstream
    repository: Repository
    images: tuple[Image, ...]
    known: Mapping[Tag, Observation]
    grant: Granting


def ask(asked: Asked, question: Question) -> Answers:
    """Ask an upstream about a repository.

    Args:
        asked: whom about what.
        question: how.

    Returns:
        The answers; a HEAD that breaks off keeps those before it.

    Raises:
        ServiceError: the list or the catalogue could not be had.
        Conflict: the budget is fought over.
    """
    try:
        return _ask(asked, question)
    except TidegateError:
        raise
    except Exception as error:
        log.exception("what %s answered broke off the check", asked.repository)
        raise unforeseen(asked.repository, error) from error


def unforeseen(repository: Repository, error: Exception) -> Unavailable:
    """Return what an exception of one repository is: that repository's failure, backed off from like any other."""
    kind = type(error).__name__
    return Unavailable(
        f"{repository}: its check was broken off by {kind}, which nobody foresaw; what is promoted stays, and it is "
        "checked again",
        code=kind,
    )


def exact_count(images: tuple[Image, ...]) -> int:
    """Return how many exact tags some entries of the watch list name of one repository."""
    return len({tag for image in images for tag in image.wanted})


def asks_catalogue(images: tuple[Image, ...]) -> bool:
    """Whether a repository's upstream is asked by its catalogue, if it has one: a single tag is asked for by HEAD."""
    return exact_count(images) > 1 or any(image.needs_listing for image in images)


def _ask(asked: Asked, question: Question) -> Answers:
    if question.strategy is Strategy.CATALOGUE:
        grant = asked.grant(CATALOGUES[asked.repository.registry], 1)
        if grant.refusal is not None:
            return Answers({}, {}, put_off=grant)
        hints = asked.upstream.hints(asked.repository, question.since)
        if hints is not None:
            return _by_catalogue(asked, hints)
    if question.strategy is Strategy.LIST or any(image.needs_listing for image in asked.images):
        return _by_list(asked)
    taken = _taken(asked.images, ())
    answers = _confirmed(asked, _by_heads(asked, tuple(taken), taken))
    return msgspec.structs.replace(answers, whole_list=question.why is Why.WHOLE_LIST_DUE)


def ask_again(asked: Asked) -> Answers:
    """Ask about each tag that is known or wanted exactly, whatever lists and catalogues say.

    Args:
        asked: whom about what.
    """
    taken = _taken(asked.images, asked.known)
    return _by_heads(asked, (*taken, *asked.known), taken)


def _by_list(asked: Asked) -> Answers:
    grant = asked.grant(asked.repository.registry, 1)
    if grant.refusal is not None:
        return Answers({}, {}, put_off=grant)
    tags = asked.upstream.tags(asked.repository)
    if not tags:
        return Answers({}, _taken(asked.images, asked.known), empty=True)
    taken = _taken(asked.images, tags)
    answers = _by_heads(asked, (*taken, *_gone(asked.known, tags)), taken)
    return msgspec.structs.replace(_not_gone(answers, tags), whole_list=True)


def _confirmed(asked: Asked, answers: Answers) -> Answers:
    """Ask the registry's own list, where there is one, before a tag that was there is said to be gone."""
    gone = {tag for tag, digest in answers.digests.items() if digest is None}
    if answers.problem is not None or gone.isdisjoint(_present(asked.known)):
        return answers
    grant = asked.grant(asked.repository.registry, 1)
    if grant.refusal is not None:
        kept = {tag: digest for tag, digest in answers.digests.items() if digest is not None}
        return msgspec.structs.replace(answers, digests=kept, put_off=grant)
    try:
        return _not_gone(answers, asked.upstream.tags(asked.repository))
    except ServiceError as error:
        return answers if not error.temporary else _unsure(answers, dict.fromkeys(gone, error))


def _not_gone(answers: Answers, listed: Iterable[Tag]) -> Answers:
    """A tag that its registry lists and denies having is in trouble, and not gone."""
    denied = {tag for tag in listed if tag in answers.digests and answers.digests[tag] is None}
    why = "the registry lists the tag and answers that it is not there; what is known of it stays"
    return _unsure(answers, {tag: UnusableAnswer(f"{tag}: {why}", code="404") for tag in denied})


def _unsure(answers: Answers, troubles: Mapping[Tag, ServiceError]) -> Answers:
    if not troubles:
        return answers
    digests = {tag: digest for tag, digest in answers.digests.items() if tag not in troubles}
    problem = answers.problem or (None if digests else next(iter(troubles.values())))
    return msgspec.structs.replace(answers, digests=digests, troubles={**answers.troubles, **troubles}, problem=problem)


def _by_catalogue(asked: Asked, hints: Hints) -> Answers:
    known, images = asked.known, asked.images
    if hints.complete and not hints.hints:
        return Answers({}, _taken(images, known), empty=True)
    told = {hint.tag: hint.digest for hint in hints.hints}
    taken = _taken(images, told if hints.complete else {**dict.fromkeys(_present(known)), **told})
    same = {tag: known[tag].digest for tag in taken if _is_same(tag, told, known, complete=hints.complete)}
    missing = _gone(known, told) if hints.complete else _still_gone(known, told)
    wanted = tuple(tag for tag in taken if tag not in same and tag not in missing)
    wanted += missing if hints.complete else ()
    answers = _by_heads(asked, wanted, taken, same)
    answers = answers if hints.complete else _confirmed(asked, answers)
    return msgspec.structs.replace(answers, whole_list=hints.complete)


def _is_same(tag: Tag, told: Mapping[Tag, Digest], known: Mapping[Tag, Observation], *, complete: bool) -> bool:
    """A catalogue's word is enough to believe that nothing changed; that something did is confirmed by HEAD."""
    observation = known.get(tag)
    if observation is None or not observation.digest or observation.presence is Presence.GONE or observation.trouble:
        return False
    if observation.doubted is not None:  # a second look is one at the registry itself
        return False
    return told[tag] == observation.digest if tag in told else not complete


def _present(known: Mapping[Tag, Observation]) -> tuple[Tag, ...]:
    """Tags that were there; one that is gone must not count among the newest."""
    return tuple(tag for tag, seen in known.items() if seen.presence is Presence.PRESENT)


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
    asked: Asked,
    tags: tuple[Tag, ...],
    taken: Mapping[Tag, tuple[Taken, ...]],
    same: Mapping[Tag, Digest] = {},
) -> Answers:
    wanted = sorted(dict.fromkeys(tags), key=lambda tag: _turn(asked.known.get(tag)))
    grant = _granted(asked, len(wanted))
    digests, troubles = dict[Tag, Digest | None](same), dict[Tag, ServiceError]()
    ends = time.monotonic() + LONGEST_LOOK
    for tag in wanted[: grant.requests]:
        if time.monotonic() > ends:
            grant = Grant(grant.requests, Refusal.ENOUGH)
            break
        try:
            digests[tag] = asked.upstream.digest(asked.repository, tag)
        except UnusableAnswer as error:
            troubles[tag] = error
        except ServiceError as error:
            return Answers(digests, taken, troubles={**troubles, tag: error}, problem=error)
    problem = None if digests else next(iter(troubles.values()), None)
    put_off = grant if grant.refusal is not None else None
    return Answers(digests, taken, troubles=troubles, problem=problem, put_off=put_off)


def _granted(asked: Asked, wanted: int) -> Grant:
    if not wanted:
        return Grant(0)
    grant = asked.grant(asked.repository.registry, min(wanted, MOST_HEADS))
    if grant.refusal is None and wanted > MOST_HEADS:
        return Grant(grant.requests, Refusal.ENOUGH)
    return grant


def _turn(seen: Observation | None) -> tuple[bool, datetime]:
    return (bool(seen.trouble), seen.last_checked) if seen else (False, _NEVER)
