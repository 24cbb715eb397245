"""Keeps a tag from a digest until what its entry wants beside it is there, and has that brought."""

from __future__ import annotations

import msgspec

from shared.domain.promotion.reconciling import bore_before
from shared.domain.promotion.said import Why
from shared.domain.promotion.target import Target
from shared.domain.travel.changes import wanted
from shared.domain.travel.companions import Companions, Want, companions_id
from shared.domain.watching.travelling import Travelling
from shared.rules.companion_book import CompanionBook

# What these decide is new; whoever goes back, or takes over what stands there, finds the name that it has or none.
_NAMED = frozenset({Why.NEWEST, Why.PINNED, Why.AGAINST_GATE})
_BY_PEOPLE = frozenset({Why.PINNED, Why.ROLLED_BACK, Why.AGAINST_GATE})


class CompanionBar:
    """Says whether a tag waits for the companions of what is wanted; what is not known of them yet is begun.

    Args:
        book: where companions are.
    """

    def __init__(self, book: CompanionBook) -> None:
        self._book = book

    def keeps(self, target: Target, asked: Travelling) -> bool:
        """Whether a tag may not be moved to what is wanted yet.

        What the tag has borne before is put back at once, and what should lie beside it is looked at meanwhile.

        Args:
            target: the record of the tag.
            asked: what its entry asks to travel; where that is nothing, nothing is read or written.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if not asked.asks:
            return False
        now, want = self._book.clock(), self._want(target, asked)
        fresh = Companions(
            registry=self._book.registry,
            repository=target.repository,
            digest=target.wanted,
            source=target.origin.source,
            staging=target.staging_repository(target.wanted),
            traceparent=target.traceparent,
        )
        stored = self._book.read(target.repository, target.wanted)
        name = companions_id(self._book.registry, target.repository, target.wanted)
        written = self._book.change(name, lambda known: wanted(_of(known, fresh), want, now), stored)
        if written is None:
            return False
        if stored is None or written.record.step != stored.record.step:
            self._book.wake(written.record)
        known = written.record.want(target.tag)
        return known is not None and known.ready_at is None

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


def _of(known: Companions | None, fresh: Companions) -> Companions:
    """Where it can be had is what was said last: another target may have come to it by another upstream."""
    if known is None:
        return fresh
    return msgspec.structs.replace(known, source=fresh.source, staging=fresh.staging)
