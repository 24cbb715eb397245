"""Who builds images, on what, and which images they push: what the graph of rebuilds is made of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.rebuilding import ACR
from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.rebuilds import ApplicationTask, RebuildStatus
from shared.domain.promotion.task_runs import Pushed
from shared.domain.watching.rebuild_targets import RebuildTarget
from shared.domain.waves.references import Reference, parse_reference
from shared.domain.waves.results import Baseline
from shared.errors import InvalidReference

# A task's own words for what differs with each run, such as {{.Run.ID}} and $ID.
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}|\$\w+")
# What the ids of images begin with of whose builders nobody knows more than what they claim.
CLAIMED = "image"


class HowKnown(Enum):
    """How it is known that somebody builds on an image."""

    REPORTED = "reported"  # its last run said what it was built on
    LISTED = "listed"  # the watch list says so, under `rebuilds`
    CLAIMED = "claimed"  # an annotation of an image says so, which anybody could have written


class Apart(Enum):
    """Why a builder is in no wave, though it builds on what moves."""

    OWN_TRIGGER = "own-trigger"  # ACR's own base image trigger runs it at once
    MAY_NOT_RUN = "may-not-run"  # the app's identity may not run it, and its own trigger is off: nobody rebuilds it
    DISABLED = "disabled"  # somebody switched it off: nobody rebuilds it
    NOT_ASKED = "not-asked"  # the settings name no such builder, or no registry lists such a task: nobody rebuilds it
    PINNED = "pinned"  # it names a digest: a rebuild of it would build on the same once more
    CLAIM = "claim"  # only an image says that it is built on this: nobody is rebuilt for what anybody could write


# These build nothing more by themselves, so that nothing follows of them.
_ENDS = frozenset({Apart.MAY_NOT_RUN, Apart.DISABLED, Apart.NOT_ASKED, Apart.PINNED, Apart.CLAIM})


class Base(msgspec.Struct, frozen=True):
    """An image that a builder builds on.

    Attributes:
        name: its repository with the registry; see ``base_name``.
        tag: the tag; empty if a digest is named alone.
        digest: what the tag was when it was last built on; empty if that is not known.
        known: how this is known.
        watched: whether the builder's own trigger, where it is on, looks at this one: at what its runs reported, and at
            nothing that only the list knows.
    """

    name: str
    tag: str
    digest: str = ""
    known: HowKnown = HowKnown.REPORTED
    watched: bool = True


class Image(msgspec.Struct, frozen=True):
    """An image that a builder pushes.

    Attributes:
        name: its repository with the registry.
        tag: the tag.
        digest: of the last one that was pushed; empty if that is not known.
    """

    name: str
    tag: str
    digest: str = ""


class Builder(msgspec.Struct, frozen=True):
    """Who builds images.

    Attributes:
        id: such as ``acr:contosoapps/shop`` or ``github:contoso/shop/.github/workflows/image.yml@main``.
        owner: whose it is; empty if nobody says so.
        bases: what it builds on.
        pushes: what it pushes.
        own_trigger: whether ACR reruns it by itself.
        disabled: whether somebody switched it off.
        not_asked: whether nobody is asked for it, as nobody knows whom.
        may_not_run: whether the app's identity was seen to lack the right to run it.
        before: how it stood.
        run: the last run that says so; empty if none is known.
    """

    id: str
    owner: str = ""
    bases: tuple[Base, ...] = ()
    pushes: tuple[Image, ...] = ()
    own_trigger: bool = False
    disabled: bool = False
    not_asked: bool = False
    may_not_run: bool = False
    before: Baseline = Baseline.UNKNOWN
    run: str = ""

    def apart_for(self, bases: Iterable[Base]) -> Apart | None:
        """Return why it is in no wave for some of what it builds on; ``None`` if it can be in one."""
        on = tuple(bases)
        if all(one.known is HowKnown.CLAIMED for one in on):
            return Apart.CLAIM
        if self.not_asked:
            return Apart.NOT_ASKED
        if self.disabled:
            return Apart.DISABLED
        if all(not one.tag for one in on):
            return Apart.PINNED
        if self.own_trigger and any(one.watched and one.tag for one in on):
            return Apart.OWN_TRIGGER
        return Apart.MAY_NOT_RUN if self.may_not_run else None


def ends_the_chain(apart: Apart | None) -> bool:
    """Whether nothing is built on what a builder would push, as it pushes nothing."""
    return apart in _ENDS


class Claim(msgspec.Struct, frozen=True):
    """An image whose annotations say what it is built on.

    Attributes:
        image: the image, with its registry.
        base: ``org.opencontainers.image.base.name``.
        digest: ``org.opencontainers.image.base.digest``; empty if it is not said.
    """

    image: str
    base: str
    digest: str = ""


def task_id(registry: str, task: str) -> str:
    """Return the id of a task of ACR as a builder; ARM compares names without case."""
    return f"{ACR}:{registry.lower()}/{task.lower()}"


def of_task(task: ApplicationTask, host: str, without_right: bool = False) -> Builder:
    """Return a task of ACR as a builder.

    Args:
        task: the task.
        host: login server of its registry.
        without_right: whether a rebuild of it ended for want of a right.
    """
    runs = task.runs
    last = runs.decided if runs else None
    return Builder(
        id=task_id(task.registry, task.name),
        owner=task.owner,
        bases=tuple(
            Base(name, one.tag, one.digest, watched=one.watched)
            for one in task.dependencies
            if (name := base_name(one.registry, one.repository))
        ),
        pushes=tuple(dict.fromkeys((*_pushed(runs.pushed if runs else (), host), *_pushed(task.pushes, host)))),
        own_trigger=task.own_trigger,
        disabled=not task.enabled,
        may_not_run=without_right,
        before=Baseline.UNKNOWN if last is None else _BEFORE[last.status],
        run=last.run_id if last else "",
    )


_BEFORE = {RunStatus.SUCCEEDED: Baseline.GOOD, RunStatus.FAILED: Baseline.FAILING}


def _pushed(pushes: Iterable[Pushed], host: str) -> Iterable[Image]:
    """Names that differ with each run name nothing that others could build on."""
    for one in pushes:
        name = base_name(one.registry or host, one.repository)
        if name and not _TEMPLATE.search(f"{one.repository}:{one.tag}"):
            yield Image(name, one.tag or "latest", one.digest)


def of_target(target: RebuildTarget, entry: Iterable[Base]) -> Builder:
    """Return a rebuild target of the watch list as a builder.

    Args:
        target: as it is written.
        entry: the tags of its entry, for which it stands if it names no image itself.
    """
    named = [_base(parse_reference(one)) for one in target.on]
    wanted = [one for one in entry if not target.tags or one.tag in target.tags]
    pushes = (parse_reference(one) for one in target.pushes)
    return Builder(
        id=target.id,
        owner=target.owner,
        bases=tuple(named or wanted),
        pushes=tuple(Image(str(one.repository), one.tag or "latest", one.digest) for one in pushes),
    )


def _base(reference: Reference) -> Base:
    tag = reference.tag or ("" if reference.digest else "latest")
    return Base(str(reference.repository), tag, reference.digest, HowKnown.LISTED, watched=False)


def of_claim(claim: Claim) -> Builder | None:
    """Return an image that claims a base as a builder; ``None`` if what it claims is no reference."""
    try:
        base, image = parse_reference(claim.base), parse_reference(claim.image)
    except InvalidReference:
        return None
    tag = base.tag or ("" if base.digest or claim.digest else "latest")
    on = Base(str(base.repository), tag, claim.digest or base.digest, HowKnown.CLAIMED)
    pushed = Image(str(image.repository), image.tag or "latest", image.digest)
    return Builder(id=f"{CLAIMED}:{claim.image}", bases=(on,), pushes=(pushed,))


def together(builders: Iterable[Builder]) -> tuple[Builder, ...]:
    """Return each builder once, with all that is known of it, by their ids.

    A claim about an image whose builder is known is that builder's.
    """
    found: dict[str, Builder] = {}
    claims: list[Builder] = []
    for one in builders:
        if one.id.startswith(f"{CLAIMED}:"):
            claims.append(one)
        else:
            found[one.id] = _merged(found[one.id], one) if one.id in found else one
    pushers = {(image.name, image.tag): one.id for one in found.values() for image in one.pushes}
    for claim in claims:
        pusher = pushers.get((claim.pushes[0].name, claim.pushes[0].tag), claim.id)
        found[pusher] = _with_claim(found[pusher], claim) if pusher in found else claim
    return tuple(found[name] for name in sorted(found))


def _merged(one: Builder, other: Builder) -> Builder:
    """What was reported is known better than what is listed; whose it is, the watch list says."""
    there = {(base.name, base.tag) for base in one.bases}
    more = tuple(base for base in other.bases if (base.name, base.tag) not in there)
    return msgspec.structs.replace(
        one,
        owner=other.owner or one.owner,
        bases=(*one.bases, *more),
        pushes=tuple(dict.fromkeys((*one.pushes, *other.pushes))),
    )


def _with_claim(one: Builder, claim: Builder) -> Builder:
    """What is claimed counts where nothing better is known."""
    there = {base.name for base in one.bases}
    more = tuple(base for base in claim.bases if base.name not in there)
    return msgspec.structs.replace(one, bases=(*one.bases, *more))


def lacking_right(rebuilds: Mapping[str, RebuildStatus], task: ApplicationTask) -> bool:
    """Whether the latest rebuild of a task ended because the app's identity may not run it."""
    return rebuilds.get(task_id(task.registry, task.name)) in {RebuildStatus.BY_NOBODY, RebuildStatus.BY_ACR_ALONE}
