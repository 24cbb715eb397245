"""Ten thousand watched tags over doubles that count what a storage account would."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta

from shared.domain.events.messages import CheckRepositories
from shared.domain.promotion.candidate import Candidate
from shared.domain.references import Digest, Repository, Tag
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState, answered
from shared.domain.watching.watch_list import Image, WatchList, fingerprint
from shared.flows.check import Checker
from shared.flows.plan import Planner
from shared.ports import Known
from shared.rules.adoption import Adopter
from shared.rules.detection import Detector
from shared.rules.ledger import Ledger
from shared.rules.mirroring import Mirror
from shared.rules.places import Places
from shared.rules.progress import candidate_progress
from shared.rules.room import MOST_UNDER_WAY, Room
from shared.rules.second_looks import SecondLooks
from shared.rules.targets import TargetBook
from shared.rules.wake import Waker
from tests.doubles.kept_scans import proposer_that_asks_for_no_scan
from tests.doubles.queues import InMemoryOutbox
from tests.doubles.registries import InMemoryRegistry
from tests.doubles.storage import (
    MIDDAY,
    InMemoryActivity,
    InMemoryBudgets,
    InMemoryObservations,
    InMemoryRecords,
    InMemoryTargets,
    InMemoryTools,
    SettableClock,
)
from tests.doubles.upstreams import InMemoryUpstream

A_QUARTER = timedelta(minutes=15)
NEW_TAGS_A_CHECK = 20
# As the table writes: so many rows beside the one that guards them.
_A_BATCH, _A_PAGE = 99, 1000


class CountedObservations(InMemoryObservations):
    """Counts the transactions that the table makes, and the rows that it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()

    def of(self, repository: Repository) -> Known:
        """See ``Observations.of``."""
        known = super().of(repository)
        self.counted["read"] += max(-(-(len(known.tags) + 1) // _A_PAGE), 1)
        return known

    def save(
        self, repository: Repository, known: Known, state: RepositoryState, observations: tuple[Observation, ...]
    ) -> Known:
        """See ``Observations.save``."""
        self.counted["write"] += max(-(-len(observations) // _A_BATCH), 1)
        self.counted["rows"] += len(observations) + 1
        return super().save(repository, known, state, observations)


class Many:
    """Tags of one registry, as many in each repository.

    Args:
        registry: ``docker.io`` has a catalogue, any other is asked by HEAD.
        repositories: how many.
        each: tags in each.
        new_tags: how many a message begins for the first time.
        most_under_way: candidates, at once.
    """

    def __init__(
        self,
        registry: str,
        repositories: int,
        each: int,
        new_tags: int = NEW_TAGS_A_CHECK,
        most_under_way: int = MOST_UNDER_WAY,
    ) -> None:
        self.clock = SettableClock()
        self._registry = registry
        self.list = WatchList([_image(registry, number, each) for number in range(repositories)])
        self.queue, self.observations = InMemoryOutbox(self.clock), CountedObservations()
        self.budgets, self.activity = InMemoryBudgets(), InMemoryActivity()
        self.upstream = InMemoryUpstream(catalogue=registry == "docker.io", clock=lambda: MIDDAY - timedelta(days=1))
        self.base = InMemoryRegistry()
        self.candidates: InMemoryRecords[Candidate] = InMemoryRecords(Candidate)
        self.ledger = Ledger(self.budgets, self.clock)
        waker = Waker(self.queue, self.clock)
        book = TargetBook(InMemoryTargets(), waker, self.clock, "base")
        self.progress = candidate_progress(self.candidates, waker, self.clock)
        self.planner = Planner(self.queue, self.observations, self.ledger, self.clock)
        self.checker = Checker(
            lambda: self.list,
            lambda _: self.upstream,
            self.observations,
            Places(
                Detector(self.progress, book, proposer_that_asks_for_no_scan(book, self.clock)),
                Adopter(book, self.base),
                Mirror(self.progress, InMemoryTools(), self.base),
            ),
            self.ledger,
            self.activity,
            self.clock,
            new_tags,
            Room(self.candidates, self.clock, most_under_way),
            SecondLooks(self.queue, self.activity, timedelta(minutes=3)),
        )
        for image in self.list.images:
            for tag in image.wanted:
                self.upstream.push(image.repository, tag, digest_of(f"{image.name}:{tag}"))

    def remember(self) -> None:
        """What an earlier check would have left behind, just now, where all has long been promoted."""
        for image in self.list.images:
            state = answered(RepositoryState(), whole_list=True, rules=fingerprint((image,)), now=self.clock())
            seen = tuple(self._seen(image, tag) for tag in image.wanted)
            self.observations.save(image.repository, self.observations.of(image.repository), state, seen)

    def _seen(self, image: Image, tag: Tag) -> Observation:
        now, place = self.clock(), f"{image.target}:{tag}"
        one = digest_of(f"{image.name}:{tag}")
        return Observation(tag=tag, digest=one, order=1, targets=(place,), first_seen=now, last_checked=now)

    def check(self) -> list[CheckRepositories]:
        """Plan a check of everything, work on its messages, and return them."""
        self.planner.plan(self.list.images, traceparent="")
        messages = self.checks()
        for message in messages:
            self.checker.check(message)
        return messages

    def checks(self) -> list[CheckRepositories]:
        """Take what was sent, and return the checks that are asked for."""
        sent, self.queue.sent[:] = self.queue.sent[:], []
        return [one.message for one in sent if isinstance(one.message, CheckRepositories)]

    def watch(self, number: int, each: int) -> None:
        """Have so many tags of a repository watched."""
        images = list(self.list.images)
        images[number] = _image(self._registry, number, each)
        self.list = WatchList(images)

    def transactions(self) -> int:
        """How many there were of tables since it was last asked for."""
        observed = self.observations.counted["read"] + self.observations.counted["write"]
        found = observed + self.budgets.asked.total()
        self.observations.counted.clear()
        self.budgets.asked.clear()
        return found


def digest_of(text: str) -> Digest:
    """Return a digest that no other text has."""
    return Digest(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def _image(registry: str, number: int, each: int) -> Image:
    path = f"library/image-{number:04}"
    tags = tuple(f"24.{index}" for index in range(each))
    return Image(name=f"image-{number:04}", source=f"{registry}/{path}", tags=tags, target=f"base/{path}")
