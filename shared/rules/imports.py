"""An import is believed only once its digest is read back from the registry it went into."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import cause_of
from shared.domain.promotion.schedule import (
    IMPORT_GIVEN_UP,
    IMPORT_PATIENCE,
    LAG_PATIENCE,
    LONGEST_LOOK,
    is_late,
    pause_before_look,
)
from shared.domain.promotion.statuses import Reason
from shared.domain.references import Digest, Tag
from shared.errors import (
    DigestMismatch,
    NotFound,
    NotPermitted,
    NotThereYet,
    OperationFailed,
    ServiceError,
    Unavailable,
)
from shared.ports import Operation


class Awaited(msgspec.Struct, frozen=True):
    """What an import is to end with.

    Attributes:
        registry: the registry's name for people: ``staging`` or ``base``.
        repository: where it goes.
        tag: the tag it gets; empty for none.
        digest: what the tag must point at.
        since: when the import was started, UTC.
        differs_since: since when it is known that it ended and another digest is read back, UTC; ``None`` if it is not.
        usual: how long such imports usually take at least; ``None`` if nobody knows.
    """

    registry: str
    repository: str
    tag: Tag
    digest: Digest
    since: datetime
    differs_since: datetime | None = None
    usual: timedelta | None = None

    @property
    def place(self) -> str:
        """Where it goes, for people."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}, under no tag"


class Arrivals(Protocol):
    """A registry, as far as imports into it are looked at."""

    def look_at_import(self, token: str) -> Operation:
        """See ``Registry.look_at_import``."""
        ...

    def digest(self, repository: str, tag: Tag) -> Digest | None:
        """See ``Registry.digest``."""
        ...


class UnderWay(msgspec.Struct, frozen=True):
    """The import has not ended, as far as is known: look again after a pause, with this token."""

    pause: timedelta
    token: str


class Differs(msgspec.Struct, frozen=True):
    """The import ended just now, and another digest is read back: perhaps from a replica that it has not reached.

    Attributes:
        detail: what is there, for people.
    """

    detail: str


def in_staging(candidate: Candidate, usual: timedelta | None = None) -> Awaited:
    """Return what a candidate's import into the staging registry is to end with, and when it usually does."""
    since = candidate.latest(Reason.IMPORT_STARTED) or candidate.since
    differs = candidate.latest(Reason.REPLICA_LAGS)
    since_this = differs if differs is not None and differs >= since else None
    place = ("staging", candidate.home.repository, candidate.staging_tag, candidate.digest)
    return Awaited(*place, since, since_this, usual)


def look(registry: Arrivals, token: str, awaited: Awaited, now: datetime) -> UnderWay | Differs | None:
    """Look at an import once: at what it was to bring, and at the operation itself only where that is late.

    ARM gives an identity few requests, of which an import's own state tells nothing that the digest at its tag does not
    tell as well; the registry gives ten thousand a minute.
    https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling

    Args:
        registry: where it goes.
        token: of the operation; empty if it was lost or the registry ended it at once.
        awaited: what it is to end with.
        now: UTC.

    Returns:
        ``None`` once the tag points at the awaited digest; else when to look again, or that it differs from now on.

    Raises:
        OperationFailed: the import ended badly, or has not ended in a day.
        DigestMismatch: it ended some minutes ago, and the tag still does not point at the digest.
        ServiceError: the look could not be made.
    """
    running_for = now - awaited.since
    found = registry.digest(awaited.repository, awaited.tag)
    if found == awaited.digest:
        return None
    if not token:
        return _differing(awaited, found, now, ended=False)
    if not is_late(running_for, awaited.usual):
        return UnderWay(pause_before_look(running_for, usual=awaited.usual), token)
    return _ask(registry, token, awaited, now)


def _ask(registry: Arrivals, token: str, awaited: Awaited, now: datetime) -> UnderWay | Differs | None:
    """Ask what became of an import that is late. The tag is read once more: it may have ended since."""
    operation, running_for = _operation(registry, token), now - awaited.since
    endless = operation is not None and not operation.done
    if operation is not None and endless and running_for < IMPORT_GIVEN_UP:
        return UnderWay(pause_before_look(running_for, operation.retry_after, awaited.usual), operation.token)
    found = registry.digest(awaited.repository, awaited.tag)
    if found == awaited.digest:
        return None
    if endless:
        told = f"the import of {awaited.digest} as {awaited.place} into {awaited.registry} has not ended in a day"
        raise OperationFailed(Unavailable(f"{told}; it is started again"))
    return _differing(awaited, found, now, ended=operation is not None)


def patiently(error: ServiceError) -> ServiceError:
    """Return the error of an import from staging, to be tried again where staging denies having what is imported.

    It was read back there before its gate ran: one of its copies lags, or it was deleted.
    """
    if not isinstance(cause_of(error), NotFound):
        return error
    told = "the staging registry, from which it was read back before, does not show it"
    return NotThereYet(f"{told}; if this lasts, look whether it was deleted there: {error}", code=error.code)


def _differing(awaited: Awaited, found: Digest | None, now: datetime, *, ended: bool) -> UnderWay | Differs:
    """What is read back is not what was imported: it may not have arrived yet, or not everywhere."""
    held = f"holds {found}" if found else "has no such tag" if awaited.tag else "does not have it"
    detail = f"after the import of {awaited.digest} the {awaited.registry} registry {held} at {awaited.place}"
    if ended:
        return Differs(detail)
    differs = awaited.differs_since
    until = awaited.since + IMPORT_PATIENCE if differs is None else differs + LAG_PATIENCE
    if now < until:
        return UnderWay(LONGEST_LOOK, "")
    raise DigestMismatch(detail)


def _operation(registry: Arrivals, token: str) -> Operation | None:
    """Return what a look says of an operation.

    One that the registry does not know any more, or that we may not look at (the right to do so is in no role for
    importers), is no failure: what it led to can still be read back.
    """
    try:
        return registry.look_at_import(token) if token else None
    except (NotFound, NotPermitted):
        return None
