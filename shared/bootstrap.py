"""Puts the flows together, each once and when first needed."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING

from shared.admitting import Admitting
from shared.deciding import Deciding
from shared.dependants import Dependants
from shared.due_kinds import kinds
from shared.flows.act import Actor
from shared.flows.cancel import Canceller
from shared.flows.check import Checker
from shared.flows.look_at_base import BaseComparer
from shared.flows.look_at_candidate import CandidateLooker
from shared.flows.look_at_due import DueLooker
from shared.flows.overview import Overview
from shared.flows.plan import Planner
from shared.flows.poisoned import DeadLetterReader
from shared.flows.promote import Promoter
from shared.flows.reconcile import Reconciler
from shared.flows.retry import Retrier
from shared.flows.rule import Ruler
from shared.flows.signal import signal
from shared.flows.stage import Stager
from shared.flows.tell_troubles import TroubleTeller
from shared.flows.validate import Validator
from shared.flows.watch_lists import WatchLists
from shared.gate_identities import parse_identities
from shared.housekeeping import Housekeeping
from shared.late_reading import parse_watch_list, read_gate
from shared.notifying import Notifying, notifying_of
from shared.rebuilding import Rebuilt
from shared.record_keeping import RecordKeeping, records_of
from shared.rolling import Rolling, rolling_of
from shared.rules.adoption import Adopter
from shared.rules.conclusions import Conclusions
from shared.rules.detection import Detector
from shared.rules.gate_runs import GateRuns
from shared.rules.heirs import Heirs
from shared.rules.places import Places
from shared.rules.room import Room
from shared.rules.second_looks import SecondLooks
from shared.rules.sources import Sources
from shared.rules.targets import TargetBook
from shared.rules.trouble_finding import TroubleFinder
from shared.rules.unbuilt_tasks import UnbuiltTasks
from shared.telemetry.changes import target_changed
from shared.telemetry.spans import current_traceparent
from shared.telemetry.troubles import troubles_last
from shared.tooling import Tooling
from shared.travelling import Travels, travels_of

if TYPE_CHECKING:
    from shared.domain.events.registry_event import Told
    from shared.flows.look_at_scan import ScanLooker


# Threads that look at what is due: each waits for a registry, for ARM or for storage most of the time.
SIDE_BY_SIDE = 16


class Parts(Rebuilt):
    """Everything the triggers hand to the flows."""

    @cached_property
    def watch_lists(self) -> WatchLists:
        """Which watch list is in force."""
        percent, told = int(self.settings.list_removal_percent), self.admitting.policies.take
        parse = partial(parse_watch_list, base=self.settings.base_server)
        return WatchLists(self.configuration, self.activity, parse, percent, told)

    @cached_property
    def admitting(self) -> Admitting:
        """Decides whether a scan lets a digest through."""
        return Admitting(self, self.scan_book)

    @cached_property
    def travelling(self) -> Travels:
        """Brings what travels with images."""
        return travels_of(self)

    @cached_property
    def rolling(self) -> Rolling:
        """Rebuilds in waves."""
        return rolling_of(self)

    @cached_property
    def deciding(self) -> Deciding:
        """Exports what people decided, and brings it back."""
        return Deciding(self)

    @cached_property
    def records(self) -> RecordKeeping:
        """Records decisions beside images."""
        return records_of(self)

    @cached_property
    def housekeeping(self) -> Housekeeping:
        """Deletes what nobody needs any more from registries."""
        return Housekeeping(self)

    @cached_property
    def dependants(self) -> Dependants:
        """Tells who is built on what."""
        return Dependants(self)

    @cached_property
    def scan_looker(self) -> ScanLooker:
        """Takes scans through their runs, and tells whoever asked for them."""
        return self.looker_of_scans(self.tooling.scanners.current, self.admitting.judge.scanned)

    @cached_property
    def notifying(self) -> Notifying:
        """Tells people."""
        return notifying_of(self, self.senders)

    @cached_property
    def teller(self) -> TroubleTeller:
        """Tells what is wrong."""
        tasks = UnbuiltTasks(self.kept_listings, self.rebuilds, self.settings.base_server, self.clock)
        parts = (self.watch_lists, self.observations, self.target_book, self.candidates, tasks, self.tools)
        rolling = (lambda: self.rolling.wrong, lambda: self.rolling.wrong_elsewhere)
        told = (self.admitting.troubles, self.admitting.judge.notice, *rolling)
        finder = TroubleFinder(*parts, *told)
        people = self.notifying.people(lambda: self.troubles)
        return TroubleTeller(finder, self.troubles, self.activity, self.clock, troubles_last, people)

    @cached_property
    def target_book(self) -> TargetBook:
        """How targets change."""
        told = (self.travelling.told(target_changed), self.rulings.every, self.notifying.told_of)
        return TargetBook(self.targets, self.waker, self.clock, self.settings.base.name, *told)

    @cached_property
    def actor(self) -> Actor:
        """Does what a person does to one target."""
        return Actor(
            self.target_book, self.sources, self.activity, self.admitting.admissions.asked, self.admitting.bars
        )

    @cached_property
    def ruler(self) -> Ruler:
        """Says what a person says of a digest or an entry."""
        return Ruler(self.rulings, self.target_book, self.activity, self.detector.blocked)

    @cached_property
    def retrier(self) -> Retrier:
        """Tries again, many at once, what somebody asks for."""
        return Retrier(self.target_book, self.candidates, self.detector, self.outbox, self.activity)

    @cached_property
    def detector(self) -> Detector:
        """Tells targets what their sources point at."""
        return Detector(self.candidate_progress, self.target_book, self.admitting.proposer)

    @cached_property
    def overview(self) -> Overview:
        """Tells how images stand."""
        base = self.settings.base.name
        return Overview(self.observations, self.targets, self.candidates, self.troubles, base, self.tools)

    @cached_property
    def heirs(self) -> Heirs:
        """Takes up what earlier versions left under way."""
        return Heirs(self.candidate_progress, self.target_book, self.admitting.proposer)

    @cached_property
    def conclusions(self) -> Conclusions:
        """Ends candidates that passed."""
        return Conclusions(self.candidate_progress, self.target_book)

    @cached_property
    def planner(self) -> Planner:
        """Asks for checks of repositories."""
        return Planner(self.outbox, self.observations, self.ledger, self.clock)

    @cached_property
    def checker(self) -> Checker:
        """Looks at upstream repositories."""
        return Checker(
            self.watch_lists.in_force,
            self.upstream,
            self.observations,
            Places(self.detector, Adopter(self.target_book, self.base), self.tooling.mirror),
            self.ledger,
            self.activity,
            self.clock,
            int(self.settings.new_tags_a_check),
            Room(self.candidates, self.clock),
            SecondLooks(self.outbox, self.activity, timedelta(minutes=int(self.settings.second_look_minutes))),
        )

    @cached_property
    def stager(self) -> Stager:
        """Takes candidates into the staging registry, and on to their gates."""
        return Stager(
            self.candidate_progress,
            self.staging,
            self.ledger,
            self.upstream,
            self.settings.accounts.keys(),
            self.times,
            scan=self.admitting.ask,
            room=self.import_room,
            then=self.tooling.mirror.or_else(self.validator.begin),
        )

    @cached_property
    def tooling(self) -> Tooling:
        """Mirrors tools, and knows which of them runs are given."""
        return Tooling(self.candidate_progress, self.tools, self.staging, self.watch_lists.in_force, self.clock)

    @cached_property
    def validator(self) -> Validator:
        """Takes candidates through their gates, and on to promotion."""
        return Validator(
            self.candidate_progress,
            self.gate_runs.of,
            self.staging_runs,
            self.evidence,
            self.times,
            self.gate_room,
            observes=self.admitting.admissions.observes,
            then=self.promoter.begin,
        )

    @cached_property
    def gate_runs(self) -> GateRuns:
        """Prepares runs of gates."""
        settings, identities = self.settings, parse_identities(self.settings.gate_identities)
        base, server = settings.base.name, settings.base_server
        return GateRuns(self.configuration, self.targets, base, server, read_gate, identities)

    @cached_property
    def promoter(self) -> Promoter:
        """Proposes candidates that passed to their targets."""
        then = self.reconciler.reconcile_together
        return Promoter(self.candidate_progress, self.admitting.proposer, self.conclusions, then)

    @cached_property
    def due_looker(self) -> DueLooker:
        """Looks at candidates, targets and rebuilds whose time has come."""
        looker = CandidateLooker(
            stage=self.stager.stage,
            mirror=self.tooling.mirror.mirror,
            validate=self.validator.validate,
            cancel=Canceller(self.candidate_progress, self.staging_runs).cancel,
            promote=self.promoter.promote,
        )
        found = kinds(
            self.candidate_progress,
            self.rebuild_progress,
            self.scan_progress,
            self.target_book,
            candidate_looker=looker,
            scan_looker=self.scan_looker,
            reconciler=self.reconciler,
            rebuilder=self.rebuilder,
            dispatching=self.dispatching,
            room=self.gate_room,
            import_room=self.import_room,
            watch_list=self.admitting.policies.watch_list,
            notices=self.notifying.kind(lambda: self.target_book, self.rolling),
            companions=self.travelling.kind(),
            waves=self.rolling.kind(),
        )
        return DueLooker(found, self.waker, self.clock, SIDE_BY_SIDE)

    @cached_property
    def dead_letter_reader(self) -> DeadLetterReader:
        """Records what died in the queues."""
        return DeadLetterReader(self.dead_letters, self.activity, self.evidence, self.clock)

    def told(self, event: Told) -> str:
        """Do what an event of the base registry asks for, and return that in a sentence."""
        return signal(
            event,
            login_server=self.settings.base_server,
            book=self.target_book,
            outbox=self.outbox,
            traceparent=current_traceparent(),
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
            self.detector.let_go,
            self.settings.base_listings_apart,
            self.travelling.compare,
        )

    @cached_property
    def reconciler(self) -> Reconciler:
        """Brings the base registry to what its targets say."""
        book, bars = self.target_book, self.admitting.bars
        parts = (self.base, self.sources, self.outbox, self.detector, self.conclusions, self.times)
        return Reconciler(book, *parts, bars)

    @cached_property
    def sources(self) -> Sources:
        """Tells where a digest can still be had."""
        return Sources(self.base, self.staging, self.upstream, self.ledger, self.settings.accounts.keys())
