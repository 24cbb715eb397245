"""Builds the adapters once, when first needed: the only place that knows which adapter keeps which port."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared.config import RegistryId, Settings
from shared.flows.act import Actor
from shared.flows.check import Checker
from shared.flows.compare_rebuilds import Comparison
from shared.flows.find_dependants import DependantSearch
from shared.flows.look_at_base import BaseComparer
from shared.flows.plan import Planner
from shared.flows.promote import Promoter
from shared.flows.rebuild import Rebuilder
from shared.flows.reconcile import Reconciler
from shared.flows.rule import Ruler
from shared.flows.stage import Stager
from shared.flows.validate import Validator
from shared.flows.watch_lists import WatchLists
from shared.rules.adoption import Adopter
from shared.rules.conclusions import Conclusions
from shared.rules.detection import Detector
from shared.rules.heirs import Heirs
from shared.rules.ledger import Ledger
from shared.rules.listings import KeptListings
from shared.rules.progress import Progress, candidate_progress, rebuild_progress
from shared.rules.second_looks import SecondLooks
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook
from shared.telemetry.changes import candidate_changed, rebuild_changed, target_changed
from shared.telemetry.metrics import put_off
from shared.telemetry.observers import CountedUpstream, ToldActivity, TracedOutbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.adapters.azure.clients import AzureClients
    from shared.adapters.azure.identity import Identity
    from shared.adapters.azure.registry import AzureContainerRegistry
    from shared.adapters.azure.tasks import AcrTasks
    from shared.adapters.storage.account import StorageAccount
    from shared.budget_ports import Budgets
    from shared.domain.promotion.candidate import Candidate
    from shared.domain.promotion.rebuilds import Rebuild
    from shared.domain.watching.watch_list import WatchList
    from shared.ports import Activity, Configuration, Evidence, Observations, Outbox, Records
    from shared.target_ports import Rulings, Targets

DEPLOYED = Path(__file__).resolve().parent.parent


def utc_now() -> datetime:
    """Return now, UTC."""
    return datetime.now(UTC)


def parse_watch_list(text: bytes) -> WatchList:
    """Read a watch list's text; the YAML reader is loaded when the first list is read."""
    from shared.watch_list_yaml import parse_watch_list as parse  # noqa: PLC0415

    return parse(text)


class Parts:
    """Everything the triggers hand to the flows.

    Adapters are imported where they are made, so that starting costs nothing that the first message does not need.

    Args:
        settings: the app's settings.
        deployed: folder with ``gates/``.
    """

    def __init__(self, settings: Settings, deployed: Path = DEPLOYED) -> None:
        self.settings = settings
        self.clock = utc_now
        self._deployed = deployed

    # Outside systems.

    @cached_property
    def _identity(self) -> Identity:
        from shared.adapters.azure.identity import Identity  # noqa: PLC0415

        return Identity(self.settings.azure_client_id)

    @cached_property
    def _account(self) -> StorageAccount:
        from shared.adapters.storage.account import StorageAccount  # noqa: PLC0415

        return StorageAccount(self.settings.storage, self._identity.credential)

    @cached_property
    def _azure(self) -> AzureClients:
        from shared.adapters.azure.clients import AzureClients  # noqa: PLC0415

        return AzureClients(
            self._identity.credential,
            arm_endpoint=self.settings.arm_endpoint,
            arm_audience=self.settings.arm_audience,
            acr_audience=self.settings.acr_audience,
        )

    @cached_property
    def outbox(self) -> Outbox:
        """The queues."""
        from shared.adapters.storage.queues import Queues  # noqa: PLC0415

        return TracedOutbox(Queues(self._account))

    @cached_property
    def candidates(self) -> Records[Candidate]:
        """The candidates' records."""
        from shared.adapters.storage.records_table import candidates_table  # noqa: PLC0415

        return candidates_table(self._account)

    @cached_property
    def targets(self) -> Targets:
        """What the tags of the base registry should point at."""
        from shared.adapters.storage.targets_table import TargetsTable  # noqa: PLC0415

        return TargetsTable(self._account)

    @cached_property
    def rulings(self) -> Rulings:
        """What people said of digests and entries."""
        from shared.adapters.storage.rulings_table import RulingsTable  # noqa: PLC0415

        return RulingsTable(self._account)

    @cached_property
    def rebuilds(self) -> Records[Rebuild]:
        """The rebuilds' records."""
        from shared.adapters.storage.records_table import rebuilds_table  # noqa: PLC0415

        return rebuilds_table(self._account)

    @cached_property
    def observations(self) -> Observations:
        """What upstream tags pointed at."""
        from shared.adapters.storage.observations_table import ObservationsTable  # noqa: PLC0415

        return ObservationsTable(self._account)

    @cached_property
    def activity(self) -> Activity:
        """The activity log."""
        from shared.adapters.storage.activity_table import ActivityTable  # noqa: PLC0415

        return ToldActivity(ActivityTable(self._account))

    @cached_property
    def evidence(self) -> Evidence:
        """Run logs, and what died in poison queues."""
        from shared.adapters.storage.blobs import EvidenceBlobs  # noqa: PLC0415

        return EvidenceBlobs(self._account)

    @cached_property
    def configuration(self) -> Configuration:
        """The watch list and the gates."""
        from shared.adapters.storage.configuration_blobs import ConfigurationBlobs  # noqa: PLC0415

        return ConfigurationBlobs(self._account, self._deployed)

    @cached_property
    def budgets(self) -> Budgets:
        """What is left of each upstream's limits."""
        from shared.adapters.storage.budgets_table import BudgetsTable  # noqa: PLC0415

        return BudgetsTable(self._account)

    @cached_property
    def upstream(self) -> Callable[[str], CountedUpstream]:
        """Gives the upstream of a registry; adding a registry to the watch list needs nothing else."""
        from shared.adapters.upstream.docker_hub import HubAddresses  # noqa: PLC0415
        from shared.adapters.upstream.upstreams import Upstreams  # noqa: PLC0415

        hub = HubAddresses(
            self.settings.docker_hub_registry_url, self.settings.docker_hub_auth_url, self.settings.docker_hub_api_url
        )
        upstreams = Upstreams(hub, self.settings.mcr_url, self.settings.accounts, self.ledger.learned)
        return lambda registry: CountedUpstream(registry, upstreams.upstream_for(registry))

    @cached_property
    def staging(self) -> AzureContainerRegistry:
        """The staging registry."""
        return self._registry(self.settings.staging, self.settings.staging_server)

    @cached_property
    def base(self) -> AzureContainerRegistry:
        """The base registry."""
        return self._registry(self.settings.base, self.settings.base_server)

    @cached_property
    def staging_runs(self) -> AcrTasks:
        """ACR Tasks of the staging registry."""
        from shared.adapters.azure.gate_run import RunOptions  # noqa: PLC0415
        from shared.adapters.azure.tasks import AcrTasks  # noqa: PLC0415

        settings = self.settings
        options = RunOptions(agent_pool=settings.gate_agent_pool or "", client=settings.gate_client_image)
        return AcrTasks(self._azure, settings.staging, settings.context, options)

    @cached_property
    def application_runs(self) -> dict[str, AcrTasks]:
        """ACR Tasks of the application registries, by the registry's name."""
        return {registry.name: self._tasks(registry) for registry in self.settings.applications}

    def _registry(self, registry: RegistryId, login_server: str) -> AzureContainerRegistry:
        from shared.adapters.azure.registry import AzureContainerRegistry  # noqa: PLC0415

        return AzureContainerRegistry(
            self._azure,
            registry,
            login_server=login_server,
            staging_id=self.settings.staging_registry_id,
            accounts=self.settings.accounts,
        )

    def _tasks(self, registry: RegistryId) -> AcrTasks:
        from shared.adapters.azure.tasks import AcrTasks  # noqa: PLC0415

        return AcrTasks(self._azure, registry)

    # Flows that keep something between calls.

    @cached_property
    def watch_lists(self) -> WatchLists:
        """Which watch list is in force."""
        percent = int(self.settings.list_removal_percent)
        return WatchLists(self.configuration, self.activity, parse_watch_list, percent)

    @cached_property
    def candidate_progress(self) -> Progress[Candidate]:
        """How candidates go on."""
        return candidate_progress(self.candidates, self.outbox, self.clock, tell=candidate_changed)

    @cached_property
    def rebuild_progress(self) -> Progress[Rebuild]:
        """How rebuilds go on."""
        return rebuild_progress(self.rebuilds, self.outbox, self.clock, tell=rebuild_changed)

    @cached_property
    def target_book(self) -> TargetBook:
        """How targets change."""
        name = self.settings.base.name.lower()
        return TargetBook(
            self.targets,
            self.outbox,
            self.clock,
            name,
            tell=target_changed,
            rulings=lambda: self.rulings.of(name),
        )

    @cached_property
    def actor(self) -> Actor:
        """Does what a person does to one target."""
        return Actor(self.target_book, self.sources, self.activity)

    @cached_property
    def ruler(self) -> Ruler:
        """Says what a person says of a digest or an entry."""
        return Ruler(self.rulings, self.target_book, self.activity)

    @cached_property
    def detector(self) -> Detector:
        """Tells targets what their sources point at."""
        return Detector(self.candidate_progress, self.target_book)

    @cached_property
    def heirs(self) -> Heirs:
        """Takes up what earlier versions left under way."""
        return Heirs(self.candidate_progress, self.target_book)

    @cached_property
    def conclusions(self) -> Conclusions:
        """Ends candidates that passed."""
        return Conclusions(self.candidate_progress, self.target_book)

    @cached_property
    def ledger(self) -> Ledger:
        """One budget for each upstream."""
        return Ledger(self.budgets, self.clock, put_off)

    @cached_property
    def planner(self) -> Planner:
        """Puts repositories into the queue of checks."""
        return Planner(self.outbox, self.observations, self.ledger, self.clock)

    @cached_property
    def checker(self) -> Checker:
        """Looks at upstream repositories."""
        return Checker(
            self.watch_lists.in_force,
            self.upstream,
            self.observations,
            self.detector,
            Adopter(self.target_book, self.base),
            self.ledger,
            self.activity,
            self.clock,
            int(self.settings.new_tags_a_check),
            SecondLooks(self.outbox, self.activity, timedelta(minutes=int(self.settings.second_look_minutes))),
        )

    @cached_property
    def stager(self) -> Stager:
        """Takes candidates into the staging registry, and on to their gates."""
        ours = self.settings.accounts.keys()
        return Stager(
            self.candidate_progress, self.staging, self.ledger, self.upstream, ours, then=self.validator.begin
        )

    @cached_property
    def validator(self) -> Validator:
        """Takes candidates through their gates, and on to promotion."""
        return Validator(
            self.candidate_progress, self.configuration, self.staging_runs, self.evidence, then=self.promoter.begin
        )

    @cached_property
    def promoter(self) -> Promoter:
        """Proposes candidates that passed to their targets."""
        return Promoter(
            self.candidate_progress,
            self.target_book,
            self.conclusions,
            then=self.reconciler.reconcile,
        )

    @cached_property
    def comparer(self) -> BaseComparer:
        """Compares the base registry with what its targets say."""
        return BaseComparer(
            self.target_book,
            self.base,
            self.watch_lists.in_force,
            self.observations,
            self.outbox,
            self.activity,
            self.settings.base_listings_apart,
        )

    @cached_property
    def reconciler(self) -> Reconciler:
        """Brings the base registry to what its targets say."""
        return Reconciler(self.target_book, self.base, self.sources, self.outbox, self.detector, self.conclusions)

    @cached_property
    def sources(self) -> Sources:
        """Tells where a digest can still be had."""
        return Sources(self.base, self.staging, self.upstream, self.ledger, self.settings.accounts.keys())

    @cached_property
    def kept_listings(self) -> KeptListings:
        """One listing of each application registry's tasks."""
        from shared.adapters.storage.listings_table import ListingsTable  # noqa: PLC0415

        return KeptListings(ListingsTable(self._account), self.application_runs, self.clock)

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
        )
