"""Worlds in which people decided something, lost their storage account, and have a document of what they decided."""

from __future__ import annotations

from datetime import timedelta

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.decisions.checking import read_decisions
from shared.domain.decisions.document import written
from shared.domain.decisions.outcome import BroughtBack
from shared.domain.decisions.records import Decisions
from shared.domain.decisions.words import Fate
from shared.domain.promotion.actions import Declined
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from tests.doubles.world import BASE, TAG, TARGET, World

ID = f"{BASE}~base~node~22-alpine"
KEY = Caller(Kind.KEY, "0123456789ab", "restore", frozenset({Role.OPERATOR}))


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    look(world)


def look(world: World) -> None:
    """Let the timer check the upstream, and everything that follows from it."""
    world.pass_time(timedelta(minutes=30))
    world.check()
    world.settle()


def said(world: World, why: str = "it breaks the shop") -> Said:
    """Say something now."""
    world.pass_time(timedelta(seconds=1))
    return Said("ada (person ada@33-44)", why, world.clock())


def person(world: World, name: str = "ada") -> Caller:
    """Somebody with both roles who signed in some minutes ago."""
    at = world.clock() - timedelta(minutes=10)
    return Caller(Kind.PERSON, f"{name}@33-44", name, frozenset({Role.APPROVER, Role.OPERATOR}), at)


def acted(outcome: Target | Declined) -> Target:
    """Return what came of an act that was not refused."""
    assert isinstance(outcome, Target), outcome
    return outcome


def export(world: World) -> bytes:
    """Return the document as people keep it."""
    return written(world.exporter.export())


def lose(world: World) -> bytes:
    """Export what people decided, and lose the account some hours later."""
    text = export(world)
    world.pass_time(timedelta(hours=5))
    world.lose_account()
    return text


def bring_back(world: World, text: bytes, caller: Caller = KEY, *, dry_run: bool = False) -> BroughtBack:
    """Import a document."""
    return world.importer.take(read(world, text), caller, dry_run=dry_run)


def read(world: World, text: bytes) -> Decisions:
    """Read a document as the API does."""
    return read_decisions(text, world.clock())


def fates(outcome: BroughtBack) -> set[Fate]:
    """Return what became of what a document says."""
    return {line.fate for line in outcome.lines}


def borne(world: World) -> Digest | None:
    """Return what the base registry's tag points at."""
    return world.base.digest(TARGET, TAG)
