"""What of all records is what people decided: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from shared.domain.access.api_keys import ApiKey
from shared.domain.decisions.records import FORMAT, Decisions, KeyName, SaidOfTarget
from shared.domain.promotion.decision import best, out_of_favour
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.said import Held, Said, Why
from shared.domain.promotion.target import Sighting, Target

# What people say of a tag, each with nothing as its default; adoption is what the watch list said for them.
_SAID = ("pinned", "chosen", "forced", "consents", "override", "waived", "hold", "blocked", "taken_back", "adopted")
_BESIDE = ("registry", "repository", "tag", "origin", "wanted", "why", "number", "decided_at", "former", "let_go")


def decisions_of(
    targets: Iterable[Target],
    rulings: Iterable[Ruling],
    keys: Iterable[ApiKey],
    *,
    registry: str,
    installation: str = "",
    now: datetime,
    lacks: Iterable[str] = (),
) -> Decisions:
    """Return the document of what people decided.

    Args:
        targets: of the base registry in force, and of former ones: what these were told and that was not told yet.
        rulings: what was said of digests and entries.
        keys: the API keys.
        registry: name of the base registry in force.
        installation: what the installation is called.
        now: UTC.
        lacks: what could not be read.
    """
    every, spoken = tuple(rulings), [one for one in (said_of(target) for target in targets) if one is not None]
    return Decisions(
        tidegate=FORMAT,
        exported_at=now,
        registry=registry,
        installation=installation,
        rulings=tuple(_ruled(every, spoken)),
        targets=tuple(sorted(spoken, key=lambda one: (one.registry, one.repository, one.tag))),
        keys=tuple(KeyName(key.id, key.name, key.role, key.made, key.revoked) for key in keys),
        lacks=tuple(lacks),
    )


def said_of(target: Target) -> SaidOfTarget | None:
    """Return what people said of a tag; ``None`` if nobody ever said anything.

    What is over, because a digest that was sighted later has passed, is left out: it would come back where nothing is
    known to have passed.
    """
    order = _order_in_force(target)
    chosen, adopted = target.chosen, target.adopted
    over = {
        "chosen": chosen if chosen is not None and order <= chosen.above else None,
        "adopted": adopted if adopted is not None and order <= adopted.above else None,
    }
    said = {name: getattr(target, name) for name in _SAID} | over
    if not any(said.values()):
        return None
    beside = {name: getattr(target, name) for name in _BESIDE}
    return SaidOfTarget(**beside, **said, sightings=tuple(_untraced(one) for one in target.sightings))


def _order_in_force(target: Target) -> int:
    """As deciding counts it, but for a pin, which may be over before this is read."""
    newest = best(target, out_of_favour(target))
    wanted = (one.order for one in target.sightings if one.digest == target.wanted)
    by_gate = target.why is Why.NEWEST and not target.blocks(target.wanted)
    return max(newest.order if newest else 0, next(wanted, 0) if by_gate else 0)


def _untraced(sighting: Sighting) -> Sighting:
    """The trace ended with its check."""
    return msgspec.structs.replace(sighting, traceparent="")


def _ruled(rulings: tuple[Ruling, ...], targets: list[SaidOfTarget]) -> Iterator[Ruling]:
    """Return every ruling; a block or hold that only a tag knows of is one, too, so that it can be taken back."""
    known = {(one.kind, one.subject) for one in rulings}
    yield from (msgspec.structs.replace(one, open=True) for one in rulings)
    for ruling in _of_targets(targets):
        if (ruling.kind, ruling.subject) not in known:
            known.add((ruling.kind, ruling.subject))
            yield ruling


def _of_targets(targets: Iterable[SaidOfTarget]) -> Iterator[Ruling]:
    for target in targets:
        yield from (Ruling(Kind.BLOCK, str(one.digest), one.said) for one in target.blocked)
        if target.hold is not None:
            yield Ruling(Kind.HOLD, target.hold.image or target.origin.image, _plain(target.hold))


def _plain(held: Held) -> Said:
    return Said(held.by, held.why, held.at)
