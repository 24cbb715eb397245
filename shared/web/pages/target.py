"""The page of one tag of the base registry: what is wanted and why, what it bore before, what people said of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.domain.promotion.admission import Admission, Waiting, in_use
from shared.domain.promotion.barring import bar_of, told_of_bar
from shared.domain.promotion.board import Wish, waits_of, wishes
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.promotion.target_troubles import is_behind
from shared.domain.references import Digest
from shared.ports import Event
from shared.web.pages.deeds import Deed
from shared.web.pages.offers import OfferView
from shared.web.shown_records import record_told

# What travels with images is loaded where something does.
if TYPE_CHECKING:
    from shared.domain.travel.companions import Companions


class Known(msgspec.Struct, frozen=True):
    """A digest that the tag knows: from when or until when, and what is said of it."""

    digest: Digest
    at: datetime | None
    words: tuple[str, ...]
    candidate: str
    admission: Admission | None


class Ruling(msgspec.Struct, frozen=True):
    """Something that people said of the tag, in a word, with who said so."""

    what: str
    said: Said
    digest: str = ""
    until: datetime | None = None


class Beside(msgspec.Struct, frozen=True):
    """What lies beside what is wanted, in words.

    Attributes:
        referrers: what refers to it, and how much of that the base registry has; empty where nobody asks.
        names: the names that it keeps, each with whether it bears it.
        record: how the record of the decision stands; empty where nothing was done for one.
        locks: what is locked of it, and by whom; empty where nothing is.
    """

    referrers: str
    names: tuple[tuple[str, bool], ...]
    record: str = ""
    locks: str = ""


class TargetView(msgspec.Struct, frozen=True):
    """What the page shows."""

    target: Target
    place: str
    wishes: tuple[Wish, ...]
    rulings: tuple[Ruling, ...]
    waits_for: Waiting | None
    until: datetime | None
    bar: str
    behind: bool
    in_use: str
    newest: Known | None
    previous: tuple[Known, ...]
    sighted: tuple[Known, ...]
    lines: tuple[Event, ...]
    under_way: bool
    beside: Beside | None = None
    offers: tuple[OfferView, ...] = ()
    done: Deed | None = None


def target_view(
    target: Target,
    lines: tuple[Event, ...],
    offers: tuple[OfferView, ...] = (),
    companions: Companions | None = None,
    done: Deed | None = None,
) -> TargetView:
    """Return what the page shows of a target: of what lies beside what it wants, what can be done, and what was."""
    waits_for, until = waits_of(target)
    bar = bar_of(target)
    newest = target.newest
    return TargetView(
        target=target,
        place=str(target.place),
        wishes=tuple(wishes(target)),
        rulings=_rulings(target),
        waits_for=waits_for,
        until=until,
        bar=told_of_bar(bar) if bar is not None else "",
        behind=is_behind(target),
        in_use=in_use(target),
        newest=_known(target, newest.digest, newest.first_seen) if newest is not None else None,
        previous=tuple(_known(target, one.digest, one.until, foreign=one.foreign) for one in target.former),
        sighted=tuple(_known(target, one.digest, one.first_seen) for one in reversed(target.sightings)),
        lines=lines,
        under_way=target.importing is not None or (bool(target.wanted) and target.reached != target.number),
        beside=_beside(companions) if companions is not None else None,
        offers=offers,
        done=done if done is not None and done.about == target.id else None,
    )


def _beside(companions: Companions) -> Beside:
    from shared.domain.travel.telling import told_counts, told_locks  # noqa: PLC0415

    names = tuple((str(one.name), one.landed_at is not None) for one in companions.unique)
    record = record_told(companions.record) if companions.record is not None else ""
    return Beside(told_counts(companions), names, record, told_locks(companions))


def _known(target: Target, digest: Digest, at: datetime | None, *, foreign: bool = False) -> Known:
    admission = next((one for one in target.admissions if one.digest == digest), None)
    found = candidate_id(target.origin.source, digest, target.origin.gate)
    return Known(digest, at, _words(target, digest, foreign), found, admission)


def _words(target: Target, digest: Digest, foreign: bool) -> tuple[str, ...]:
    told = {
        "wanted": digest == target.wanted,
        "in the registry": digest == target.seen,
        "passed": digest in target.passed,
        "taken against its gate": any(one.digest == digest for one in target.forced),
        "blocked": target.blocks(digest),
        "put there by others": foreign,
    }
    return tuple(word for word, holds in told.items() if holds)


def _rulings(target: Target) -> tuple[Ruling, ...]:
    """What is in force of what people said, each with its author."""
    found = [Ruling("held", target.hold)] if target.hold is not None else []
    if target.pinned is not None:
        found.append(Ruling("pinned", target.pinned.said, target.pinned.digest, target.pinned.until))
    if target.chosen is not None:
        found.append(Ruling(target.chosen.why.value, target.chosen.said, target.chosen.digest))
    found += [Ruling("blocked", one.said, one.digest) for one in target.blocked]
    return tuple(found)
