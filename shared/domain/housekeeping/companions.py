"""What housekeeping takes from the companions of a digest, and what they forget of what is deleted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import msgspec

from shared.domain.references import Digest, Tag
from shared.domain.travel.companions import Companions
from shared.domain.travel.next_step import Todo, needs_image, next_step, scheduled

# What was being imported when it was replaced arrives within hours, and is gone for good only after that.
RECORDS_STAY = timedelta(days=1)


def is_on_its_way(companions: Companions, now: datetime) -> bool:
    """Whether something of what is to lie beside a digest has still to come, or may come by itself."""
    if any(want.ready_at is None for want in companions.wants):
        return True
    follows = companions.follow_until is not None and companions.follow_until > now
    return follows or needs_image(companions) or next_step(companions, now) is not Todo.REST


def digests_of(companions: Companions) -> Iterator[Digest]:
    """Iterate over a digest, its platforms, and what refers to these."""
    yield companions.digest
    yield from companions.manifests
    yield from (one.digest for one in companions.referrers)


def replaced_in(companions: Companions, now: datetime) -> frozenset[Digest]:
    """Return the records of decisions about a digest that say what is not so any more, and may be deleted.

    What is said instead is there by then; and what was on its way when it was replaced has arrived.
    """
    record = companions.record.record if companions.record is not None else None
    if record is None or not record.is_settled or record.since is None or now - record.since < RECORDS_STAY:
        return frozenset()
    return frozenset(record.former) - {piece.digest for piece in record.pieces}


def forgotten(companions: Companions, gone: Collection[Digest]) -> Companions:
    """Return companions that do not know some replaced records any more, which are deleted."""
    recorded = companions.record
    if recorded is None or recorded.record is None:
        return companions
    former = tuple(one for one in recorded.record.former if one not in gone)
    record = msgspec.structs.replace(recorded.record, former=former)
    known = msgspec.structs.replace(recorded, record=record)
    return msgspec.structs.replace(companions, record=known, step=companions.step + 1)


def without(companions: Companions, names: Collection[Tag]) -> Companions:
    """Return companions that do not know some unique tags any more, nor the decisions for which these were made.

    Nothing brings them back then. The digest is in force for none of these tags: else it would not go.
    """
    tags = {one.tag for one in companions.unique if one.name in names}
    return msgspec.structs.replace(
        companions,
        unique=tuple(one for one in companions.unique if one.name not in names),
        wants=tuple(want for want in companions.wants if want.tag not in tags),
        step=companions.step + 1,
    )


def let_go(companions: Companions, now: datetime) -> Companions:
    """Return companions of a digest that is deleted: nothing is to lie beside it, until a tag wants it once more.

    What is ours of locks is not forgotten: a platform that stays for another index is opened, or left to that.
    """
    bare = Companions(
        registry=companions.registry,
        repository=companions.repository,
        digest=companions.digest,
        source=companions.source,
        staging=companions.staging,
        step=companions.step + 1,
    )
    return scheduled(msgspec.structs.replace(bare, traceparent=companions.traceparent, locks=companions.locks), now)
