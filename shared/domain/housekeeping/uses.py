"""Which digests are needed, by the records of tags, candidates, scans and tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from shared.domain.housekeeping.reasons import Spared
from shared.domain.promotion.target import Target
from shared.domain.promotion.tool import Tool
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome

Uses = Mapping[Digest, Spared]
_ORDER = {reason: number for number, reason in enumerate(Spared)}


def merged(*found: Iterable[tuple[Digest, Spared]]) -> dict[Digest, Spared]:
    """Return each digest once, with the first of the reasons for which it is needed."""
    uses: dict[Digest, Spared] = {}
    for digest, reason in (each for one in found for each in one):
        if digest:
            uses[digest] = min(uses.get(digest, reason), reason, key=_ORDER.__getitem__)
    return uses


def of_target(target: Target) -> Iterator[tuple[Digest, Spared]]:
    """Iterate over the digests that a tag needs, wherever they lie."""
    yield from ((one, Spared.DECIDED) for one in (target.wanted, target.seen, target.arrived))
    if target.adopted is not None:
        yield target.adopted.digest, Spared.DECIDED
    if target.pinned is not None:
        yield target.pinned.digest, Spared.PINNED
    yield from ((one, Spared.UNDER_WAY) for one in _on_the_way(target))
    yield from ((one, Spared.AWAITED) for one in _awaited(target))
    yield from ((one, Spared.STAGED) for one in _passed_later(target))
    yield from ((one, Spared.FORMER) for one in _former(target))
    if target.hold is not None:
        yield from ((one, Spared.HELD) for one in (*target.passed, *_sighted(target), *_former(target)))


def _on_the_way(target: Target) -> Iterator[Digest]:
    if target.importing is not None:
        yield target.importing.digest
    yield from (one.digest for one in target.unsettled)


def _awaited(target: Target) -> Iterator[Digest]:
    """What has no answer yet; and what the source bears, which a person may still take against its gate."""
    if target.awaited is not None:
        yield target.awaited.digest
    if target.override is not None:
        yield target.override.digest
    if target.newest is not None:
        yield target.newest.digest
    yield from (one.digest for one in target.consents)
    yield from (one.digest for one in target.admissions if one.outcome is Outcome.HOLD)


def _passed_later(target: Target) -> Iterator[Digest]:
    """What passed and was sighted after what is wanted: it is decided as soon as nothing speaks against it."""
    orders = {one.digest: one.order for one in target.sightings}
    above = orders.get(target.wanted, 0)
    yield from (one for one in target.passed if orders.get(one, 0) > above)


def _former(target: Target) -> Iterator[Digest]:
    yield from (one.digest for one in target.former)
    if target.chosen is not None:
        yield from (target.chosen.digest, *target.chosen.instead)


def _sighted(target: Target) -> Iterator[Digest]:
    return (one.digest for one in target.sightings)


def of_tool(tool: Tool) -> Iterator[tuple[Digest, Spared]]:
    """Iterate over the digests that runs are given, or are about to be given."""
    yield tool.digest, Spared.DECIDED
    yield from ((one.digest, Spared.AWAITED) for one in tool.sightings)
