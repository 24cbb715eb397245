"""Keeps a tag from a digest until what its entry wants beside it is there, and has that brought."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

import msgspec

from shared.domain.promotion.reconciling import bore_before
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Target
from shared.domain.travel.changes import listed, told, unlisted, wanted
from shared.domain.travel.companions import Companions, Want
from shared.domain.travel.telling import waits_because
from shared.domain.watching.travelling import ReferrerMode, Travelling
from shared.errors import Paced, TidegateError
from shared.rules.beside_lists import BesideLists
from shared.rules.companion_book import CompanionBook
from shared.rules.lock_bar import LockBar

log = logging.getLogger("tidegate.companions")

# What a first listing made of a record.
Begun = Callable[[Companions], Companions]

# What these decide is new; whoever goes back, or takes over what stands there, finds the name that it has or none.
_NAMED = frozenset({Why.NEWEST, Why.PINNED, Why.AGAINST_GATE})
_BY_PEOPLE = frozenset({Why.PINNED, Why.ROLLED_BACK, Why.AGAINST_GATE})


class CompanionBar:
    """Says whether a tag waits for the companions of what is wanted; what is not known of them yet is begun.

    Args:
        book: where companions are.
        lists: asks upstreams what refers to images.
        locks: gives who knows what is locked; asked for where an entry wants anything to be.
    """

    def __init__(self, book: CompanionBook, lists: BesideLists, locks: Callable[[], LockBar] | None = None) -> None:
        self._book = book
        self._lists = lists
        self._locks = locks

    def held(self, target: Target, asked: Travelling) -> str | None:
        """See ``LockBar.held``; where nothing is to be locked nobody asks whether something is."""
        return self._locks().held(target, asked) if asked.locks and self._locks is not None else None

    def landed(self, target: Target, asked: Travelling) -> None:
        """See ``LockBar.landed``."""
        if asked.locks and self._locks is not None:
            self._locks().landed(target, asked)

    def keeps(self, target: Target, asked: Travelling) -> str | None:
        """Return why a tag may not be moved to what is wanted yet; ``None`` if it may.

        What the tag has borne before is put back at once, and what should lie beside it is looked at meanwhile. What
        refers to an image is listed here for the first time: where nothing does, the tag waits for nothing at all.

        Args:
            target: the record of the tag.
            asked: what its entry asks to travel; where that is nothing, nothing is read or written.

        Returns:
            For people, what is in the way; empty if it is only a matter of time.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if not asked.asks:
            return None
        want, stored = self._want(target, asked), self._book.read(target.repository, target.wanted)
        fresh = self._fresh(target)
        begun = self._listed(fresh) if stored is None and asked.referrers is not ReferrerMode.OFF else None
        change = lambda known: self._wanted(known, fresh, want, begun)  # noqa: E731
        written = self._book.change(fresh.id, change, stored, absent=stored is None)
        if written is None:
            return None
        if stored is None or written.record != stored.record:
            self._book.wake(written.record)
        known = written.record.want(target.tag)
        waits = known is not None and known.ready_at is None
        return waits_because(written.record, known) if waits and known is not None else None

    def _wanted(self, known: Companions | None, fresh: Companions, want: Want, begun: Begun | None) -> Companions:
        """Whoever is let on at once needs not to be told."""
        now = self._book.clock()
        before = fresh if known is None else _from(known, fresh)
        after = wanted(before, want, now)
        after = begun(after) if begun is not None and known is None else after
        given = after.want(want.tag)
        at_once = given is not None and given.ready_at is not None and not given.told
        return told(after, want.tag, want.number, now) if at_once else after

    def _listed(self, fresh: Companions) -> Begun:
        """A list that fails is asked for again, and the tag waits for it if its entry says so."""
        now = self._book.clock()
        try:
            manifests = self._lists.manifests(fresh)
            listing = self._lists.of(fresh, manifests)
        except Paced:
            return lambda known: known
        except TidegateError as error:
            log.warning("what refers to %s is not known: %s", fresh.id, error)
            return _failing(error, now)
        return lambda known: listed(known, manifests, listing, now)

    def _fresh(self, target: Target) -> Companions:
        return Companions(
            registry=self._book.registry,
            repository=target.repository,
            digest=target.wanted,
            source=target.origin.source,
            staging=target.staging_repository(target.wanted),
            traceparent=target.traceparent,
        )

    def _want(self, target: Target, asked: Travelling) -> Want:
        now = self._book.clock()
        was_there = bore_before(target, target.wanted) or target.arrived == target.wanted
        return Want(
            tag=target.tag,
            number=target.number,
            at=target.decided_at or now,
            since=now,
            asked=asked,
            names=target.why in _NAMED,
            by_person=target.why in _BY_PEOPLE,
            ready_at=now if was_there else None,
            told=was_there,
        )


def _from(known: Companions, fresh: Companions) -> Companions:
    """Where it can be had is what was said last: another target may have come to it by another upstream."""
    return msgspec.structs.replace(known, source=fresh.source, staging=fresh.staging)


def _failing(error: TidegateError, now: datetime) -> Begun:
    return lambda known: unlisted(known, error, now)
