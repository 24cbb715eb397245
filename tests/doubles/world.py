"""A whole Tidegate in memory: every flow over the doubles, with queues that deliver, time that passes and deaths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.events.event_grid import is_event, read_event
from shared.domain.events.messages import ListTasks, decode
from shared.domain.events.registry_event import Told
from shared.domain.links import Links
from shared.domain.notices.notice import Notice
from shared.domain.policy.policy import Policy
from shared.domain.promotion.actions import Declined
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.listing import taken_up
from shared.domain.promotion.rebuilds import ApplicationTask, Dependency, Rebuild
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.references import DOCKER_HUB, MCR, Digest, Tag, parse_repository
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import NoAnswer
from shared.domain.scan.run_log import read_scan_log
from shared.domain.scan.scan import Scan
from shared.domain.watching.troubles import Noted, Trouble
from shared.domain.watching.watch_list import WatchList
from shared.domain.waves.wave import Wave
from shared.due_kinds import kinds
from shared.errors import TidegateError
from shared.flows.act import Actor
from shared.flows.approve import Approver
from shared.flows.cancel import Canceller
from shared.flows.cancel_scan import ScanCanceller
from shared.flows.check import Checker
from shared.flows.compare_rebuilds import Comparison
from shared.flows.copy_scanned import ScanCopier
from shared.flows.decide_again import SecondJudge
from shared.flows.dispatch import Dispatching
from shared.flows.export_decisions import DecisionExporter
from shared.flows.find_dependants import DependantSearch
from shared.flows.import_decisions import DecisionImporter
from shared.flows.keep_decisions import DecisionKeeper
from shared.flows.list_tasks import TaskLister
from shared.flows.look_at_base import BaseComparer
from shared.flows.look_at_candidate import CandidateLooker
from shared.flows.look_at_due import DueLooker
from shared.flows.look_at_scan import ScanLooker
from shared.flows.plan import Planner
from shared.flows.poisoned import DeadLetterReader
from shared.flows.promote import Promoter
from shared.flows.rebuild import Rebuilder
from shared.flows.reconcile import Reconciler
from shared.flows.retry import Retrier
from shared.flows.rule import Ruler
from shared.flows.scan import Scanning
from shared.flows.signal import signal
from shared.flows.stage import Stager
from shared.flows.standing_watch import StandingWatch
from shared.flows.sweep import sweep_candidates, sweep_each, sweep_rebuilds, sweep_scans, sweep_targets
from shared.flows.tell_troubles import TroubleTeller
from shared.flows.validate import Validator
from shared.flows.waive import WaiverTaker
from shared.flows.watch_lists import WatchLists
from shared.gate_reading import checked_gate
from shared.notifying import Notifying
from shared.policy_yaml import read_waiver_file
from shared.record_keeping import RecordKeeping
from shared.rolling import Rolling
from shared.rules.admissions import Admissions
from shared.rules.adoption import Adopter
from shared.rules.all_checks import all_checks
from shared.rules.answerability import Answerability
from shared.rules.approvals import is_agreed_to
from shared.rules.bars import Bars
from shared.rules.conclusions import Conclusions
from shared.rules.detection import Detector
from shared.rules.dispatch_allowance import Allowance
from shared.rules.dispatch_asking import Asking
from shared.rules.exceptions import KnownExceptions
from shared.rules.exposures import Exposures
from shared.rules.gate_room import GateRoom
from shared.rules.gate_runs import GateRuns
from shared.rules.heirs import Heirs
from shared.rules.import_room import ImportRoom
from shared.rules.late_builds import LateBuilds
from shared.rules.ledger import Ledger
from shared.rules.listings import KeptListings
from shared.rules.places import Places
from shared.rules.policies import Asking as AskedOfPolicies
from shared.rules.policies import Policies
from shared.rules.progress import candidate_progress, rebuild_progress, scan_progress
from shared.rules.proposals import Proposer
from shared.rules.remembering import Memory
from shared.rules.room import Room
from shared.rules.scan_askers import Askers
from shared.rules.scan_book import ScanBook
from shared.rules.scan_documents import ScanDocuments
from shared.rules.scan_sources import ScanSources
from shared.rules.second_looks import SecondLooks
from shared.rules.signature_book import SignatureBook
from shared.rules.signature_check import SignedBy
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook
from shared.rules.timekeeping import Timekeeper
from shared.rules.trouble_finding import TroubleFinder
from shared.rules.trust_files import KnownTrust
from shared.rules.unbuilt_tasks import UnbuiltTasks
from shared.rules.wake import Waker
from shared.run_ports import ScannerInUse
from shared.signing import judge_signatures, problem_with
from shared.tooling import Tooling
from shared.travelling import Travels
from shared.watch_list_yaml import parse_watch_list
from shared.work import work_on
from tests.doubles.companions import InMemoryCompanions, InMemoryUniqueNames
from tests.doubles.decisions import InMemoryApiKeys, InMemoryKeepings, InMemoryVault
from tests.doubles.dispatchers import InMemoryDispatcher, InMemorySwitches
from tests.doubles.gates import GATE_FILES
from tests.doubles.kept_scans import InMemoryExceptionFiles, InMemoryScans, SaidPolicies
from tests.doubles.notices import InMemoryDeliveries, InMemoryDestinations, InMemorySenders
from tests.doubles.queues import Delivery, InMemoryDeadLetters, InMemoryOutbox
from tests.doubles.records import InMemorySigningKeys, SoftSigner, WorldShelf
from tests.doubles.registries import InMemoryRegistry, InMemoryRuns, digest_of
from tests.doubles.scans import TOOLS
from tests.doubles.storage import (
    InMemoryActivity,
    InMemoryBudgets,
    InMemoryConfiguration,
    InMemoryEvidence,
    InMemoryListings,
    InMemoryObservations,
    InMemoryRecords,
    InMemoryRulings,
    InMemoryTargets,
    InMemoryTools,
    InMemoryTroubles,
    InMemoryUsualTimes,
    InMemoryWatches,
    SettableClock,
)
from tests.doubles.upstreams import InMemoryUpstream
from tests.doubles.waves import InMemoryWaves, SaidGrounds, SaidRuns

GHCR = "ghcr.io"
NODE = parse_repository("docker.io/library/node")
TAG = Tag("22-alpine")
TARGET = "base/node"
BASE, BASE_SERVER = "tidegatebase", "tidegatebase.azurecr.io"
WATCH_LIST = b"""
images:
  - name: node
    source: docker.io/library/node
    tags: [22-alpine]
    target: base/node
    gate: node
"""
GATES = {"node": GATE_FILES}
ONE, TWO, THREE = digest_of("one"), digest_of("two"), digest_of("three")


class Died(BaseException):
    """The process was killed; nothing may catch it."""


class World:
    """Everything in memory.

    Args:
        watch_list: YAML.
        own_trigger: whether the application task's own base image trigger is on.
        new_tags: how many tags one check begins for the first time.
        destinations: names of those who are told.
        scanning: whether scans are made by runs and tell whoever asks; else ``kept_scans`` says what they found.
        travels: whether what its entries want beside images is brought; else nobody looks for it.
        record_forms: forms of records beside the bundle.
        record_failures: whether records say that something failed.
    """

    def __init__(
        self,
        watch_list: bytes = WATCH_LIST,
        *,
        own_trigger: bool = False,
        new_tags: int = 20,
        scanning: bool = False,
        destinations: Iterable[str] = (),
        travels: bool = False,
        record_forms: Iterable[str] = (),
        record_failures: bool = False,
    ) -> None:
        self.new_tags = new_tags
        self.scanning = scanning
        self.travels = travels
        self.signs = True
        self.record_forms, self.record_failures = frozenset(record_forms), record_failures
        self.signer, self.signing_keys = SoftSigner(), InMemorySigningKeys(self._moment("signing_keys"))
        self.base_name = BASE
        self.hook: Callable[[str], None] | None = None
        self.runs: dict[str, InMemoryRuns] = {}
        self.most_rebuilds = 8
        self.sign_in = True
        self.most_gates = 25
        self.most_imports = 50
        self.clock = SettableClock()
        self.hub = InMemoryUpstream(catalogue=True, clock=self.clock)
        self.mcr = InMemoryUpstream(catalogue=True, clock=self.clock)
        self.ghcr = InMemoryUpstream(clock=self.clock)
        upstreams = (self.hub, self.mcr, self.ghcr)
        self.staging = InMemoryRegistry(upstreams=upstreams, before_call=self._moment("staging"))
        self.base = InMemoryRegistry(upstreams=upstreams, staging=self.staging, before_call=self._moment("base"))
        blobs: dict[Digest, bytes] = {}
        self.staging_shelf = WorldShelf(self.staging, blobs, self._moment("staging_shelf"))
        self.base_shelf = WorldShelf(self.base, blobs)
        self.staging.base = self.base
        self.scanner = TOOLS
        self.tool_troubles: list[TidegateError] = []
        self.staging_runs = InMemoryRuns(before_call=self._moment("staging_runs"))
        self.application_runs = InMemoryRuns(before_call=self._moment("application_runs"))
        self.dispatchers: dict[str, InMemoryDispatcher] = {}
        self.switches = InMemorySwitches(self._moment("switches"))
        self.candidates = InMemoryRecords(Candidate, self._moment("candidates"))
        self.rebuilds = InMemoryRecords(Rebuild, self._moment("rebuilds"))
        self.scans = InMemoryRecords(Scan, self._moment("scans"))
        self.told_askers: list[tuple[str, ...]] = []
        self.targets = InMemoryTargets(self._moment("targets"))
        self.companions = InMemoryCompanions(self._moment("companions"))
        self.waves = InMemoryWaves(self._moment("waves"))
        self.last_runs = SaidRuns()
        self.grounds: SaidGrounds | None = SaidGrounds()
        self.unique_names = InMemoryUniqueNames(self._moment("unique_names"))
        self.rulings = InMemoryRulings(self._moment("rulings"))
        self.tools = InMemoryTools(self._moment("tools"))
        self.observations = InMemoryObservations(self._moment("observations"))
        self.listings = InMemoryListings(self._moment("listings"))
        self.budgets = InMemoryBudgets(self._moment("budgets"))
        self.usual_times = InMemoryUsualTimes(self._moment("usual_times"))
        self.activity = InMemoryActivity(self._moment("activity"))
        self.troubles = InMemoryTroubles(self._moment("troubles"))
        self.watches = InMemoryWatches(self._moment("watches"))
        self.lasting: tuple[Noted, ...] = ()
        self.senders = InMemorySenders(destinations, self._moment("senders"))
        self.deliveries = InMemoryDeliveries(self._moment("deliveries"))
        self.destinations = InMemoryDestinations(self._moment("destinations"))
        self.notify_files = InMemoryExceptionFiles(self._moment("notify_files"))
        self.evidence = InMemoryEvidence(self._moment("evidence"), self.clock)
        self.outbox = InMemoryOutbox(self.clock, self._moment("outbox"))
        self.dead_letters = InMemoryDeadLetters(self.outbox, self.clock, self._moment("dead_letters"))
        self.configuration = InMemoryConfiguration(watch_list, GATES, before_call=self._moment("configuration"))
        self.application_runs.application_tasks = (application_task(ONE, own_trigger=own_trigger),)
        self.exception_files = InMemoryExceptionFiles(self._moment("exception_files"))
        self.trust_files = InMemoryExceptionFiles(self._moment("trust_files"))
        self.api_keys = InMemoryApiKeys(self._moment("api_keys"))
        self.keepings = InMemoryKeepings(self._moment("keepings"))
        self.vault: InMemoryVault | None = None
        self.kept_scans = InMemoryScans(self.clock, self._moment("kept_scans"))
        self.policies_of: dict[str, Policy] = {}
        self.platforms_of: dict[str, tuple[str, ...]] = {}
        self.packages_of: dict[Digest, frozenset[str]] = {}
        self.agreed = False
        self.start()

    def _target_told(self, before: Target | None, target: Target) -> None:
        self.travelling.told(lambda _, __: None)(before, target)

    def start(self) -> None:
        """Start the app, some time after it died: all that a process keeps in memory is made anew."""
        self.staging.finish()
        self.base.finish()
        self.policies = Policies(self._list_in_force, self.clock, self._asking)
        self.watch_lists = WatchLists(self.configuration, self.activity, parse_watch_list, 20, self._list_read)
        self.waker = Waker(self.outbox, self.clock)
        self.candidate_progress = candidate_progress(self.candidates, self.waker, self.clock)
        self.rolling = self._rolling()
        self.rebuild_progress = rebuild_progress(self.rebuilds, self.waker, self.clock, after=self.rolling.rebuilt)
        self.scan_progress = scan_progress(self.scans, self.waker, self.clock)
        self.notifying = Notifying(
            self.senders,
            deliveries=lambda: self.deliveries,
            destinations=lambda: self.destinations,
            files=lambda: self.notify_files,
            waker=lambda: self.waker,
            clock=self.clock,
            watch_list=self._list_in_force,
            links=Links("https://tidegate.example.net"),
            installation="test",
        )
        told = {"rulings": self.rulings.every, "notices": self.notifying.told_of}
        self.book = TargetBook(self.targets, self.waker, self.clock, self.base_name, self._target_told, **told)
        keys = lambda: self.api_keys  # noqa: E731
        self.answerability = Answerability(self.policies.watch_list, keys, sign_in=self.sign_in)
        self.exceptions = KnownExceptions(self.exception_files, self.clock, read_waiver_file)
        self.scan_book = ScanBook(self.scan_progress, self.evidence, read_scan_log)
        scans = self.scan_book if self.scanning else self.kept_scans
        self.ledger = Ledger(self.budgets, self.clock)
        upstream = {DOCKER_HUB: self.hub, MCR: self.mcr, GHCR: self.ghcr}.__getitem__
        self.signed_by = self._signed_by(SignatureBook(upstream, self.ledger, self.evidence, self.clock))
        by = (self.policies, self.exceptions, scans, self.evidence, self.book, self.clock)
        agreed = lambda target, digest: self.agreed or is_agreed_to(target, digest)  # noqa: E731
        checks = all_checks(self.clock, scans, self.exceptions, self.signed_by, self._packages, agreed)
        self.admissions = Admissions(*by, checks=checks)
        self.proposer = Proposer(self.book, self.admissions, self.activity)
        self.detector = Detector(self.candidate_progress, self.book, self.proposer)
        self.ruler = Ruler(self.rulings, self.book, self.activity, self.detector.blocked)
        self.heirs = Heirs(self.candidate_progress, self.book, self.proposer)
        conclusions = Conclusions(self.candidate_progress, self.book)
        self.comparer = BaseComparer(
            self.book,
            self.base,
            self.watch_lists.in_force,
            self.observations,
            self.outbox,
            self.activity,
            self.detector.let_go,
            **({"beside": self._compare_beside} if self.travels else {}),
        )
        self.planner = Planner(self.outbox, self.observations, self.ledger, self.clock)
        self.sources = Sources(self.base, self.staging, upstream, self.ledger, {DOCKER_HUB})
        self.retrier = Retrier(self.book, self.candidates, self.detector, self.outbox, self.activity)
        times = Timekeeper(self.usual_times)
        self.records = RecordKeeping(
            signer=lambda: self.signer if self.signs else None,
            keys=lambda: self.signing_keys,
            targets=lambda: self.book,
            policies=lambda: self.policies,
            candidates=lambda: self.candidates,
            evidence=lambda: self.evidence,
            shelves=lambda: (self.staging_shelf, self.base_shelf),
            base=lambda: self.base,
            clock=self.clock,
            server="base.example.io",
            verifier="https://base.example.io",
            forms=self.record_forms,
            failures=self.record_failures,
        )
        self.travelling = Travels(
            records=lambda: self.companions,
            names=lambda: self.unique_names,
            targets=lambda: self.book,
            staging=lambda: self.staging,
            base=lambda: self.base,
            upstream=lambda: upstream,
            ledger=lambda: self.ledger,
            ours={DOCKER_HUB},
            times=lambda: times,
            travels=lambda: self.policies.may_travel,
            asked=lambda target: self.policies.now().of(target.origin.image, target.place).travelling,
            waker=lambda: self.waker,
            clock=self.clock,
            record=self.records.step,
        )
        companions = (lambda: self.travelling.bar) if self.travels else None
        self.bars = Bars(self.policies, self.book, self._remembers, companions)
        self.exporter = DecisionExporter(
            self.targets,
            self.rulings,
            lambda: self.api_keys,
            registry=self.base_name,
            installation="prod-weu",
            clock=self.clock,
        )
        self.importer = DecisionImporter(
            self.book,
            self.rulings,
            self.base,
            self.base,
            self.activity,
            lambda: self.api_keys,
            finish=self.ruler.finish,
            remembered=self._remembered,
        )
        self._keeping()
        self.actor = Actor(self.book, self.sources, self.activity, self.admissions.asked, self.bars)
        self.reconciler = Reconciler(
            self.book, self.base, self.sources, self.outbox, self.detector, conclusions, times, self.bars
        )
        self.tooling = Tooling(self.candidate_progress, self.tools, self.staging, self.watch_lists.in_force, self.clock)
        self.checker = Checker(
            self.watch_lists.in_force,
            upstream,
            self.observations,
            Places(self.detector, Adopter(self.book, self.base), self.tooling.mirror),
            self.ledger,
            self.activity,
            self.clock,
            self.new_tags,
            Room(self.candidates, self.clock),
            SecondLooks(self.outbox, self.activity, timedelta(minutes=3)),
        )
        self.promoter = Promoter(
            self.candidate_progress, self.proposer, conclusions, then=self.reconciler.reconcile_together
        )
        with_files = (self.candidate_progress, self.book, self.admissions, self.proposer, self.promoter.promote)
        self.judge = SecondJudge(*with_files, files=self.signed_by.files)
        self.import_room = ImportRoom(self.candidates, self.clock, self.most_imports)
        self.approver = Approver(self.book, self.admissions.asked, self.activity, self.judge.again)
        self.waiver = WaiverTaker(self.book, self.admissions.asked, self.activity, self.judge.again)
        self.gate_room = GateRoom(self.candidates, self.clock, self.most_gates, self.scans)
        self.scan_looker = self._scan_looker(times)
        self.validator = Validator(
            self.candidate_progress,
            GateRuns(self.configuration, self.targets, BASE, BASE_SERVER, checked_gate, {}).of,
            self.staging_runs,
            self.evidence,
            times,
            self.gate_room,
            observes=self.admissions.observes,
            then=self.promoter.begin,
        )
        self.stager = Stager(
            self.candidate_progress,
            self.staging,
            self.ledger,
            upstream,
            {DOCKER_HUB},
            times,
            scan=self._ask,
            room=self.import_room,
            then=self.tooling.mirror.or_else(self.validator.begin),
        )
        self.candidate_looker = CandidateLooker(
            stage=self.stager.stage,
            mirror=self.tooling.mirror.mirror,
            validate=self.validator.validate,
            cancel=Canceller(self.candidate_progress, self.staging_runs).cancel,
            promote=self.promoter.promote,
        )
        self.dead_letter_reader = DeadLetterReader(self.dead_letters, self.activity, self.evidence, self.clock)
        runs = self.runs or {"tidegateapps": self.application_runs}
        self.kept_listings = KeptListings(self.listings, tuple(runs), self.outbox, self.clock)
        self.task_lister = TaskLister(self.listings, runs, self.outbox, self.clock)
        self.comparison = Comparison(
            self.rebuild_progress,
            self.book,
            self.kept_listings,
            self.outbox,
            self.activity,
            self.base,
            BASE_SERVER,
            self.rolling,
        )
        self.dependant_search = DependantSearch(
            self.rebuild_progress, self.book, self.kept_listings, self.outbox, self.base, BASE_SERVER, self.rolling
        )
        tasks = UnbuiltTasks(self.kept_listings, self.rebuilds, BASE_SERVER, self.clock)
        parts = (self.watch_lists, self.observations, self.book, self.candidates, tasks, self.tools)
        documents = ScanDocuments(self.evidence)
        self.standing = StandingWatch(
            self.watches,
            self.policies,
            self.exceptions,
            lambda: [stored.record for stored in self.targets.every(self.book.registry)],
            self.scans,
            self.scan_book,
            documents,
            lambda: Exposures(self.scan_book, documents, self.evidence),
            self.tooling.scanners.newest_database,
            self.clock,
        )
        rolling = (lambda: self.rolling.wrong, lambda: self.rolling.wrong_elsewhere)
        told = (self._file_troubles, self.judge.notice, *rolling)
        finder = TroubleFinder(*parts, *told)
        people = self.notifying.people(lambda: self.troubles)
        self.teller = TroubleTeller(finder, self.troubles, self.activity, self.clock, self._last, people)
        self.rebuilder = Rebuilder(
            self.rebuild_progress,
            self.book,
            runs,
            self.evidence,
            BASE_SERVER,
            self.activity,
            self.most_rebuilds,
            self.rolling,
            times,
        )
        asking = Asking(
            self.rebuild_progress,
            self.dispatchers,
            self.switches,
            Allowance(self.ledger),
            self.activity,
            BASE_SERVER,
            self.most_rebuilds,
        )
        parts = (self.rebuild_progress, self.book, LateBuilds(asking, self.activity, BASE_SERVER))
        self.dispatching = Dispatching(asking, *parts, BASE_SERVER, self.most_rebuilds, self.rolling)
        self.due_looker = self._due_looker()

    def builds_elsewhere(self, dispatcher: InMemoryDispatcher) -> InMemoryDispatcher:
        """Let somebody else build, who outlives whatever dies here."""
        dispatcher.before_call = self._moment("dispatcher")
        dispatcher.clock = self.clock
        self.dispatchers[dispatcher.name] = dispatcher
        return dispatcher

    def _rolling(self) -> Rolling:
        return Rolling(
            waves=lambda: self.waves,
            targets=lambda: self.book,
            progress=lambda: self.rebuild_progress,
            policies=lambda: self.policies,
            base=lambda: self.base,
            sources=lambda: self.sources,
            waker=lambda: self.waker,
            clock=self.clock,
            server=BASE_SERVER,
            listings=lambda: self.kept_listings,
            scans=lambda: self.scan_book if self.scanning else self.kept_scans,
            exceptions=lambda: self.exceptions,
            activity=lambda: self.activity,
            dispatchers=lambda: self.dispatchers,
            switches=lambda: self.switches,
            last_runs=lambda: self.last_runs,
            **({"grounds": lambda: self.grounds} if self.grounds is not None else {}),
            notices=self._told_of_wave,
        )

    def _told_of_wave(self, before: Wave | None, after: Wave, now: datetime) -> tuple[Notice, ...]:
        return self.notifying.told_of_wave(before, after, now)

    def lose_account(self) -> None:
        """Lose the storage account, and start on an empty one; the registries and the watch list are still there."""
        self.candidates = InMemoryRecords(Candidate, self._moment("candidates"))
        self.rebuilds = InMemoryRecords(Rebuild, self._moment("rebuilds"))
        self.scans = InMemoryRecords(Scan, self._moment("scans"))
        self.targets = InMemoryTargets(self._moment("targets"))
        self.rulings = InMemoryRulings(self._moment("rulings"))
        self.tools = InMemoryTools(self._moment("tools"))
        self.observations = InMemoryObservations(self._moment("observations"))
        self.listings = InMemoryListings(self._moment("listings"))
        self.budgets = InMemoryBudgets(self._moment("budgets"))
        self.usual_times = InMemoryUsualTimes(self._moment("usual_times"))
        self.activity = InMemoryActivity(self._moment("activity"))
        self.troubles = InMemoryTroubles(self._moment("troubles"))
        self.watches = InMemoryWatches(self._moment("watches"))
        self.evidence = InMemoryEvidence(self._moment("evidence"), self.clock)
        self.outbox = InMemoryOutbox(self.clock, self._moment("outbox"))
        self.dead_letters = InMemoryDeadLetters(self.outbox, self.clock, self._moment("dead_letters"))
        self.api_keys = InMemoryApiKeys(self._moment("api_keys"))
        self.keepings = InMemoryKeepings(self._moment("keepings"))
        self.waves = InMemoryWaves(self._moment("waves"))
        self.start()

    def keeps_elsewhere(self) -> InMemoryVault:
        """Let another account keep what people decided."""
        self.vault = InMemoryVault(self._moment("vault"))
        self.start()
        return self.vault

    def _keeping(self) -> None:
        """What keeps decisions elsewhere is made only where another account is set."""
        self.keeper: DecisionKeeper | None = None
        if self.vault is not None:
            self.memory = Memory(self.keepings, self.vault, self.base_name, self.clock)
            self.keeper = DecisionKeeper(self.exporter.export, self.memory, self.vault, self.clock)

    def _remembers(self) -> bool:
        return self.vault is None or self.memory.remembers()

    def _compare_beside(self, repository: str, tags: Mapping[Tag, Digest], targets: Sequence[Target]) -> None:
        self.travelling.compare(repository, tags, targets)

    def _remembered(self) -> None:
        if self.vault is not None:
            self.memory.remembered()

    def _signed_by(self, book: SignatureBook) -> SignedBy:
        """Signatures are judged as they are in the app."""
        self.trust = KnownTrust(self.trust_files, self.clock, problem_with)
        return SignedBy(lambda: self.policies, book, self.trust, judge_signatures, self.evidence, self.clock)

    def _ask(self, candidate: Candidate) -> None:
        self.admissions.ask(candidate)
        self.signed_by.ask(candidate)

    def _due_looker(self) -> DueLooker:
        """One record at a time, so that a death has a place of its own."""
        found = kinds(
            self.candidate_progress,
            self.rebuild_progress,
            self.scan_progress,
            self.book,
            candidate_looker=self.candidate_looker,
            scan_looker=self.scan_looker,
            reconciler=self.reconciler,
            rebuilder=self.rebuilder,
            dispatching=self.dispatching,
            room=self.gate_room,
            import_room=self.import_room,
            watch_list=self.policies.watch_list,
            notices=self.notifying.kind(lambda: self.book, self.rolling),
            companions=self.travelling.kind(),
            waves=self.rolling.kind(),
        )
        return DueLooker(found, self.waker, self.clock, side_by_side=1)

    def _scan_looker(self, times: Timekeeper) -> ScanLooker:
        sources = ScanSources(self.base, self.candidates, self.ledger, {DOCKER_HUB})
        copier = ScanCopier(self.scan_progress, self.staging, sources, times)
        scanning = Scanning(
            self.scan_progress,
            self.staging,
            self._tools,
            self.staging_runs,
            self.evidence,
            read_scan_log,
            ScanDocuments(self.evidence),
            times,
            self.gate_room,
            asked=Askers(self.candidate_progress).any_left,
            copy=copier.begin,
            then=self._tell_askers,
        )
        return ScanLooker(
            begin=scanning.begin,
            copying=copier.look,
            scanning=scanning.look,
            cancel=ScanCanceller(self.scan_progress, self.staging_runs).cancel,
            tell=scanning.tell,
        )

    def _tools(self) -> ScannerInUse:
        if self.scanning:
            return self.tooling.scanners.current()
        if self.tool_troubles:
            raise self.tool_troubles.pop(0)
        return self.scanner

    def _tell_askers(self, askers: Sequence[str]) -> None:
        self._moment("askers")("before:tell")
        if self.scanning:
            self.judge.scanned(askers)
        self.told_askers.append(tuple(askers))
        self._moment("askers")("after:tell")

    # What happens from outside.

    def push(self, digest: Digest, tag: Tag = TAG) -> None:
        """Point the upstream tag at a digest."""
        self.hub.push(NODE, tag, digest)

    def check(self, image: str = "") -> None:
        """Let the timer plan a check, or a person if an image is named."""
        self.planner.plan(self.watch_lists.in_force().images, traceparent="", image=image)

    def look_at_base(self) -> None:
        """Let the timer ask for a comparison of the base registry."""
        self.comparer.plan("")

    def told(self, event: Told) -> str:
        """Let the base registry tell of something."""
        return signal(event, login_server=BASE_SERVER, book=self.book, outbox=self.outbox, traceparent="")

    def sweep(self) -> None:
        """Let the timer sweep."""
        sweep_each(
            self.dead_letter_reader.read,
            lambda: sweep_candidates(self.candidate_progress, self.staging_runs, self.heirs.succeed),
            self.ruler.finish,
            self.tooling.sweep,
            lambda: sweep_targets(self.book),
            self.rolling.sweep,
            lambda: self.notifying.sweep(self.book, self.rolling),
            lambda: sweep_scans(self.scan_progress, self.staging_runs),
            lambda: sweep_rebuilds(self.rebuild_progress, {"tidegateapps": self.application_runs}),
            self.comparison.compare,
            self.teller.survey,
            *((self.travelling.sweep,) if self.travels else ()),
            self.judge.decide,
            *((self.standing.sweep,) if self.scanning else ()),
            *((self.keeper.sweep,) if self.keeper else ()),
        )

    def list_tasks(self) -> None:
        """Let the tasks of every application registry be listed now, as far as one round goes."""
        for registry in self.runs or ("tidegateapps",):
            stored = self.listings.get(registry)
            step = self.listings.replace(stored, taken_up(stored.listing, self.clock())).listing.step
            self.task_lister.take(ListTasks(v=1, registry=registry, step=step))

    def settle(self, *, most: int = 400) -> None:
        """Deliver messages and let time pass until none waits; every function runs to its end."""
        for _ in range(most):
            due = self.outbox.next_due()
            if due is None:
                return
            self.clock.now = max(self.clock.now, due)
            for delivery in self.outbox.deliver():
                self.work(delivery)
        raise AssertionError(f"still busy after {most} rounds: {self.outbox.waiting[:3]}")

    def run_for(self, by: timedelta, sweeps: timedelta = timedelta(minutes=15)) -> None:
        """Let time pass with its timer that sweeps, and deliver what comes due; whoever dies is started again."""
        end = self.clock.now + by
        while self.clock.now < end:
            until = min(self.clock.now + sweeps, end)
            while (due := self.outbox.next_due()) is not None and due <= until:
                self.clock.now = max(self.clock.now, due)
                for delivery in self.outbox.deliver():
                    self.work(delivery)
            self.clock.now = max(self.clock.now, until)
            try:
                self.sweep()
            except Died:
                self.start()

    def until(self, digest: Digest, status: Status) -> None:
        """Deliver messages and let time pass until a candidate is somewhere."""
        while self.status_or_none(digest) is not status:
            self.step()

    def step(self) -> None:
        """Deliver what is due next."""
        self.clock.now = self.outbox.next_due() or self.clock.now
        for delivery in self.outbox.deliver():
            self.work(delivery)

    def work(self, delivery: Delivery) -> None:
        """Run the function of a queue as the host does: a failure or a death puts the message back."""
        try:
            self._dispatch(delivery)
        except Died:
            self.outbox.put_back(delivery)
            self.start()
        except Exception:
            self.outbox.put_back(delivery)
            raise

    def _dispatch(self, delivery: Delivery) -> None:
        if is_event(delivery.text.encode()):
            self.told(read_event(delivery.text.encode()))
        else:
            work_on(self, decode(delivery.text))

    def poison(self, delivery: Delivery) -> None:
        """Let a message die, and the sweep find it."""
        self.outbox.poison.append(delivery)
        self.dead_letter_reader.read()

    def scan_ends(self, digest: Digest, *findings: Finding, instead: NoAnswer | None = None) -> None:
        """End the scan of a digest, and tell whoever asked for it."""
        self.judge.scanned(self.kept_scans.end(digest, *findings, instead=instead))

    def take_against_gate(self, digest: Digest, target: str = "") -> Target | Declined:
        """Let one ask that the tag takes a digest against its gate, and another one grant it."""
        at, name = self.clock(), target or self.target().id
        for who in ("bob", "ada"):
            caller = Caller(Kind.PERSON, f"{who}@tenant", who, frozenset({Role.APPROVER}), at)
            outcome = self.actor.promote(name, digest, caller, "we need it", at)
        return outcome

    def says(self, policy: Policy | None, image: str = "node") -> None:
        """Let the watch list say another policy of an entry; nobody has read it yet."""
        self.policies_of = {**self.policies_of, image: policy} if policy is not None else {}
        self.policies = Policies(self._list_in_force, self.clock, self._asking)
        self.admissions.policies = self.bars.policies = self.policies

    # What a test asks.

    def candidate(self, digest: Digest, gate: str | None = "node") -> Candidate:
        """Return a candidate's record."""
        stored = self.candidates.get(candidate_id(NODE, digest, gate))
        assert stored is not None, f"there is no candidate for {digest}"
        return stored.record

    def target(self, tag: Tag = TAG) -> Target:
        """Return a target's record."""
        target = self.book.of(TARGET, tag)
        assert target is not None, f"there is no target {TARGET}:{tag}"
        return target

    def target_or_none(self) -> Target | None:
        """Return the target, if there is one."""
        return self.book.of(TARGET, TAG)

    def status(self, digest: Digest, gate: str | None = "node") -> Status:
        """Return a candidate's status."""
        return self.candidate(digest, gate).status

    def status_or_none(self, digest: Digest, gate: str | None = "node") -> Status | None:
        """Return a candidate's status, or ``None`` if there is no such candidate yet."""
        stored = self.candidates.get(candidate_id(NODE, digest, gate))
        return stored.record.status if stored else None

    def rebuilt(self) -> list[Rebuild]:
        """Return every current rebuild."""
        return [stored.record for stored in self.rebuilds.current()]

    def pass_time(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.advance(by)

    def _packages(self, scan: Scan) -> dict[str, frozenset[str]]:
        known = self.packages_of.get(scan.digest)
        return {} if known is None else dict.fromkeys(scan.platforms, known)

    def _list_in_force(self) -> WatchList:
        return self.watch_lists.in_force()

    def _list_read(self, watch_list: WatchList) -> None:
        self.policies.take(watch_list)

    def _asking(self, watch_list: WatchList) -> AskedOfPolicies:
        if self.scanning:
            return AskedOfPolicies(watch_list)
        return SaidPolicies(watch_list, self.policies_of, self.platforms_of)

    def _file_troubles(self) -> tuple[Trouble, ...]:
        scanned = (*self.exceptions.now().troubles, *self.standing.troubles()) if self.policies.may_scan else ()
        told = (*self.notifying.troubles(), *(self.keeper.troubles() if self.keeper else ()))
        signed = self.trust.now().troubles if self.policies.may_sign else ()
        return (*scanned, *signed, *self.answerability.logged(), *told, *self.rolling.troubles())

    def _last(self, lasting: Iterable[Noted]) -> None:
        self.lasting = tuple(lasting)

    def _moment(self, part: str) -> Callable[[str], None]:
        def tell(moment: str) -> None:
            if self.hook is not None:
                self.hook(f"{part}.{moment}")

        return tell


def application_task(digest: Digest, *, own_trigger: bool = False, tag: Tag = TAG) -> ApplicationTask:
    """Return an application task that was last built on one digest of the base image."""
    return ApplicationTask(
        registry="tidegateapps",
        name="shop",
        resource_id="/tasks/shop",
        enabled=True,
        own_trigger=own_trigger,
        dependencies=(Dependency(BASE_SERVER, TARGET, tag, digest),),
    )
