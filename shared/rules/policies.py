"""Which policy holds for a tag of the base registry, by the watch list in force."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property

import msgspec

from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.policy.signing import SignatureCheck
from shared.domain.promotion.candidate import Place
from shared.domain.references import Tag
from shared.domain.watching.selection import choose, exact_tags
from shared.domain.watching.travelling import NOTHING_TRAVELS, Travelling
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import Unavailable, WatchListError
from shared.ports import Clock

# Whoever proposes goes by the list that was read within this time, so that deciding costs no request of its own.
KEPT_FOR = timedelta(minutes=1)
# Where gates' tests run: the agents of ACR Tasks that this product asks for.
TESTED = "linux/amd64"


class Asked(msgspec.Struct, frozen=True):
    """What the list asks of digests for one tag.

    Attributes:
        entry: the name of the entry that writes the tag; empty if none does any more.
        policy: the policy; ``None`` where nothing is asked.
        platforms: each of which is scanned.
        observed: whether everything but promotion is done.
        rebuilding: how what is built on the tag is rebuilt; ``None`` for all at once.
        travelling: what is to be beside a digest in the base registry before the tag is moved to it.
    """

    entry: str = ""
    policy: Policy | None = None
    platforms: tuple[str, ...] = (TESTED,)
    observed: bool = False
    travelling: Travelling = NOTHING_TRAVELS
    rebuilding: Rebuilding | None = None

    @property
    def scan(self) -> ScanCheck | None:
        """The scan that is made, whatever its answer leads to; ``None`` if none is."""
        scan = self.policy.scan if self.policy is not None else None
        return None if scan is None or scan.mode is Mode.OFF else scan

    @property
    def signed(self) -> SignatureCheck | None:
        """The signatures that are looked at, whatever that leads to; ``None`` if none are."""
        return self.policy.signed if self.policy is not None else None

    @property
    def untested(self) -> tuple[str, ...]:
        """The platforms that the policy's test does not run on, where it minds that."""
        test = self.policy.test if self.policy is not None else None
        minds = test is not None and test.mode is not Mode.OFF and test.untested is not Mode.OFF
        return tuple(platform for platform in self.platforms if platform != TESTED) if minds else ()

    def observes(self, gate: str) -> bool:
        """Whether a gate's test is made and told here, and keeps nothing from the tag."""
        test = self.policy.test if self.policy is not None else None
        return test is not None and test.mode is Mode.OBSERVE and test.gate == gate

    @property
    def is_judged(self) -> bool:
        """Whether there is anything to decide beside the functional test."""
        asks = self.scan is not None or bool(self.untested) or self.asks_more
        return asks or not self.entry or self.observed

    @property
    def may_wait(self) -> bool:
        """Whether time, or people, may keep waiting what has passed everything else."""
        policy = self.policy
        return policy is not None and bool(policy.age or policy.freeze or policy.approval is not None)

    @property
    def asks_more(self) -> bool:
        """Whether more is asked than test and scan."""
        return self.policy is not None and self.policy.is_more


class Asking:
    """What one list asks; all is looked up in what was read.

    Args:
        watch_list: the list.
    """

    def __init__(self, watch_list: WatchList) -> None:
        self._list = watch_list

    @cached_property
    def scans(self) -> bool:
        """Whether any entry has scans made."""
        return any(self._of(image).scan is not None for image in self._list.images)

    @cached_property
    def signs(self) -> bool:
        """Whether any entry asks for signatures."""
        return any(self._of(image).signed is not None for image in self._list.images)

    @cached_property
    def travels(self) -> bool:
        """Whether any entry wants anything beside its images in the base registry."""
        return any(image.travelling.asks for image in self._list.images)

    @cached_property
    def rolls(self) -> bool:
        """Whether any entry asks for rebuilds in waves."""
        return any(self._list.rebuilding_of(image) is not None for image in self._list.images)

    @cached_property
    def rebuilds(self) -> bool:
        """Whether any entry names what is rebuilt elsewhere."""
        return any(image.rebuilds for image in self._list.images)

    @cached_property
    def locks(self) -> bool:
        """Whether any entry wants anything to be locked."""
        return any(image.travelling.locks for image in self._list.images)

    @cached_property
    def judges(self) -> bool:
        """Whether any entry asks for more than a test."""
        found = map(self._of, self._list.images)
        return self.scans or any(one.asks_more or one.observed for one in found)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what is asked of each entry's digests beside a test that decides, which changes when that does."""
        asked = {image.name: self._of(image) for image in self._list.images}
        told = [
            (name, one.policy.sha256 if one.policy else "", one.platforms, one.observed)
            for name, one in asked.items()
            if one.observed or (one.policy and (one.is_judged or one.observes(one.policy.gate or "")))
        ]
        return hashlib.sha256(msgspec.json.encode(sorted(told))).hexdigest()

    def of(self, image: str, place: Place) -> Asked:
        """Return what is asked of digests for a tag.

        Args:
            image: the name of the entry for which the tag's source was last sighted.
            place: the tag; an entry that was renamed is known by it.
        """
        entries = self._into.get(place.repository, [])
        entry = self._writer(entries, image, place.tag) if entries else self._list.named(image)
        if entry is not None:
            return self._of(entry)
        return Asked() if self.judges else Asked("unknown")

    @cached_property
    def _into(self) -> dict[str, list[Image]]:
        found: dict[str, list[Image]] = defaultdict(list)
        for image in self._list.images:
            if not image.is_tool:
                found[image.target].append(image)
        return dict(found)

    def _writer(self, entries: list[Image], name: str, tag: Tag) -> Image:
        """Of several into one repository it is the one that names the tag; then the one that it was sighted for, as
        far as that has patterns, then one whose patterns fit, and where nothing says which, one that has scans made.
        """
        if len(entries) == 1:
            return entries[0]
        ordered = sorted(entries, key=lambda one: (one.name != name, self._of(one).scan is None))
        exact = (one for one in ordered if tag in exact_tags(one.rules).values())
        by_pattern = (one for one in ordered if one.needs_listing)
        chosen = (one for one in by_pattern if one.name == name or tag in _targets(one, tag))
        return next(exact, None) or next(chosen, ordered[0])

    def observes(self, place: Place, gate: str) -> bool:
        """Whether an entry that writes into a tag's repository only observes a gate's test.

        Which of several entries writes the tag, its target knows, and judges by that: here one is enough.
        """
        return any(self._of(image).observes(gate) for image in self._list.into(place.repository))

    def _of(self, image: Image) -> Asked:
        policy, platforms = self._list.policy_of(image), tuple(image.platforms)
        rebuilding = self._list.rebuilding_of(image)
        return Asked(image.name, policy, platforms, image.is_observed, image.travelling, rebuilding)


def _targets(image: Image, tag: Tag) -> frozenset[Tag | None]:
    return frozenset(choice.target for choice in choose(image.rules, (tag,)))


class Policies:
    """The policies in force.

    Args:
        watch_list: reads the list in force, and has it taken here; a request to storage.
        clock: tells the time.
        asking: makes of a list what it asks.
    """

    def __init__(
        self, watch_list: Callable[[], WatchList], clock: Clock, asking: Callable[[WatchList], Asking] = Asking
    ) -> None:
        self._watch_list = watch_list
        self._clock = clock
        self._asking = asking
        self._lock = threading.Lock()
        self._known: tuple[datetime, WatchList, Asking] | None = None

    def take(self, watch_list: WatchList) -> None:
        """Go by a list from now on that was read just now, whoever needed it."""
        with self._lock:
            asking = self._known[2] if self._known and self._known[1] is watch_list else self._asking(watch_list)
            self._known = (self._clock(), watch_list, asking)

    @property
    def latest(self) -> Asking | None:
        """What the list asks that was read last, however long ago; ``None`` if none was. Nothing is read."""
        return self._known[2] if self._known is not None else None

    @property
    def may_scan(self) -> bool:
        """Whether the list that was read last has scans made; nothing is read."""
        return self.latest is not None and self.latest.scans

    @property
    def may_sign(self) -> bool:
        """Whether the list that was read last asks for signatures; nothing is read."""
        return self.latest is not None and self.latest.signs

    @property
    def may_travel(self) -> bool:
        """Whether the list that was read last wants anything beside its images, or none was read; nothing is read."""
        return self.latest is None or self.latest.travels

    @property
    def may_lock(self) -> bool:
        """Whether the list that was read last wants anything to be locked, or none was read yet; nothing is read."""
        return self.latest is None or self.latest.locks

    @property
    def may_roll(self) -> bool:
        """Whether the list that was read last asks for waves, or none was read yet; nothing is read."""
        return self.latest is None or self.latest.rolls

    @property
    def may_rebuild(self) -> bool:
        """Whether the list that was read last names what is rebuilt elsewhere, or none was read yet."""
        return self.latest is None or self.latest.rebuilds

    def now(self) -> Asking:
        """Return what the list asks that was read within the last minute, or is read now.

        Raises:
            ServiceError: the storage account did not answer, or there is no list that can be read.
        """
        return self._fresh()[1]

    def watch_list(self) -> WatchList:
        """Return the list that was read within the last minute, or is read now, for what may be as old.

        Raises:
            ServiceError: as ``now``.
        """
        return self._fresh()[0]

    def _fresh(self) -> tuple[WatchList, Asking]:
        known = self._known
        if known is not None and self._clock() - known[0] < KEPT_FOR:
            return known[1], known[2]
        try:
            watch_list = self._watch_list()
        except WatchListError as error:
            raise Unavailable(f"by which policy is decided is not known, as there is no watch list: {error}") from error
        self.take(watch_list)
        return (watch_list, self._known[2]) if self._known is not None else (watch_list, self._asking(watch_list))
