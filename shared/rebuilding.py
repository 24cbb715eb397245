"""Puts together what rebuilds what is built on base images, above the scans; see ``shared.bootstrap``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING

from shared.flows.compare_rebuilds import Comparison
from shared.flows.dispatch import Dispatching
from shared.flows.find_dependants import DependantSearch
from shared.flows.list_tasks import TaskLister
from shared.flows.rebuild import Rebuilder
from shared.flows.take_outcome import OutcomeTaker
from shared.rules.dispatch_allowance import Allowance
from shared.rules.dispatch_asking import Asking
from shared.rules.late_builds import LateBuilds
from shared.rules.listings import KeptListings
from shared.rules.progress import Progress, rebuild_progress
from shared.scanning import Scanned
from shared.telemetry.changes import rebuild_changed

if TYPE_CHECKING:
    from shared.domain.promotion.rebuilds import Rebuild
    from shared.rolling import Rolling
    from shared.rules.targets import TargetBook


class Rebuilt(Scanned, ABC):
    """What scans are made by, and what rebuilds."""

    @cached_property
    @abstractmethod
    def target_book(self) -> TargetBook:
        """How targets change: made where it is known whom their changes are told."""

    @cached_property
    @abstractmethod
    def rolling(self) -> Rolling:
        """What rebuilds in waves: made where it is known what the list asks."""

    @cached_property
    def rebuild_progress(self) -> Progress[Rebuild]:
        """How rebuilds go on."""
        return rebuild_progress(self.rebuilds, self.waker, self.clock, tell=rebuild_changed, after=self.rolling.rebuilt)

    @cached_property
    def kept_listings(self) -> KeptListings:
        """The tasks of the application registries, looked up by their bases."""
        return KeptListings(self.listings, tuple(self.application_runs), self.outbox, self.clock)

    @cached_property
    def task_lister(self) -> TaskLister:
        """Lists the tasks of the application registries."""
        return TaskLister(self.listings, self.application_runs, self.outbox, self.clock)

    @cached_property
    def dependant_search(self) -> DependantSearch:
        """Finds what depends on a base image."""
        return DependantSearch(
            self.rebuild_progress,
            self.target_book,
            self.kept_listings,
            self.outbox,
            self.base,
            self.settings.base_server,
            self.rolling,
        )

    @cached_property
    def comparison(self) -> Comparison:
        """Finds the rebuilds that are wanted and missing."""
        return Comparison(
            self.rebuild_progress,
            self.target_book,
            self.kept_listings,
            self.outbox,
            self.activity,
            self.base,
            self.settings.base_server,
            self.rolling,
        )

    @cached_property
    def rebuilder(self) -> Rebuilder:
        """Rebuilds what depends on a base image."""
        return Rebuilder(
            self.rebuild_progress,
            self.target_book,
            self.application_runs,
            self.evidence,
            self.settings.base_server,
            self.activity,
            self.settings.most_rebuilds,
            self.rolling,
            self.times,
        )

    @cached_property
    def dispatching(self) -> Dispatching:
        """Rebuilds what depends on a base image and is built elsewhere."""
        asking = Asking(
            self.rebuild_progress,
            self.dispatchers,
            self.switches,
            Allowance(self.ledger),
            self.activity,
            self.settings.base_server,
            self.settings.most_rebuilds,
        )
        late = LateBuilds(asking, self.activity, self.settings.base_server)
        parts = (self.rebuild_progress, self.target_book, late)
        return Dispatching(asking, *parts, self.settings.base_server, self.settings.most_rebuilds, self.rolling)

    @cached_property
    def outcome_taker(self) -> OutcomeTaker:
        """Takes what builders tell of builds."""
        return OutcomeTaker(self.rebuild_progress)
