"""Builds the adapters once, when first needed: the only place that knows which adapter keeps which port."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from shared.config import RegistryId
from shared.domain.housekeeping.reasons import Place
from shared.domain.pacing.bucket import Work
from shared.outside_for_builders import OutsideForBuilders
from shared.rules.arm_pace import ArmPace
from shared.rules.ledger import Ledger
from shared.telemetry.counts import paced, put_off
from shared.telemetry.observers import CountedUpstream, ToldActivity, TracedOutbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.adapters.azure.clients import AzureClients
    from shared.adapters.azure.registry import AzureContainerRegistry
    from shared.adapters.azure.tasks import AcrTasks
    from shared.budget_ports import Budgets
    from shared.configuration_ports import Configuration, ConfigurationFiles
    from shared.dead_letter_ports import DeadLetters
    from shared.domain.promotion.candidate import Candidate
    from shared.domain.promotion.rebuilds import Rebuild
    from shared.domain.scan.scan import Scan
    from shared.evidence_ports import EvidenceStore
    from shared.exception_ports import ExceptionFiles
    from shared.housekeeping_ports import HouseBooks, HouseRegistry, RunNames
    from shared.ports import Activity, Observations, Outbox, Records
    from shared.record_ports import Shelf, Signer, SigningKeys
    from shared.run_ports import Listings
    from shared.target_ports import Targets
    from shared.tool_ports import Tools
    from shared.travel_ports import CompanionRecords, UniqueNames
    from shared.trouble_ports import Troubles
    from shared.usual_times_ports import KeptUsualTimes
    from shared.watch_ports import Watches
    from shared.wave_ports import Waves


class Outside(OutsideForBuilders):
    """The outside systems: the ports' adapters, each made once."""

    @cached_property
    def _azure(self) -> AzureClients:
        from shared.adapters.azure.clients import AzureClients  # noqa: PLC0415

        return AzureClients(
            self._identity.credential,
            arm_endpoint=self.settings.arm_endpoint,
            arm_audience=self.settings.arm_audience,
            acr_audience=self.settings.acr_audience,
            pace=self.pace,
        )

    @cached_property
    def outbox(self) -> Outbox:
        """The queues."""
        from shared.adapters.storage.queues import Queues  # noqa: PLC0415

        return TracedOutbox(Queues(self._account))

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """What died in the queues."""
        from shared.adapters.storage.poison_queues import PoisonQueues  # noqa: PLC0415

        return PoisonQueues(self._account)

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
    def companions(self) -> CompanionRecords:
        """What lies, or is to lie, beside digests in the base registry."""
        from shared.adapters.storage.companions_table import CompanionsTable  # noqa: PLC0415

        return CompanionsTable(self._account)

    @cached_property
    def waves(self) -> Waves:
        """The waves of decisions."""
        from shared.adapters.storage.waves_table import WavesTable  # noqa: PLC0415

        return WavesTable(self._account)

    @cached_property
    def unique_names(self) -> UniqueNames:
        """Which digest has which unique tag."""
        from shared.adapters.storage.companions_table import UniqueTagsTable  # noqa: PLC0415

        return UniqueTagsTable(self._account)

    @cached_property
    def rebuilds(self) -> Records[Rebuild]:
        """The rebuilds' records."""
        from shared.adapters.storage.records_table import rebuilds_table  # noqa: PLC0415

        return rebuilds_table(self._account)

    @cached_property
    def scans(self) -> Records[Scan]:
        """The scans' records."""
        from shared.adapters.storage.records_table import scans_table  # noqa: PLC0415

        return scans_table(self._account)

    @cached_property
    def listings(self) -> Listings:
        """The kept listings of application registries' tasks."""
        from shared.adapters.storage.listings_table import ListingsTable  # noqa: PLC0415

        return ListingsTable(self._account)

    @cached_property
    def observations(self) -> Observations:
        """What upstream tags pointed at."""
        from shared.adapters.storage.observations_table import ObservationsTable  # noqa: PLC0415

        return ObservationsTable(self._account)

    @cached_property
    def troubles(self) -> Troubles:
        """What is wrong now."""
        from shared.adapters.storage.troubles_table import TroublesTable  # noqa: PLC0415

        return TroublesTable(self._account)

    @cached_property
    def activity(self) -> Activity:
        """The activity log."""
        from shared.adapters.storage.activity_table import ActivityTable  # noqa: PLC0415

        return ToldActivity(ActivityTable(self._account))

    @cached_property
    def evidence(self) -> EvidenceStore:
        """Run logs, and what died in poison queues."""
        from shared.adapters.storage.blobs import EvidenceBlobs  # noqa: PLC0415

        return EvidenceBlobs(self._account)

    @cached_property
    def watches(self) -> Watches:
        """The record of the standing watch."""
        from shared.adapters.storage.watch_blob import WatchBlob  # noqa: PLC0415

        return WatchBlob(self._account)

    @cached_property
    def exception_files(self) -> ExceptionFiles:
        """The files of exceptions from policies."""
        from shared.adapters.storage.exception_blobs import ExceptionBlobs  # noqa: PLC0415

        return ExceptionBlobs(self._account)

    @cached_property
    def trust_files(self) -> ExceptionFiles:
        """The keys, roots and stores by which signatures are judged."""
        from shared.adapters.storage.exception_blobs import trust_blobs  # noqa: PLC0415

        return trust_blobs(self._account)

    @cached_property
    def configuration_files(self) -> ConfigurationFiles:
        """Single files of the configuration, as people write them."""
        from shared.adapters.storage.configuration_files import ConfigurationFileBlobs  # noqa: PLC0415

        return ConfigurationFileBlobs(self._account)

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
    def tools(self) -> Tools:
        """What is mirrored for runs in the staging registry."""
        from shared.adapters.storage.tools_table import ToolsTable  # noqa: PLC0415

        return ToolsTable(self._account)

    @cached_property
    def usual_times(self) -> KeptUsualTimes:
        """How long imports and gates usually take."""
        from shared.adapters.storage.usual_times_table import UsualTimesTable  # noqa: PLC0415

        return UsualTimesTable(self._account)

    @cached_property
    def pace(self) -> ArmPace:
        """Whose turn it is at ARM."""
        from shared.adapters.storage.buckets_table import BucketsTable  # noqa: PLC0415

        return ArmPace(BucketsTable(self._account), self.clock, paced)

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
        return self._registry(self.settings.staging, self.settings.staging_server, Work.IMPORT)

    @cached_property
    def base(self) -> AzureContainerRegistry:
        """The base registry."""
        return self._registry(self.settings.base, self.settings.base_server, Work.PROMOTION)

    @cached_property
    def house_registries(self) -> dict[Place, HouseRegistry]:
        """Staging and base, as what they hold is listed and deleted."""
        from shared.adapters.azure.repository_contents import RepositoryContents  # noqa: PLC0415

        servers = {Place.STAGING: self.settings.staging_server, Place.BASE: self.settings.base_server}
        return {place: RepositoryContents(self._azure, server) for place, server in servers.items()}

    @cached_property
    def run_names(self) -> dict[str, RunNames]:
        """The names of runs of every registry with ACR Tasks, by the registry's name."""
        from shared.adapters.azure.run_names import AcrRunNames  # noqa: PLC0415

        clients = self._azure.at(Work.IMPORT)
        registries = (self.settings.staging, *self.settings.applications)
        return {registry.name: AcrRunNames(clients, registry) for registry in registries}

    @cached_property
    def house_books(self) -> HouseBooks:
        """What housekeeping remembers."""
        from shared.adapters.storage.house_blobs import HouseBlobs  # noqa: PLC0415

        return HouseBlobs(self._account)

    @cached_property
    def staging_runs(self) -> AcrTasks:
        """ACR Tasks of the staging registry."""
        from shared.adapters.azure.gate_run import RunOptions  # noqa: PLC0415
        from shared.adapters.azure.tasks import AcrTasks  # noqa: PLC0415

        settings = self.settings
        options = RunOptions(agent_pool=settings.gate_agent_pool or "", client=settings.gate_client_image)
        return AcrTasks(self._azure.at(Work.GATE), settings.staging, settings.context, options)

    @cached_property
    def application_runs(self) -> dict[str, AcrTasks]:
        """ACR Tasks of the application registries, by the registry's name."""
        return {registry.name: self._tasks(registry) for registry in self.settings.applications}

    @cached_property
    def ledger(self) -> Ledger:
        """One budget for each upstream."""
        return Ledger(self.budgets, self.clock, put_off)

    @cached_property
    def signer(self) -> Signer | None:
        """Who holds the key that signs records; ``None`` if none does."""
        key = self.settings.record_key
        if key.startswith("file:"):
            from shared.adapters.key_file import KeyFile  # noqa: PLC0415

            return KeyFile(key)
        from shared.adapters.azure.key_vault import KeyVaultSigner  # noqa: PLC0415

        return KeyVaultSigner(self._azure, key, self.settings.vault_audience) if key else None

    @cached_property
    def signing_keys(self) -> SigningKeys:
        """The public keys of all that signed records."""
        from shared.adapters.storage.signing_keys_table import SigningKeysTable  # noqa: PLC0415

        return SigningKeysTable(self._account)

    @cached_property
    def staging_shelf(self) -> Shelf:
        """The blobs of the staging registry."""
        from shared.adapters.azure.shelf import RegistryShelf  # noqa: PLC0415

        return RegistryShelf(self._azure, self.settings.staging_server)

    @cached_property
    def base_shelf(self) -> Shelf:
        """The blobs of the base registry."""
        from shared.adapters.azure.shelf import RegistryShelf  # noqa: PLC0415

        return RegistryShelf(self._azure, self.settings.base_server)

    def _registry(self, registry: RegistryId, login_server: str, work: Work) -> AzureContainerRegistry:
        from shared.adapters.azure.registry import AzureContainerRegistry  # noqa: PLC0415

        return AzureContainerRegistry(
            self._azure.at(work),
            registry,
            login_server=login_server,
            staging_id=self.settings.staging_registry_id,
            base_id=self.settings.base.resource_id,
            accounts=self.settings.accounts,
        )

    def _tasks(self, registry: RegistryId) -> AcrTasks:
        from shared.adapters.azure.tasks import AcrTasks  # noqa: PLC0415

        return AcrTasks(self._azure.at(Work.REBUILD), registry)
