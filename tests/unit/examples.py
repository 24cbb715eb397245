"""Records to test with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.lifecycle import detected
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Repository, Tag
from tests.doubles.registries import digest_of

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NODE = Repository("docker.io", "library/node")
TAG = Tag("22-alpine")
ONE, TWO = digest_of("one"), digest_of("two")


def candidate(**fields: Any) -> Candidate:
    """Return a candidate that was just detected, but for the fields that are given."""
    record = Candidate(
        image="node",
        source=NODE,
        source_tag=TAG,
        targets=(Place("base/node", TAG),),
        digest=ONE,
        gate="node",
        status=Status.DETECTED,
        look_at=NOON,
        since=NOON,
        detected_at=NOON,
    )
    return msgspec.structs.replace(detected(record, Reason.FIRST_IMPORT, NOON), **fields)


def rebuild(**fields: Any) -> Rebuild:
    """Return a rebuild that is wanted, but for the fields that are given."""
    record = Rebuild(
        registry="tidegateapps",
        task="shop",
        task_id="/tasks/shop",
        base_repository="base/node",
        base_tag=TAG,
        base_digest=ONE,
        look_at=NOON,
        since=NOON,
    )
    return msgspec.structs.replace(record, **fields)
