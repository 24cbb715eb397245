"""What is told while nothing happens: bytes of the envelopes that the exporter sends, before they are compressed.

The app's own flows and telemetry, and the real exporter; upstream and storage are in memory, so each of their calls is
told to the telemetry by hand. What the Functions host tells of itself is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from infra.local.ingestion.server import Ingestion
from shared.call_ports import Call
from shared.domain.events.messages import CheckRepositories, LookAtBase
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.waiting import Waiting
from shared.domain.references import DOCKER_HUB, Digest, Tag
from shared.domain.watching.budget import Budget
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState, answered
from shared.domain.watching.watch_list import Image, WatchList, fingerprint
from shared.flows.check import Checker
from shared.flows.plan import Planner
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
from shared.telemetry import calls, counts, spans
from shared.telemetry.observers import CountedUpstream, TracedOutbox
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
from tests.doubles.upstreams import InMemoryUpstream

pytestmark = pytest.mark.unit

DIGEST = Digest("sha256:" + "1" * 64)
TAGS_EACH = 10
# Of the issue of what it costs: a check of everything, and a quarter of an hour in which nothing happens.
MOST_A_CHECK_OF_TEN_THOUSAND, MOST_A_QUIET_QUARTER = 100_000, 60_000
IN_AZURE = {
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "azure_functions",
    "WEBSITE_SITE_NAME": "func-tidegate-production-k7d2",
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """How many bytes have been told so far."""
    for name, value in IN_AZURE.items():
        monkeypatch.setenv(name, value)
    with Ingestion() as ingestion:
        exporter = AzureMonitorTraceExporter(
            connection_string=ingestion.connection_string, disable_offline_storage=True
        )
        provider = TracerProvider(resource=Resource.create(), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        for module in (spans, calls):
            monkeypatch.setattr(module, "_TRACER", provider.get_tracer("tidegate"))

        def size() -> int:
            assert provider.force_flush()
            return ingestion.size(metrics=False) + ingestion.size(metrics=True)

        yield size
        provider.shutdown()


class Watching:
    """Tags, none of which has moved since an hour ago.

    Args:
        tags: how many.
        registry: Docker Hub is asked by its catalogue, any other by HEAD.
        each: how many in each repository.
    """

    def __init__(self, tags: int, registry: str = DOCKER_HUB, each: int = TAGS_EACH) -> None:
        clock = SettableClock()
        self._list = WatchList([_image(registry, number, each) for number in range(tags // each)])
        self._queue, self._observations = InMemoryOutbox(clock), InMemoryObservations()
        self._upstream = InMemoryUpstream(catalogue=registry == DOCKER_HUB)
        for image in self._list.images:
            self._remember(image, clock)
        clock.advance(timedelta(hours=1))
        outbox, ledger = TracedOutbox(self._queue), Ledger(InMemoryBudgets(), clock)
        book = TargetBook(InMemoryTargets(), Waker(outbox, clock), clock, "base")
        records: InMemoryRecords[Candidate] = InMemoryRecords(Candidate)
        progress = candidate_progress(records, Waker(outbox, clock), clock)
        self._planner = Planner(outbox, self._observations, ledger, clock)
        self._checker = Checker(
            lambda: self._list,
            lambda name: CountedUpstream(name, self._upstream),
            self._observations,
            Places(
                Detector(progress, book, proposer_that_asks_for_no_scan(book, clock)),
                Adopter(book, InMemoryRegistry()),
                Mirror(progress, InMemoryTools(), InMemoryRegistry()),
            ),
            ledger,
            InMemoryActivity(),
            clock,
            TAGS_EACH,
            Room(records, clock),
            SecondLooks(outbox, InMemoryActivity(), timedelta(minutes=3)),
        )

    def _remember(self, image: Image, clock: SettableClock) -> None:
        repository, seen = image.repository, list[Observation]()
        for tag in image.wanted:
            self._upstream.push(repository, tag, DIGEST)
            seen.append(_seen(image, tag, clock))
        state = answered(RepositoryState(), whole_list=True, rules=fingerprint((image,)), now=clock())
        self._observations.save(repository, self._observations.of(repository), state, tuple(seen))

    def check(self) -> None:
        """Plan a check of everything and work on its messages, as the functions do."""
        with spans.acting("check docker.io"):
            self._planner.plan(self._list.images, traceparent=spans.current_traceparent())
        for sent in self._queue.sent[:]:
            assert isinstance(sent.message, CheckRepositories)
            with spans.consuming("checks", sent.message) as asked:
                self._checker.check(asked)
                counts.checked(asked)
                _call(2 * len(asked.repositories))
        self._queue.sent.clear()
        asked = {*self._upstream.consulted, *(repository for repository, _ in self._upstream.asked)}
        assert asked == {image.repository for image in self._list.images}


def _image(registry: str, number: int, each: int) -> Image:
    path = f"library/image-{number:04}"
    tags = tuple(f"24-{index}" for index in range(each))
    return Image(name=path.rpartition("/")[2], source=f"{registry}/{path}", tags=tags, target=f"base/{path}")


def _seen(image: Image, tag: Tag, clock: SettableClock) -> Observation:
    targets = (f"{image.target}:{tag}",)
    return Observation(tag=tag, digest=DIGEST, order=1, targets=targets, first_seen=clock(), last_checked=clock())


def _call(times: int) -> None:
    for _ in range(times):
        calls.called(Call("GET", "https://stname.table.core.windows.net/observations", 200, "", True, 0, 9_000_000))


def _sweep(now: SettableClock) -> None:
    with spans.acting("sweep"):
        counts.observed({"promoted": Waiting(40, now()), "rejected": Waiting(1, now())}, now())
        known = (
            Budget(upstream=name, limit=180, remaining=99, resets_at=now() + timedelta(minutes=1)) for name in _HOSTS
        )
        counts.budgets_observed(known, now())
        _call(4)


_HOSTS = ("docker.io", "hub.docker.com")


@pytest.mark.parametrize("each", [10, 100])
@pytest.mark.parametrize("registry", [DOCKER_HUB, "quay.io"])
def test_a_check_of_ten_thousand_tags_none_of_which_moved_tells_little(
    told: Callable[[], int], registry: str, each: int
) -> None:
    Watching(10_000, registry, each).check()
    print(f"a check of 10,000 unchanged tags, {each} in a repository of {registry}: {told() / 1000:.1f} kB")
    assert 0 < told() <= MOST_A_CHECK_OF_TEN_THOUSAND


def test_a_quarter_of_an_hour_in_which_nothing_happens_tells_little(told: Callable[[], int]) -> None:
    watching, clock = Watching(1_000), SettableClock()
    watching.check()
    for registry in ("mcr.microsoft.com", "other registries"):
        with spans.acting(f"check {registry}"):
            _call(1)
    with spans.acting("look at base"):
        _call(2)
    for _ in range(100 // 20):
        with spans.consuming("checks", LookAtBase(v=1, repositories=("base/a",) * 20)):
            _call(60)
    for _ in range(15):
        _sweep(clock)
    print(f"an idle quarter of an hour, 1,000 tags: {told() / 1000:.1f} kB")
    assert 0 < told() <= MOST_A_QUIET_QUARTER
