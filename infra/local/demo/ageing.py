"""Makes what records say older: nobody who watches a demo waits for hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from azure.core.credentials import TokenCredential

from infra.local.demo.watching import SceneFailed, eventually
from infra.local.topology import BASE, Topology
from infra.local.twin.settings import storage_connection_string
from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.companions_table import CompanionsTable
from shared.adapters.storage.targets_table import TargetsTable
from shared.domain.promotion.schedule import OVERDUE_GRACE
from shared.domain.promotion.target import Sighting
from shared.domain.references import Digest
from shared.domain.travel.companions import companions_id
from shared.errors import Conflict
from shared.storage_settings import Storage


def seen_earlier(topology: Topology, target: str, digest: str, by: timedelta) -> None:
    """Let the record of a tag say that a digest was first seen earlier than it was; nothing else is changed.

    Args:
        topology: of the running twin.
        target: the tag's id.
        digest: that its source was seen to bear.
        by: how much earlier.

    Raises:
        SceneFailed: the digest was not seen there, or the record changes too fast.
    """
    account = StorageAccount(Storage(connection_string=storage_connection_string(topology)), _nobody)
    targets = TargetsTable(account)
    eventually(f"{digest} was first seen {by} earlier", lambda: _made_older(targets, target, digest, by))


def list_again(topology: Topology, repository: str, digest: str) -> None:
    """Let what refers to an image be listed again at once, as it would be some time later; nothing else is changed.

    Args:
        topology: of the running twin.
        repository: in the base registry.
        digest: of the image.

    Raises:
        SceneFailed: nothing is known of what lies beside it, or the record changes too fast.
    """
    account = StorageAccount(Storage(connection_string=storage_connection_string(topology)), _nobody)
    name = companions_id(BASE, repository, Digest(digest))
    eventually(f"what refers to {digest} is listed again", lambda: _listed_again(CompanionsTable(account), name))


def _listed_again(records: CompanionsTable, name: str) -> bool:
    stored = records.get(name)
    if stored is None or stored.record.next_listing is None:
        raise SceneFailed(f"{name} is not listed again by itself")
    now = datetime.now(UTC)
    sooner = msgspec.structs.replace(stored.record, next_listing=now, look_at=now - OVERDUE_GRACE)
    try:
        records.replace(stored, sooner)
    except Conflict:
        return False
    return True


def _made_older(targets: TargetsTable, target: str, digest: str, by: timedelta) -> bool:
    stored = targets.get(target)
    if stored is None or not any(one.digest == digest for one in stored.record.sightings):
        raise SceneFailed(f"{target} was not seen to bear {digest}")
    sightings = tuple(_earlier(one, by) if one.digest == digest else one for one in stored.record.sightings)
    try:
        targets.replace(stored, msgspec.structs.replace(stored.record, sightings=sightings))
    except Conflict:
        return False
    return True


def _earlier(sighting: Sighting, by: timedelta) -> Sighting:
    if sighting.first_seen is None:
        raise SceneFailed(f"nobody knows when {sighting.digest} was first seen")
    return msgspec.structs.replace(sighting, first_at=sighting.first_seen - by)


def _nobody() -> TokenCredential:
    raise SceneFailed("the twin's storage is reached by its key")
