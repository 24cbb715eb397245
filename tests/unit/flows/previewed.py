"""Worlds in which tags, candidates and scans are kept that nobody is at work on, to preview other policies over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from shared.domain.promotion.candidate import Objection, Place
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Origin, Sighting, Target
from shared.domain.references import Digest, Tag
from shared.domain.scan.scan import Scan, ScanChange, ScanReason, ScanStatus, Taken
from shared.domain.scan.scan_runs import scan_log_name, scan_words
from shared.domain.watching.observation import order_at
from tests.doubles.registries import digest_of
from tests.doubles.scans import LINUX, scan_log
from tests.doubles.world import BASE, NODE, TAG, TARGET, World
from tests.unit.examples import candidate

OLD = Tag("20-alpine")
_SCANNER = (
    f"scanner: {{image: 'docker.io/aquasec/trivy@{digest_of('scanner')}', database: trivy-db}}",
    "images:",
    "  - {name: trivy-db, source: ghcr.io/aquasecurity/trivy-db, tags: [2], target: tools/trivy-db, registry: staging}",
)
# An entry's name by the tag that it writes.
ENTRIES = {TAG: "node", OLD: "old"}


class Kept(msgspec.Struct, frozen=True):
    """What is kept of a digest.

    Attributes:
        findings: rows of its scan's log; ``None`` if it was never scanned.
        database_age: how old the scanner's database is.
        platforms: those that were scanned.
        objection: what its test has against it.
        passed: whether it passed its test, or is proposed all the same.
        known: whether there is a candidate of it.
        has_log: whether the log of its scan is kept still.
    """

    findings: tuple[str, ...] | None = ()
    database_age: timedelta = timedelta(hours=1)
    platforms: tuple[str, ...] = (LINUX,)
    objection: Objection | None = None
    passed: bool = True
    known: bool = True
    has_log: bool = True


class Pointed(msgspec.Struct, frozen=True):
    """A tag: what is in use, and what its source pointed at, oldest first, a day apart, the last one just now."""

    seen: Digest
    sighted: tuple[Digest, ...]


def list_of(policies: Mapping[str, Mapping[str, object] | None], platforms: Sequence[str] = (LINUX,)) -> bytes:
    """Return a watch list whose entries have policies of their own, by the entries' names; ``None`` for none."""
    lines = ["policies:", *(f"  of-{name}: {json.dumps(said)}" for name, said in policies.items() if said)]
    tags = {name: tag for tag, name in ENTRIES.items()}
    shown = json.dumps(list(platforms))
    entries = [
        f"  - {{name: {name}, source: {NODE}, tags: ['{tags[name]}'], target: {TARGET}, platforms: {shown}"
        f"{f', policy: of-{name}' if said else ''}}}"
        for name, said in policies.items()
    ]
    return "\n".join([*(lines if len(lines) > 1 else []), *_SCANNER, *entries, ""]).encode()


def world_of(tags: Mapping[Tag, Pointed], digests: Mapping[Digest, Kept], watch_list: bytes) -> World:
    """Return a world in which all of this is kept, and the list is in force."""
    world = World(watch_list, scanning=True)
    for digest, kept in digests.items():
        _keep(world, digest, kept, tuple(Place(TARGET, tag) for tag in tags))
    for tag, pointed in tags.items():
        world.targets.insert(_target(world, tag, pointed, digests))
    world.watch_lists.in_force()
    return world


def _target(world: World, tag: Tag, pointed: Pointed, digests: Mapping[Digest, Kept]) -> Target:
    count = len(pointed.sighted)
    days = [world.clock() - timedelta(days=count - number - 1) for number in range(count)]
    return Target(
        registry=BASE,
        repository=TARGET,
        tag=tag,
        origin=Origin(ENTRIES[tag], NODE, tag, "node"),
        seen=pointed.seen,
        wanted=pointed.seen,
        number=1,
        reached=1,
        sightings=tuple(Sighting(order_at(at), one) for one, at in zip(pointed.sighted, days, strict=True)),
        passed=tuple(one for one in pointed.sighted if digests[one].passed and digests[one].objection is None),
    )


def _keep(world: World, digest: Digest, kept: Kept, places: tuple[Place, ...]) -> None:
    now = world.clock()
    if kept.known:
        status, passed_at = (Status.PROMOTED, now) if kept.passed else (Status.VALIDATING, None)
        fields = {"targets": places, "objection": kept.objection, "status": status, "passed_at": passed_at}
        world.candidates.insert(replace(candidate(digest=digest, detected_at=now), **fields))
    if kept.findings is not None:
        world.scans.insert(scan := _scan(world, digest, kept))
        found = dict.fromkeys(kept.platforms, kept.findings)
        log = scan_log(scan_words(scan, scan.taken), digest, found, updated=now - kept.database_age)
        if kept.has_log:
            world.evidence.keep(scan.id, scan_log_name(scan, scan.taken), log.encode())


def _scan(world: World, digest: Digest, kept: Kept) -> Scan:
    at = world.clock() - timedelta(hours=2)
    made = world.clock() - kept.database_age
    return Scan(
        digest=digest,
        image="node",
        repository=TARGET,
        platforms=kept.platforms,
        asked_at=at,
        status=ScanStatus.SCANNED,
        runs=1,
        look_at=at,
        since=at,
        secret="5" * 64,
        taken=Taken(1, 1, "cab", at, made, "", kept.platforms),
        history=(ScanChange(at, ScanStatus.SCANNED, ScanReason.TOLD),),
    )
