"""Who is in the wave of a decision, who goes first and who is outside of it, by what is known of who builds. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from shared.domain.policy.rebuilding import ACR, Rebuilding
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.middles import Middle
from shared.domain.promotion.rebuilds import ApplicationTask, BuilderKind
from shared.domain.promotion.target import Target
from shared.domain.references import Tag
from shared.domain.waves.builders import Apart, Builder
from shared.domain.waves.graph import Hit
from shared.domain.waves.states import IN_FLIGHT, ON_IT
from shared.domain.waves.wave import Member, OtherBase, Outside, Wave

OWN_TRIGGER = "its own base image trigger is on, so that ACR rebuilds it at once"
DISABLED = "it is disabled"
_APART = {
    Apart.OWN_TRIGGER: OWN_TRIGGER,
    Apart.DISABLED: DISABLED,
    Apart.PINNED: "it names the digest of what it is built on: a rebuild would build on the same once more",
    Apart.CLAIM: "it is only an image's annotation that says so, which anybody could have written",
    Apart.NOT_ASKED: "nobody is asked for it",
    Apart.MAY_NOT_RUN: "the app's identity may not run it",
}


class Ground(msgspec.Struct, frozen=True):
    """What a wave is planned by.

    Attributes:
        target: the tag's record, with the decision.
        asked: what its entry asks for.
        hits: who is built on it, whoever others are built on before these.
        tasks: those of them that ACR Tasks runs, by their ids.
        kinds: who builds the others, by their ids; ``None`` if the settings name nobody.
        cycles: who is built on what they push, by way of each other.
        server: login server of the base registry.
        before: the wave of the decision before; ``None`` if there was none.
    """

    target: Target
    asked: Rebuilding
    hits: tuple[Hit, ...]
    tasks: Mapping[str, ApplicationTask]
    kinds: Mapping[str, BuilderKind | None]
    cycles: tuple[tuple[str, ...], ...]
    server: str
    before: Wave | None


class Planned(msgspec.Struct, frozen=True):
    """Who is in a wave, in the order in which they can be rebuilt, who is not, and what people are to know of that."""

    members: tuple[Member, ...]
    outside: tuple[Outside, ...]
    remarks: tuple[str, ...]


def planned(ground: Ground, now: datetime) -> Planned:
    """Return who is in the wave of a decision.

    Args:
        ground: what it is planned by.
        now: UTC.
    """
    outside = _outside(ground)
    inside = [one for one in ground.hits if one.builder.id not in outside]
    behind, failed = _behind(ground, inside), failed_before(ground.target)
    taken = [one for one in inside if one.builder.id in behind or one.builder.id in failed]
    named = [one.builder.id for one in taken if _is_named(ground, one)]
    first = _with_bases(named, taken)
    builders = {one.builder.id: one.builder for one in ground.hits}
    members = (_member(ground, one, builders, now, canary=one.builder.id in first) for one in taken)
    told = (Outside(name, why) for name, why in sorted(outside.items()))
    return Planned(tuple(members), tuple(told), tuple(_remarks(ground, first - {*named})))


def failed_before(target: Target) -> tuple[str, ...]:
    """Return who failed on the digest from which the decision went back."""
    return next((one.canaries for one in target.canaried if one.restored == target.number), ())


def _is_named(ground: Ground, hit: Hit) -> bool:
    """Where the tag went back, those that failed are the control, and nobody else."""
    failed = failed_before(ground.target)
    known = {one.builder.id for one in ground.hits}
    if known & {*failed}:
        return hit.builder.id in failed
    return ground.asked.names(hit.builder.id, hit.builder.owner)


def _outside(ground: Ground) -> dict[str, str]:
    """Whoever takes the tag without a wave, or is not rebuilt, as is who is built on such alone."""
    bases = {base for one in ground.hits for base in one.after}
    found: dict[str, str] = {}
    for one in ground.hits:
        why = _why_apart(ground, one, bases) or _why_cut(one, found)
        if why:
            found[one.builder.id] = why
    return found


def _why_apart(ground: Ground, hit: Hit, bases: Iterable[str]) -> str:
    """ACR runs whoever has a trigger by itself; but who waits for such a one has to hear of it."""
    name, apart = hit.builder.id, hit.apart
    if apart in {Apart.CLAIM, Apart.PINNED}:
        return _APART[apart]
    if why := _why_nobody(ground, name):
        return why
    named = name in failed_before(ground.target) or ground.asked.names(name, hit.builder.owner)
    waited_for = apart is Apart.OWN_TRIGGER and (hit.after or name in bases)
    return "" if apart is None or named or waited_for else _APART[apart]


def _why_nobody(ground: Ground, name: str) -> str:
    dispatcher = name.partition(":")[0]
    if dispatcher == ACR:
        return "" if name in ground.tasks else "no application registry lists it"
    return "" if ground.kinds.get(name) is not None else f"the settings name no {dispatcher}, so nobody is asked for it"


def _why_cut(hit: Hit, outside: Mapping[str, str]) -> str:
    left = [one for one in hit.on if one.builder not in outside]
    cut = next((one.builder for one in hit.on if one.builder in outside), "")
    return f"it is built on what {cut} pushes, which is not rebuilt in the wave" if cut and not left else ""


def _behind(ground: Ground, inside: Iterable[Hit]) -> frozenset[str]:
    """Who is built on something else than what was decided, or on what such a one pushes."""
    found: set[str] = set()
    for one in inside:
        direct = any(_is_direct_behind(ground, one, edge.digest) for edge in one.on if not edge.builder)
        if direct or found & {*one.after} or _was_built(ground, one):
            found.add(one.builder.id)
    return frozenset(found)


def _is_direct_behind(ground: Ground, hit: Hit, digest: str) -> bool:
    """Whose digest nobody knows, and who was not asked for before, is not behind what a tag goes back to."""
    back = bool(failed_before(ground.target)) and ground.before is not None
    if digest or not back:
        return digest != ground.target.wanted
    return _known_before(ground, hit) is None or _was_built(ground, hit)


def _was_built(ground: Ground, hit: Hit) -> bool:
    """What is kept of tasks may be older than what the wave before brought about, or still does."""
    known = _known_before(ground, hit)
    moved = ground.before is not None and ground.before.digest != ground.target.wanted
    return moved and known is not None and known.state in ON_IT | IN_FLIGHT


def _known_before(ground: Ground, hit: Hit) -> Member | None:
    return ground.before.member(hit.builder.id) if ground.before is not None else None


def _with_bases(names: Iterable[str], hits: Iterable[Hit]) -> frozenset[str]:
    """Whoever goes first needs those first that it is built on, directly or by others."""
    after = {one.builder.id: one.after for one in hits}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in after and name not in found:
            found.add(name)
            waiting.extend(after[name])
    return frozenset(found)


def _remarks(ground: Ground, added: Iterable[str]) -> Iterator[str]:
    for cycle in ground.cycles:
        yield f"{' -> '.join((*cycle, cycle[0]))}: each is built on what the one before it pushes, and is rebuilt once"
    for one in sorted(added):
        yield f"{one} goes first as well, as a canary is built on what it pushes"


def _member(ground: Ground, hit: Hit, builders: Mapping[str, Builder], now: datetime, *, canary: bool) -> Member:
    name, task = hit.builder.id, ground.tasks.get(hit.builder.id)
    dispatcher, _, place = name.partition(":")
    middles = _middles(ground, hit, builders)
    bases = tuple(_other_bases(task, ground, middles)) if task is not None else ()
    return Member(
        target=name,
        registry=task.registry if task is not None else dispatcher,
        task=task.name if task is not None else place,
        resource=task.resource_id if task is not None else "",
        kind=ground.kinds.get(name) or BuilderKind.ACR_TASK,
        owner=hit.builder.owner,
        canary=canary,
        after=hit.after,
        bases=bases,
        middles=middles,
        retry_at=now + ground.asked.waits if bases and not canary else None,
    )


def _other_bases(task: ApplicationTask, ground: Ground, middles: Iterable[Middle]) -> Iterator[OtherBase]:
    host, between = base_name(ground.server, "x").removesuffix("x"), {(one.name, one.tag) for one in middles}
    own = (ground.target.repository, ground.target.tag)
    for one in task.dependencies:
        whole = base_name(one.registry, one.repository)
        path = whole.removeprefix(host)
        ours = bool(whole) and whole.startswith(host) and (whole, one.tag) not in between
        if one.tag and ours and (path, one.tag) != own:
            yield OtherBase(path, Tag(one.tag), one.digest)


def _middles(ground: Ground, hit: Hit, builders: Mapping[str, Builder]) -> tuple[Middle, ...]:
    """The images between, with all that each is known to have been: what is built on another one is built anew."""
    known = _known_before(ground, hit)
    before = {(one.name, one.tag): {*one.old, one.built} for one in (known.middles if known is not None else ())}
    found: dict[tuple[str, str], set[str]] = {}
    for edge in hit.on:
        if edge.builder in hit.after:
            name, _, tag = edge.image.rpartition(":")
            old = found.setdefault((name, tag), before.get((name, tag), set()))
            old.update({edge.digest, *_pushed(builders.get(edge.builder), name, tag)})
    return tuple(Middle(name, tag, tuple(sorted(old - {""}))) for (name, tag), old in sorted(found.items()))


def _pushed(builder: Builder | None, name: str, tag: str) -> Iterator[str]:
    for one in builder.pushes if builder is not None else ():
        if (one.name, one.tag) == (name, tag):
            yield one.digest
