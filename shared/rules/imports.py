"""An import is believed only once its digest is read back from the registry it went into."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from shared.domain.promotion.schedule import IMPORT_PATIENCE, LONGEST_LOOK, pause_before_look
from shared.domain.references import Digest, Tag
from shared.errors import DigestMismatch, NotFound
from shared.ports import Operation, Registry


class Awaited(msgspec.Struct, frozen=True):
    """What an import is to end with.

    Attributes:
        registry: the registry's name for people: ``staging`` or ``base``.
        repository: where it goes.
        tag: the tag it gets.
        digest: what the tag must point at.
        since: when the import was started, UTC.
    """

    registry: str
    repository: str
    tag: Tag
    digest: Digest
    since: datetime


class UnderWay(msgspec.Struct, frozen=True):
    """The import has not ended: look again after a pause, with this token."""

    pause: timedelta
    token: str


def look(registry: Registry, token: str, awaited: Awaited, now: datetime) -> UnderWay | None:
    """Look at an import once.

    Args:
        registry: where it goes.
        token: of the operation; empty if it was lost or the registry ended it at once.
        awaited: what it is to end with.
        now: UTC.

    Returns:
        ``None`` once the tag points at the awaited digest; else when to look again.

    Raises:
        OperationFailed: the import ended badly.
        DigestMismatch: it ended, and the tag does not point at the digest.
        ServiceError: the look could not be made.
    """
    operation = _operation(registry, token)
    if operation is not None and not operation.done:
        return UnderWay(pause_before_look(now - awaited.since, operation.retry_after), operation.token)
    found = registry.digest(awaited.repository, awaited.tag)
    if found == awaited.digest:
        return None
    if operation is None and now - awaited.since < IMPORT_PATIENCE:
        return UnderWay(LONGEST_LOOK, "")
    held = f"holds {found}" if found else "has no such tag"
    place = f"{awaited.repository}:{awaited.tag}"
    raise DigestMismatch(f"after the import of {awaited.digest} the {awaited.registry} registry {held} at {place}")


def _operation(registry: Registry, token: str) -> Operation | None:
    """An operation the registry does not know any more is no failure: what it led to can still be read back."""
    try:
        return registry.look_at_import(token) if token else None
    except NotFound:
        return None
