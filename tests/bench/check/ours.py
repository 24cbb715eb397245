"""Tidegate's own check as it runs in Azure: planned messages, worked on by the host's threads, over the real adapters.

What is known is kept in memory, so that upstreams are measured and not the storage account. In a process of its own:
``python -m tests.bench.check.ours`` reads a plan as JSON from standard input and writes what it took as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import timedelta

import msgspec

from shared.adapters.upstream.docker_hub_catalogue import DockerHubCatalogue
from shared.adapters.upstream.http import UpstreamHttp
from shared.adapters.upstream.oci_registry import OciRegistry
from shared.domain.events.messages import CheckRepositories
from shared.domain.promotion.candidate import Candidate
from shared.domain.references import DOCKER_HUB, Digest, Repository, Tag
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState, answered
from shared.domain.watching.tag_rules import TagRule
from shared.domain.watching.watch_list import Image, WatchList, fingerprint
from shared.flows.check import Checker
from shared.flows.plan import Planner
from shared.registry_accounts import Account
from shared.rules.adoption import Adopter
from shared.rules.detection import Detector
from shared.rules.ledger import Ledger
from shared.rules.mirroring import Mirror
from shared.rules.places import Places
from shared.rules.progress import candidate_progress
from shared.rules.room import Room
from shared.rules.second_looks import SecondLooks
from shared.rules.targets import TargetBook
from shared.rules.wake import Waker
from tests.bench.check.content import Known
from tests.doubles.kept_scans import proposer_that_asks_for_no_scan
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.registries import InMemoryRegistry
from tests.doubles.storage import (
    InMemoryActivity,
    InMemoryBudgets,
    InMemoryObservations,
    InMemoryRecords,
    InMemoryTargets,
    InMemoryTools,
    SettableClock,
)


@dataclass(frozen=True)
class Checked:
    """What one check took, and saw.

    Attributes:
        seconds: from the plan to the last message's end.
        changed: candidates that were made.
        cpu: processor seconds of the check.
        megabytes: largest resident set of the process.
    """

    seconds: float
    changed: int
    cpu: float
    megabytes: float


# Exact tags, and rules as the watch list has them.
Tags = Sequence[str | Mapping[str, str]]
# As many as the app's thread pool has in Azure.
THREADS = 32


def check_all(base_url: str, tags: Tags, known: Known, catalogue_url: str) -> Checked:
    """Plan a check of everything and work on its messages.

    Args:
        base_url: the registry's address, with scheme.
        tags: what is watched in each repository.
        known: what they pointed at when last looked at.
        catalogue_url: address of an API that answers for a whole repository; empty to ask by HEAD.
    """
    host = DOCKER_HUB if catalogue_url else base_url.partition("://")[2]
    clock = SettableClock()
    outbox, observations = InMemoryOutbox(clock), InMemoryObservations()
    watch_list = WatchList([_image(host, name, tags) for name in known])
    _remember(observations, watch_list, known, clock)
    ledger = Ledger(InMemoryBudgets(), clock)
    records: InMemoryRecords[Candidate] = InMemoryRecords(Candidate)
    progress = candidate_progress(records, Waker(outbox, clock), clock)
    catalogue = DockerHubCatalogue(catalogue_url, Account()) if catalogue_url else None
    upstream = OciRegistry("the registry", base_url, UpstreamHttp("the registry"), catalogue=catalogue)
    book = TargetBook(InMemoryTargets(), Waker(outbox, clock), clock, "bench")
    checker = Checker(
        lambda: watch_list,
        lambda _: upstream,
        observations,
        Places(
            Detector(progress, book, proposer_that_asks_for_no_scan(book, clock)),
            Adopter(book, InMemoryRegistry()),
            Mirror(progress, InMemoryTools(), InMemoryRegistry()),
        ),
        ledger,
        InMemoryActivity(),
        clock,
        len(known),
        Room(records, clock),
        SecondLooks(outbox, InMemoryActivity(), timedelta(minutes=3)),
    )
    before, began = _cpu(), time.perf_counter()
    Planner(outbox, observations, ledger, clock).plan(watch_list.images, traceparent="")
    messages = [sent.message for sent in outbox.sent if isinstance(sent.message, CheckRepositories)]
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(checker.check, messages))
    seconds, cpu = time.perf_counter() - began, _cpu() - before
    changed = sum(not isinstance(sent.message, CheckRepositories) for sent in outbox.sent)
    return Checked(seconds, changed, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _image(host: str, path: str, tags: Tags) -> Image:
    return Image(
        name=path.rpartition("/")[2],
        source=f"{host}/{path}",
        tags=msgspec.convert(tags, list[str | TagRule]),
        target=f"base/{path}",
    )


def _remember(observations: InMemoryObservations, watch_list: WatchList, known: Known, clock: SettableClock) -> None:
    """What an earlier check would have left behind, an hour ago."""
    now = clock()
    for image in watch_list.images:
        repository = image.repository
        state = answered(RepositoryState(), whole_list=True, rules=fingerprint((image,)), now=now)
        seen = tuple(_seen(image, tag, digest, clock) for tag, digest in known[repository.path].items())
        watched = Repository(repository.registry, repository.path)
        observations.save(watched, observations.of(watched), state, seen)
    clock.advance(timedelta(hours=1))


def _seen(image: Image, tag: str, digest: str, clock: SettableClock) -> Observation:
    return Observation(
        tag=Tag(tag),
        digest=Digest(digest),
        order=1,
        targets=(f"{image.target}:{tag}",),
        first_seen=clock(),
        last_checked=clock(),
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(plan: Mapping[str, object]) -> None:
    """Check as planned; the plan has the arguments of ``check_all`` by name."""
    print(json.dumps(asdict(check_all(**plan))))  # type: ignore[arg-type]


if __name__ == "__main__":
    main(json.load(sys.stdin))
