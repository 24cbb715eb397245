"""Puts together what rebuilds in waves, each part once and when first needed; see ``shared.bootstrap``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.due_kinds import of_waves

# Loaded where an entry asks for waves.
if TYPE_CHECKING:
    from datetime import date, datetime

    from shared.bootstrap import Parts
    from shared.dispatch_ports import Dispatchers, Switches
    from shared.domain.notices.notice import Notice
    from shared.domain.policy.rebuilding import Rebuilding
    from shared.domain.promotion.rebuilds import ApplicationTask, Rebuild
    from shared.domain.promotion.target import Target
    from shared.domain.references import Tag
    from shared.domain.watching.troubles import Trouble
    from shared.domain.waves.wave import Wave
    from shared.flows.conduct import Conductor
    from shared.flows.list_waves import WaveLister
    from shared.flows.look_at_due import Kind
    from shared.flows.speak_of_waves import WaveSpeaker
    from shared.ports import Activity, Clock, Registry
    from shared.rules.dispatcher_troubles import DispatcherTroubles
    from shared.rules.dry_judging import Scans
    from shared.rules.elsewhere import Elsewhere
    from shared.rules.exceptions import KnownExceptions
    from shared.rules.listings import KeptListings
    from shared.rules.policies import Policies
    from shared.rules.progress import Progress
    from shared.rules.sources import Sources
    from shared.rules.targets import TargetBook
    from shared.rules.trouble_finding import ElsewhereWrong, WavesWrong
    from shared.rules.wake import Waker
    from shared.rules.wave_book import WaveBook
    from shared.rules.wave_plan import WavePlanner
    from shared.wave_ports import BuiltElsewhere, GroundsOf, LastRuns, StoredWave, Waves


def _usual_host(registry: str) -> str:
    return f"{registry.lower()}.azurecr.io"


def rolling_of(parts: Parts) -> Rolling:
    """Return what rebuilds in waves.

    Args:
        parts: the other parts of the app, each asked for when it is needed.
    """

    def wave_changed(before: Wave | None, wave: Wave) -> None:
        from shared.telemetry.waves import wave_changed  # noqa: PLC0415

        wave_changed(before, wave)

    def told(before: Wave | None, after: Wave, now: datetime) -> tuple[Notice, ...]:
        return parts.notifying.told_of_wave(before, after, now)

    return Rolling(
        waves=lambda: parts.waves,
        targets=lambda: parts.target_book,
        progress=lambda: parts.rebuild_progress,
        policies=lambda: parts.admitting.policies,
        base=lambda: parts.base,
        sources=lambda: parts.sources,
        waker=lambda: parts.waker,
        clock=parts.clock,
        server=parts.settings.base_server,
        listings=lambda: parts.kept_listings,
        scans=lambda: parts.scan_book,
        exceptions=lambda: parts.admitting.exceptions,
        activity=lambda: parts.activity,
        dispatchers=lambda: parts.dispatchers,
        switches=lambda: parts.switches,
        host=lambda registry: parts.dependants.host(registry),  # noqa: PLW0108  it is made when it is needed
        tell=wave_changed,
        notices=told,
    )


class Rolling:
    """What rebuilds in waves: the port ``Rolls``, of which nothing is loaded where no entry asks for waves.

    Args:
        waves: gives where waves are.
        targets: gives the targets of the base registry.
        progress: gives how rebuilds go on.
        policies: gives what the list in force asks.
        base: gives the base registry.
        sources: gives who tells where a digest can still be had.
        waker: gives who wakes for what is due.
        clock: tells the time.
        server: the base registry's login server.
        listings: gives the tasks of the application registries.
        scans: gives the scans of digests.
        exceptions: gives what people know of findings.
        activity: gives where it is told what nobody sees in a record.
        dispatchers: gives those who build elsewhere.
        switches: gives which of them want to be asked nothing more.
        host: gives the login server of an application registry.
        last_runs: gives who tells how tasks were before; by default the app's own rebuilds.
        grounds: gives who tells what speaks against going back.
        tell: is told of every change of a wave.
        notices: gives what people are to be told of one.
    """

    def __init__(
        self,
        *,
        waves: Callable[[], Waves],
        targets: Callable[[], TargetBook],
        progress: Callable[[], Progress[Rebuild]],
        policies: Callable[[], Policies],
        base: Callable[[], Registry],
        sources: Callable[[], Sources],
        waker: Callable[[], Waker],
        clock: Clock,
        server: str,
        listings: Callable[[], KeptListings],
        scans: Callable[[], Scans],
        exceptions: Callable[[], KnownExceptions],
        activity: Callable[[], Activity],
        dispatchers: Callable[[], Dispatchers],
        switches: Callable[[], Switches],
        host: Callable[[str], str] = _usual_host,
        last_runs: Callable[[], LastRuns] | None = None,
        grounds: Callable[[], GroundsOf] | None = None,
        tell: Callable[[Wave | None, Wave], None] = lambda _, __: None,
        notices: Callable[[Wave | None, Wave, datetime], tuple[Notice, ...]] = lambda _, __, ___: (),
    ) -> None:
        self._waves = waves
        self._targets = targets
        self._progress = progress
        self._policies = policies
        self._base = base
        self._sources = sources
        self._waker = waker
        self._clock = clock
        self._server = server
        self._listings = listings
        self._scans = scans
        self._exceptions = exceptions
        self._activity = activity
        self._dispatchers = dispatchers
        self._switches = switches
        self._host = host
        self._last_runs = last_runs
        self._grounds = grounds
        self._tell = tell
        self._notices = notices
        self._cleared: date | None = None

    def asked(self, target: Target) -> Rebuilding | None:
        """See ``Rolls.asked``: nothing is read where the list that was read last asks for no waves."""
        policies = self._policies()
        return policies.now().of(target.origin.image, target.place).rebuilding if policies.may_roll else None

    def plan(self, target: Target, asked: Rebuilding, tasks: Sequence[ApplicationTask]) -> tuple[ApplicationTask, ...]:
        """See ``Rolls.plan``."""
        return self.planner.plan(target, asked, tasks)

    def knows(self, target: Target, task: ApplicationTask) -> bool:
        """See ``Rolls.knows``."""
        return self.planner.knows(target, task)

    def left_to_waves(self, names: Sequence[str]) -> frozenset[str]:
        """See ``Rolls.left_to_waves``: nothing is read where the list that was read last asks for no waves."""
        return self.planner.left_to_waves(names) if names and self._policies().may_roll else frozenset()

    def called_off(self, wave: str) -> bool:
        """See ``Rolls.called_off``."""
        return bool(wave) and self.planner.called_off(wave)

    def in_canaries(self, repository: str, tag: Tag) -> bool:
        """See ``Rolls.in_canaries``: nothing is read where the list that was read last asks for no waves."""
        target = self._targets().of(repository, tag) if self._policies().may_roll else None
        return target is not None and self.planner.in_canaries(target)

    def elsewhere(self, repository: str, tag: Tag, target: Target | None) -> tuple[BuiltElsewhere, ...]:
        """See ``Rolls.elsewhere``: nothing is read where the list that was read last names nobody."""
        return self.named.on(repository, tag, target) if self._policies().may_rebuild else ()

    def rebuilt(self, rebuilds: Sequence[Rebuild]) -> None:
        """Tell their waves of rebuilds that have changed; nothing is loaded where none is of a wave."""
        if any(one.wave for one in rebuilds):
            self.book.rebuilt(rebuilds)

    @cached_property
    def book(self) -> WaveBook:
        """How waves change."""
        from shared.rules.wave_book import WaveBook  # noqa: PLC0415

        registry = self._targets().registry
        return WaveBook(self._waves(), self._waker(), self._clock, registry, self._tell, self._notices)

    def untold(self) -> Iterator[StoredWave]:
        """Iterate over the waves that tell people something; where none is asked for nobody looks.

        Raises:
            ServiceError: some cannot be read; after all others.
        """
        return self.book.waves.untold() if self._policies().may_roll else iter(())

    def wave(self, wave_id: str) -> Wave | None:
        """Return a wave, or ``None`` if there is none.

        Raises:
            ServiceError: the storage account did not answer.
        """
        found = self._waves().get(wave_id)
        return found.record if found is not None else None

    @property
    def wrong(self) -> WavesWrong:
        """Finds what is wrong about waves; where none is asked for nobody looks."""
        from shared.rules.trouble_finding import NoWaves  # noqa: PLC0415

        if not self._policies().may_roll:
            return NoWaves()
        from shared.rules.wave_troubles import WaveTroubles  # noqa: PLC0415

        return WaveTroubles(self._waves(), self._targets())

    @property
    def wrong_elsewhere(self) -> ElsewhereWrong:
        """Finds what is wrong about builds elsewhere; where the list names nobody who builds there nobody looks."""
        from shared.rules.trouble_finding import NobodyElsewhere  # noqa: PLC0415

        policies = self._policies()
        if not policies.may_rebuild:
            return NobodyElsewhere()
        from shared.rules.elsewhere_troubles import ElsewhereTroubles  # noqa: PLC0415

        wave = self.wave if policies.may_roll else lambda _: None
        return ElsewhereTroubles(self.named, wave, self._progress().records, self._clock)

    @property
    def lister(self) -> WaveLister:
        """Lists waves."""
        from shared.flows.list_waves import WaveLister  # noqa: PLC0415

        return WaveLister(self._waves(), self._targets().registry, self._clock)

    def speaker(self, activity: Activity) -> WaveSpeaker:
        """Return what hears a person's word of a wave."""
        from shared.flows.speak_of_waves import WaveSpeaker  # noqa: PLC0415

        return WaveSpeaker(self.book, self._targets(), activity)

    @cached_property
    def planner(self) -> WavePlanner:
        """Plans waves."""
        from shared.rules.own_runs import OwnRuns  # noqa: PLC0415
        from shared.rules.wave_members import WaveMembers  # noqa: PLC0415
        from shared.rules.wave_plan import WavePlanner  # noqa: PLC0415

        last = self._last_runs() if self._last_runs is not None else OwnRuns(self._progress().records)
        return WavePlanner(self.book, last, WaveMembers(self._listings, self.named, self._server, self._host))

    @cached_property
    def named(self) -> Elsewhere:
        """Knows what the watch list says is built elsewhere."""
        from shared.rules.elsewhere import Elsewhere  # noqa: PLC0415

        return Elsewhere(lambda: self._policies().watch_list(), self._dispatchers, self._server)

    @cached_property
    def conductor(self) -> Conductor:
        """Conducts waves."""
        from shared.flows.conduct import Conductor  # noqa: PLC0415
        from shared.rules.wave_rebuilds import WaveRebuilds  # noqa: PLC0415

        rebuilds = WaveRebuilds(self._progress(), self._targets(), self._base())
        return Conductor(self.book, self._targets(), rebuilds, self.asked, self._grounds_of(), self._activity())

    def _grounds_of(self) -> GroundsOf:
        from shared.rules.way_back_grounds import WayBackGrounds  # noqa: PLC0415

        if self._grounds is not None:
            return self._grounds()
        known = (self._targets(), self._sources(), self._policies())
        return WayBackGrounds(*known, self._scans, self._exceptions, self._clock)

    def unnamed(self) -> tuple[Trouble, ...]:
        """Return whom the watch list names and the settings do not; see ``DispatcherTroubles``."""
        return self._dispatcher_troubles.unnamed() if self._policies().may_rebuild else ()

    def troubles(self) -> tuple[Trouble, ...]:
        """Return what keeps those who build elsewhere from being asked; see ``DispatcherTroubles``."""
        return self._dispatcher_troubles.now() if self._policies().may_rebuild else ()

    @cached_property
    def _dispatcher_troubles(self) -> DispatcherTroubles:
        from shared.rules.dispatcher_troubles import DispatcherTroubles  # noqa: PLC0415

        lists = lambda: self._policies().watch_list()  # noqa: E731  the policies may change in a test
        return DispatcherTroubles(self.named, lists, self._dispatchers, self._switches)

    def kind(self) -> Kind[Any]:
        """Return how waves are looked at."""
        return of_waves(self._due, self._look)

    def _due(self, moment: datetime) -> Iterator[StoredWave]:
        return self.book.waves.due(moment)

    def _look(self, stored: StoredWave) -> None:
        self.conductor.look(stored)

    def sweep(self) -> int:
        """Wake for the waves that are overdue, and return how many those are; where none is asked for nobody looks.

        Raises:
            ServiceError: the storage account did not answer.
        """
        if not self._policies().may_roll:
            return 0
        from shared.flows.delete_waves import delete_waves  # noqa: PLC0415
        from shared.flows.sweep import sweep_waves  # noqa: PLC0415

        overdue = sweep_waves(self.book, self._number_of)
        # What is old is read whole, and a day more or less does not matter to it.
        if self._cleared != (today := self._clock().date()):
            delete_waves(self.book, lambda wave: self._targets().of(wave.repository, wave.tag))
            self._cleared = today
        return overdue

    def _number_of(self, wave: Wave) -> int:
        target = self._targets().of(wave.repository, wave.tag)
        return target.number if target is not None and target.let_go is None else 0
