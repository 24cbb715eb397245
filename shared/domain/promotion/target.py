"""The target: one tag of a base registry, what it should point at, and why. Its record is what decides."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.notices.notice import Notice
from shared.domain.promotion.admission import Admission, Waiting
from shared.domain.promotion.astray import Astray, LetGo
from shared.domain.promotion.base_ids import base_id, parts_of_base_id
from shared.domain.promotion.candidate import Place
from shared.domain.promotion.consents import Consent, OverrideAsked, Waived
from shared.domain.promotion.importing import Importing, Unsettled
from shared.domain.promotion.said import Blocked, Canaried, Chosen, Forced, Held, Pinned, TakenBack, Why
from shared.domain.references import Digest, Repository, Tag, parse_tag
from shared.domain.watching.observation import time_of
from shared.errors import InvalidReference


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a target's digests come from, as the watch list said when it was last sighted.

    Attributes:
        image: the entry's name.
        source: the upstream repository.
        source_tag: the upstream tag.
        gate: the gate's name; ``None`` for no functional test.
    """

    image: str
    source: Repository
    source_tag: Tag
    gate: str | None = None


class Sighting(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest that the source was seen to point at.

    Attributes:
        order: the observation's number: of two sightings the higher one is the later one.
        digest: what was seen.
        traceparent: W3C trace context of the check that saw it.
        other_until: when the source was last seen to bear another digest on behalf of this target, UTC; ``None`` if
            that is not known.
        first_at: when the digest was first seen, UTC, where it was seen again since; else its order says it.
    """

    order: int
    digest: Digest
    traceparent: str = ""
    other_until: datetime | None = None
    first_at: datetime | None = None

    @property
    def first_seen(self) -> datetime | None:
        """When the digest was first seen, UTC; ``None`` if its order was given by what told no time yet."""
        return self.first_at or time_of(self.order)


# Targets and tools are decoded by several modules, that may be imported by several threads.
# What a step failed by where what it was to change is locked there.
FAILED_BY_LOCK = "locked"
_SIGHTINGS = msgspec.json.Decoder(Sighting)


class Awaited(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest whose verdict is waited for.

    Attributes:
        digest: the digest.
        at: when its candidate is to be looked after, UTC.
        lost_at: when it was found that the staging registry has it no more, UTC, so that what passed before then is to
            be fetched and tested once more; ``None`` if it was not.
    """

    digest: Digest
    at: datetime
    lost_at: datetime | None = None


class Staged(msgspec.Struct, frozen=True):
    """A digest that another target asked for first: it lies in that one's repository of the staging registry."""

    digest: Digest
    repository: str


class Former(msgspec.Struct, frozen=True, omit_defaults=True):
    """A digest that the tag was seen to point at before.

    Attributes:
        digest: which.
        until: until when, UTC.
        foreign: whether somebody else put it there: it was neither sighted, nor passed, nor wanted.
    """

    digest: Digest
    until: datetime
    foreign: bool = False


class Adopted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stood there when the entry appeared; in force until a digest passes that was sighted after ``above``.

    Attributes:
        digest: what stood there.
        above: the order of what the source bore when the entry appeared.
        away_since: when the entry before was found to have left, UTC, if it came back: how the source moved since then
            until the first look at it is no reason to replace what stands there.
    """

    digest: Digest
    above: int
    away_since: datetime | None = None


# Documents of decisions hold them, too: docs/decisions/0016.
_KNOWN = msgspec.json.Decoder(tuple[Origin, Former, Adopted])


class Barred(msgspec.Struct, frozen=True, omit_defaults=True):
    """What keeps a tag from what is wanted, though that is decided.

    Attributes:
        waiting: what it waits for.
        number: the decision's.
        until: when that ends by itself, UTC; ``None`` if it does not.
        detail: what is in the way, for people; empty if there is no more to say.
        since: since when it waits for that, UTC; ``None`` in records of earlier versions.
    """

    waiting: Waiting
    number: int
    until: datetime | None = None
    detail: str = ""
    since: datetime | None = None


class Target(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of one tag of a base registry; every change replaces it as a whole, guarded by its ETag.

    Attributes:
        registry: the base registry's name, in small letters.
        repository: in the base registry.
        tag: the tag.
        origin: where its digests come from.
        step: counts the steps of its imports; a message about an earlier step is out of date. What is sighted, passed
            or decided meanwhile leaves it as it is.
        look_at: when it is to be looked at again, UTC; ``None`` while nothing is to be done.
        wanted: what it should point at; empty before the first decision, and when it is withdrawn.
        why: why.
        number: the decision's; grows with each.
        decided_at: when, UTC.
        reached: the number of the last decision that the registry was read back to show.
        searched: the number of the last decision for which the tasks that are built on it were looked for.
        search_at: when that is to be asked for again if nobody has done it, UTC.
        seen: what the tag was last seen to point at; empty if it was not there, or was never looked at.
        seen_at: when, UTC.
        foreign: whether somebody else put that there.
        arrived: what it was last seen to point at of what was wanted then; empty in records of earlier versions.
        former: what it pointed at before, latest first.
        sightings: what its source pointed at, each digest once, by their order.
        passed: digests that passed their gate, the latest last.
        admissions: what the scans of digests mean here, as last decided, the latest last.
        staged: where those of them lie in the staging registry that are not in a repository of the same name.
        awaited: the latest sighting's digest, while it has no verdict.
        importing: the import under way.
        unsettled: imports whose end nobody knows.
        failures: how often in a row it could not be brought to what is wanted, for reasons of one kind.
        failed_by: of which kind.
        gave_up: whether that was as often as it is tried; it is tried daily from then on.
        trouble: why not.
        retry_at: not to be tried again before, UTC.
        barred: what kept it from what was wanted when that was last tried, though nothing failed.
        blocked: digests that are refused.
        pinned: what is wanted whatever comes.
        chosen: what somebody went back to, or took against its gate.
        forced: everything that was ever taken against its gate.
        consents: what people said of digests that wait for them, or waited.
        waived: findings of digests that people waive here, or ask to.
        override: what somebody asked to be taken against its gate, until another one grants it.
        adopted: what stood there when its entry appeared.
        hold: who said that nothing is to be decided, and why.
        taken_back: pins and waivers that were said of it once and are not any more.
        astray: what the tag was listed to be instead of what is wanted.
        repairs: when what others put there was last replaced by what is wanted, UTC, since a person last acted.
        canaried: digests on which canaries failed, the latest last.
        let_go: that it has left the watch list: nothing is decided, repaired or told of it any more.
        moved_from: the base registry before, from whose target it has learned what people said.
        traceparent: W3C trace context of the sighting that was decided for.
        notices: what people are to be told of it and was not put down to be sent yet.
    """

    registry: str
    repository: str
    tag: Tag
    origin: Origin
    step: int = 1
    look_at: datetime | None = None
    wanted: Digest = Digest("")
    why: Why = Why.NEWEST
    number: int = 0
    decided_at: datetime | None = None
    reached: int = 0
    searched: int = 0
    search_at: datetime | None = None
    seen: Digest = Digest("")
    seen_at: datetime | None = None
    foreign: bool = False
    arrived: Digest = Digest("")
    former: tuple[Former, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    passed: tuple[Digest, ...] = ()
    admissions: tuple[Admission, ...] = ()
    staged: tuple[Staged, ...] = ()
    awaited: Awaited | None = None
    importing: Importing | None = None
    unsettled: tuple[Unsettled, ...] = ()
    failures: int = 0
    failed_by: str = ""
    gave_up: bool = False
    trouble: str = ""
    retry_at: datetime | None = None
    barred: Barred | None = None
    blocked: tuple[Blocked, ...] = ()
    pinned: Pinned | None = None
    chosen: Chosen | None = None
    forced: tuple[Forced, ...] = ()
    consents: tuple[Consent, ...] = ()
    override: OverrideAsked | None = None
    waived: tuple[Waived, ...] = ()
    adopted: Adopted | None = None
    hold: Held | None = None
    taken_back: tuple[TakenBack, ...] = ()
    astray: Astray | None = None
    repairs: tuple[datetime, ...] = ()
    canaried: tuple[Canaried, ...] = ()
    let_go: LetGo | None = None
    moved_from: str = ""
    traceparent: str = ""
    notices: tuple[Notice, ...] = ()

    @property
    def id(self) -> str:
        """The target's id; see ``target_id``."""
        return target_id(self.registry, self.repository, self.tag)

    @property
    def place(self) -> Place:
        """The tag, without its registry."""
        return Place(self.repository, self.tag)

    def staging_repository(self, digest: Digest) -> str:
        """Return the repository of the staging registry in which a digest that passed lies."""
        return next((one.repository for one in self.staged if one.digest == digest), self.repository)

    @property
    def newest(self) -> Sighting | None:
        """What its source was last seen to point at."""
        return self.sightings[-1] if self.sightings else None

    def blocks(self, digest: Digest) -> bool:
        """Whether a digest is refused here."""
        return any(one.digest == digest for one in self.blocked)

    def knows(self, digest: Digest) -> bool:
        """Whether a digest came to this target by its source or by its people; else somebody else put it there."""
        said = {self.pinned.digest if self.pinned else "", self.chosen.digest if self.chosen else ""}
        sighted, forced = (one.digest for one in self.sightings), (one.digest for one in self.forced)
        return digest in {self.wanted, *self.passed, *said, *sighted, *forced}


def target_id(registry: str, repository: str, tag: Tag) -> str:
    """Derive a target's id.

    Args:
        registry: the base registry's name.
        repository: in the base registry.
        tag: the tag.

    Returns:
        Such as ``tidegatebase~base~node~22-alpine``: ``~`` can stand in no registry's name, repository or tag.
    """
    return base_id(registry, repository, tag)


def parts_of_target(target: str) -> tuple[str, str, Tag]:
    """Take the registry's name, the repository and the tag out of a target's id.

    Raises:
        InvalidReference: it is not a target's id.
    """
    try:
        return parts_of_base_id(target, parse_tag)
    except InvalidReference:
        raise InvalidReference(
            f"{target[:200]!r} is not a target's id, such as tidegatebase~base~node~22-alpine"
        ) from None
