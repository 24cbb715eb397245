"""The cheapest question that tells whether a repository has changed: pure, with a named reason.

Docker Hub's catalogue: https://docs.docker.com/reference/api/hub/latest/ . Lists of tags:
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

import msgspec

from shared.domain.references import DOCKER_HUB, MCR, Repository
from shared.domain.watching.budget import LONGEST_SILENCE

# Upstreams whose catalogue answers for a whole repository at once, and the host whose limit that counts against.
CATALOGUES = {DOCKER_HUB: "hub.docker.com", MCR: MCR}
# What was pushed lately is told by increments; what was deleted, only by the whole list.
WHOLE_LIST_EVERY = timedelta(days=1)
# Clocks differ, and a page of a catalogue may be some minutes old.
OVERLAP = timedelta(minutes=10)
# Of checks each quarter of an hour every other one writes that there was one.
CHECKED_KEPT_FOR = timedelta(minutes=20)
# Who is well again is not left alone for longer than one who said how long to wait.
FIRST_BACKOFF, LONGEST_BACKOFF = timedelta(minutes=1), LONGEST_SILENCE
# An upstream that lists no tags at all where there were some is not believed before it has said so three times.
EMPTY_LISTS_DOUBTED = 3


class Strategy(Enum):
    """How a repository is asked."""

    HEADS = "heads"  # one HEAD for each exact tag
    CATALOGUE = "catalogue"  # the upstream's catalogue, and a HEAD for what it says has changed
    LIST = "list"  # the registry's own list of tags, and a HEAD for each that is taken


class Why(Enum):
    """Why a strategy was picked."""

    ONE_TAG = "one-tag"  # one HEAD is one request, and the truth
    EXACT_TAGS = "exact-tags"  # the tags are known, and the upstream has no catalogue
    ONE_REQUEST = "one-request"  # the catalogue answers for all tags at once
    WHOLE_LIST_DUE = "whole-list-due"  # what was deleted shows only where all tags are asked about
    PATTERNS = "patterns"  # which tags there are has to be seen first


class Question(msgspec.Struct, frozen=True):
    """What to ask.

    Attributes:
        strategy: how.
        why: the reason.
        since: for a catalogue: what was pushed before is known; ``None`` for everything.
    """

    strategy: Strategy
    why: Why
    since: datetime | None = None


class RepositoryState(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is remembered of a repository as a whole.

    Attributes:
        checked_at: when it last gave an answer, UTC.
        seen_at: when all its tags were last seen to be as their observations say, UTC; see ``observation.dated``.
        whole_list_at: when all its tags were last asked about, UTC.
        rules: what the watch list asked for then; the list is read anew when that changes.
        failures: how often in a row it gave none.
        next_at: not to be asked before, after failures, UTC.
        trouble: why it gave none.
        deferred: why it was put off when its upstream's budget was short; empty if it was not.
        empty_lists: how often in a row it listed no tags although there were some.
        order: the latest that a digest of it was given; see ``shared.domain.watching.observation.next_order``.
        waits: how many of its new tags are not begun yet, and why, for people; empty if all are.
        reads: whether its manifests are read, as its registry does not tell by HEAD what they are.
    """

    checked_at: datetime | None = None
    seen_at: datetime | None = None
    whole_list_at: datetime | None = None
    rules: str = ""
    failures: int = 0
    next_at: datetime | None = None
    trouble: str = ""
    deferred: str = ""
    empty_lists: int = 0
    order: int = 0
    waits: str = ""
    reads: bool = False


def plan(
    repository: Repository, state: RepositoryState, *, exact: int, patterns: bool, rules: str, now: datetime
) -> Question:
    """Pick the cheapest question.

    Args:
        repository: which.
        state: what is remembered of it.
        exact: how many exact tags are watched.
        patterns: whether anything else than exact tags is.
        rules: what the watch list asks for, as one text.
        now: UTC.

    Returns:
        The question.
    """
    if exact <= 1 and not patterns:
        return Question(Strategy.HEADS, Why.ONE_TAG)
    if repository.registry in CATALOGUES:
        return _catalogue(repository, state, rules, now, patterns=patterns)
    if patterns:
        return Question(Strategy.LIST, Why.PATTERNS)
    return Question(Strategy.HEADS, Why.EXACT_TAGS)


def _catalogue(
    repository: Repository, state: RepositoryState, rules: str, now: datetime, *, patterns: bool
) -> Question:
    """Docker Hub tells all tags in pages, of which there may be a hundred: where tags are named, HEADs of these do."""
    whole = state.whole_list_at
    if whole is None or state.checked_at is None or state.rules != rules or now - whole > WHOLE_LIST_EVERY:
        named = repository.registry == DOCKER_HUB and not patterns
        return Question(Strategy.HEADS if named else Strategy.CATALOGUE, Why.WHOLE_LIST_DUE)
    return Question(Strategy.CATALOGUE, Why.ONE_REQUEST, state.checked_at - OVERLAP)


def deferred(
    state: RepositoryState, refusal: str, until: datetime | None, asked_at: datetime | None = None
) -> RepositoryState:
    """Return the state of a repository that is put off because its upstream's budget is short: that is no failure.

    Args:
        state: before.
        refusal: why.
        until: when to ask again, UTC.
        asked_at: when some of its tags were asked about all the same, UTC; the next turn is that of other repositories.
    """
    checked_at = asked_at or state.checked_at
    return msgspec.structs.replace(state, checked_at=checked_at, deferred=refusal, next_at=until)


def worth_writing(known: RepositoryState, new: RepositoryState) -> bool:
    """Whether a state says something new; that a repository was checked once more is written only now and then."""
    same = msgspec.structs.replace(new, checked_at=known.checked_at, seen_at=known.seen_at) == known
    if not same or known.checked_at is None or new.checked_at is None:
        return not same or new.checked_at is not known.checked_at
    return new.checked_at - known.checked_at > CHECKED_KEPT_FOR


def merged(written: RepositoryState, new: RepositoryState) -> RepositoryState:
    """Return the state to keep where another check wrote one since: the later answer counts, and every order.

    What was written since may be about tags that the new answer saw otherwise: it does not say when all were seen.
    """
    later = written.checked_at and (new.checked_at is None or written.checked_at > new.checked_at)
    if later:
        return written
    return msgspec.structs.replace(new, order=max(written.order, new.order), seen_at=written.seen_at)


def answered(
    state: RepositoryState, *, whole_list: bool, rules: str, now: datetime, waits: str = ""
) -> RepositoryState:
    """Return the state after a repository gave an answer about all that was asked; ``waits``, what is not begun yet."""
    whole_list_at = now if whole_list else state.whole_list_at
    return RepositoryState(
        checked_at=now,
        seen_at=now,
        whole_list_at=whole_list_at,
        rules=rules,
        order=state.order,
        waits=waits,
        reads=state.reads,
    )


def failed(
    state: RepositoryState, problem: str, now: datetime, wait: float | None, *, partly: bool = False
) -> RepositoryState:
    """Return the state after a repository gave none: it is left alone for a growing time, and keeps the last error.

    Args:
        state: before.
        problem: why, for people.
        now: UTC.
        wait: seconds the upstream asked for, if it did; it is asked again sooner where that is very long.
        partly: whether it answered for some of its tags: an upstream that fails now and then fails some look at a
            hundred tags nearly always, and the time that it is left alone does not grow.
    """
    before = 0 if partly else state.failures
    pause = min(FIRST_BACKOFF * (1 << min(before, 16)), LONGEST_BACKOFF)
    next_at = now + max(pause, min(timedelta(seconds=wait or 0), LONGEST_SILENCE))
    return msgspec.structs.replace(state, failures=before + 1, next_at=next_at, trouble=problem[:1000], deferred="")


def listed_nothing(state: RepositoryState) -> tuple[RepositoryState, bool]:
    """Return the state after an empty list where there were tags, and whether it is to be believed by now."""
    times = state.empty_lists + 1
    return msgspec.structs.replace(state, empty_lists=times), times >= EMPTY_LISTS_DOUBTED
