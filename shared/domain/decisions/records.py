"""The document of what people decided: what it holds.

Within one version of the format fields are only added, each with what it is worth where it is missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.access.callers import Role
from shared.domain.promotion.astray import LetGo
from shared.domain.promotion.consents import Consent, OverrideAsked, Waived
from shared.domain.promotion.rulings import Ruling
from shared.domain.promotion.said import Blocked, Chosen, Forced, Held, Pinned, TakenBack, Why
from shared.domain.promotion.target import Adopted, Former, Origin, Sighting
from shared.domain.references import Digest, Tag

FORMAT = 1


class SaidOfTarget(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What people said of one tag of a base registry, and what is needed to understand it.

    Attributes:
        registry: the base registry's name.
        repository: in the base registry.
        tag: the tag.
        origin: where its digests come from.
        wanted: what it was to be; empty if nothing was decided, or it was withdrawn.
        why: why.
        number: the decision's.
        decided_at: when, UTC.
        sightings: what its source pointed at, by their order: what people said is of one digest and not of a later one.
        former: what it pointed at before, latest first: what people may go back to.
        pinned: what is wanted whatever comes.
        chosen: what somebody went back to, or took against its gate, if that may still be in force.
        forced: everything that was ever taken against its gate.
        consents: what people said of digests that wait for them, or waited.
        override: what somebody asked to be taken against its gate.
        waived: findings of digests that people waive, or ask to.
        adopted: what stood there when its entry appeared, if that may still be in force.
        hold: who said that nothing is to be decided.
        blocked: digests that are refused.
        let_go: that it had left the watch list.
        taken_back: what people took back of all that.
    """

    registry: str
    repository: str
    tag: Tag
    origin: Origin
    wanted: Digest = Digest("")
    why: Why = Why.NEWEST
    number: int = 0
    decided_at: datetime | None = None
    sightings: tuple[Sighting, ...] = ()
    former: tuple[Former, ...] = ()
    pinned: Pinned | None = None
    chosen: Chosen | None = None
    forced: tuple[Forced, ...] = ()
    consents: tuple[Consent, ...] = ()
    override: OverrideAsked | None = None
    waived: tuple[Waived, ...] = ()
    adopted: Adopted | None = None
    hold: Held | None = None
    blocked: tuple[Blocked, ...] = ()
    let_go: LetGo | None = None
    taken_back: tuple[TakenBack, ...] = ()

    @property
    def place(self) -> str:
        """The tag, for people."""
        return f"{self.repository}:{self.tag}"


class KeyName(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API key by its name: neither the key nor its hash, so that it opens nothing and has to be made anew.

    Attributes:
        id: stands in the records of what was done with it.
        name: whose it is.
        role: what it may be used for.
        made: when, UTC.
        revoked: since when it opened nothing any more, UTC.
    """

    id: str
    name: str
    role: Role
    made: datetime
    revoked: datetime | None = None


class Decisions(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What people decided in one installation, as of one moment.

    Attributes:
        tidegate: version of the format.
        exported_at: when it was read, UTC.
        registry: name of the base registry that was in force.
        installation: what the installation is called; empty if it has no name.
        rulings: what was last said of digests and entries; what was taken back, too.
        targets: what was said of tags.
        keys: the API keys there were.
        lacks: what could not be read, for people: its decisions are not in the document.
    """

    tidegate: Annotated[int, Meta(ge=1)]
    exported_at: Annotated[datetime, Meta(tz=True)]
    registry: str
    installation: str = ""
    rulings: tuple[Ruling, ...] = ()
    targets: tuple[SaidOfTarget, ...] = ()
    keys: tuple[KeyName, ...] = ()
    lacks: tuple[str, ...] = ()
