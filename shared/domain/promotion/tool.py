"""A tool: what is mirrored into the staging registry for runs there, and promoted nowhere. Its record says which digest
runs are given: of those that were sighted and mirrored, the one that was sighted last.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.lifecycle import detected
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Sighting
from shared.domain.references import Digest, Repository, Tag

# Digests that are sighted and not mirrored yet. One leaves within minutes, or because a later one was mirrored.
_SIGHTINGS_KEPT = 5


class Tool(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a tool; every change replaces it as a whole, guarded by its ETag.

    Attributes:
        name: of its entry of the watch list; ``scanner`` is the scanner's own image.
        repository: in the staging registry.
        digest: what runs are given; empty until something was mirrored.
        order: of the sighting of that digest.
        at: since when runs are given it, UTC; ``None`` until something was mirrored.
        source: the upstream repository.
        source_tag: the upstream tag; the scanner's is for people, and is never asked for.
        sightings: what the source was seen to point at since ``order``, by their order; the last one is the newest.
    """

    name: str
    repository: str
    digest: Digest = Digest("")
    order: int = 0
    at: datetime | None = None
    source: Repository
    source_tag: Tag
    sightings: tuple[Sighting, ...] = ()

    @property
    def newest(self) -> Sighting | None:
        """What its source was last seen to point at."""
        return self.sightings[-1] if self.sightings else None

    @property
    def is_current(self) -> bool:
        """Whether runs are given what its source was last seen to point at."""
        return self.newest is not None and self.newest.digest == self.digest

    def candidate(self, digest: Digest) -> str:
        """Return the id of the candidate by which a digest is mirrored."""
        return candidate_id(self.source, digest, None, self.name)


def sighted(known: Tool | None, fresh: Tool, sighting: Sighting) -> Tool:
    """Return a tool whose source was seen to point at a digest.

    Args:
        known: as it was; ``None`` if it is new.
        fresh: the same without anything sighted, as the watch list has it now. If that is another source, or goes
            elsewhere, nothing of what was mirrored before is given to runs any more.
        sighting: what was seen.

    Returns:
        The tool; the same one, if it knew as much or more.
    """
    of_list = known is not None and _way(known) == _way(fresh)
    tool = known if known is not None and of_list else fresh
    newest = tool.newest
    if newest is not None and (sighting.order <= newest.order or sighting.digest == newest.digest):
        return tool
    if sighting.digest == tool.digest:  # the source came back to it: what was sighted in between is not wanted
        return msgspec.structs.replace(tool, order=sighting.order, sightings=(sighting,))
    others = tuple(one for one in tool.sightings if one.digest != sighting.digest)
    return msgspec.structs.replace(tool, sightings=(*others, sighting)[-_SIGHTINGS_KEPT:])


def mirrored(tool: Tool, digest: Digest, now: datetime) -> Tool:
    """Return a tool of which a digest was read back from the staging registry.

    Args:
        tool: as it was.
        digest: what was read back.
        now: UTC.

    Returns:
        The tool with that digest given to runs, unless one that was sighted later is already; else the same one.
    """
    order = next((one.order for one in tool.sightings if one.digest == digest), None)
    if order is None or (tool.digest and order <= tool.order):
        return tool
    left = tuple(one for one in tool.sightings if one.order >= order)
    return msgspec.structs.replace(tool, digest=digest, order=order, at=now, sightings=left)


def candidate_of(tool: Tool, sighting: Sighting, now: datetime) -> Candidate:
    """Return the candidate by which a digest of a tool is mirrored, at its beginning."""
    first = Candidate(
        image=tool.name,
        source=tool.source,
        source_tag=tool.source_tag,
        digest=sighting.digest,
        tool=tool.name,
        targets=(Place(tool.repository, tool.source_tag),),
        status=Status.DETECTED,
        look_at=now,
        since=now,
        detected_at=now,
        traceparent=sighting.traceparent,
    )
    reason = Reason.TAG_MOVED if tool.digest else Reason.FIRST_IMPORT
    return detected(first, reason, now, f"the tool {tool.name} is {sighting.digest}")


def _way(tool: Tool) -> tuple[Repository, Tag, str]:
    return tool.source, tool.source_tag, tool.repository
