"""Look again at what is in use whenever the database of vulnerabilities is newer, at most daily; and judge it.

Nothing is followed: each time all is put together anew from what the records say (what is in use, what is in it, by
which database it was last looked at) and compared with what was asked for. Documents are kept before the watch's record
names them, and it names them before their scan is asked for; whoever dies in between leaves what the next one finds to
be missing. Documents of the same content are one bundle with one scan, however often they are put together.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from shared.domain.promotion.admission import in_use
from shared.domain.promotion.exposure import Exposure, Watch, lasting
from shared.domain.promotion.scanning import WATCHER, ScanWish
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.scan import Scan
from shared.domain.watching.troubles import Kind, Trouble, about_target
from shared.errors import Conflict
from shared.ports import Clock, Records
from shared.rules.exceptions import KnownExceptions
from shared.rules.policies import Asked, Asking, Policies
from shared.rules.scan_book import ScanBook
from shared.rules.scan_documents import ScanDocuments
from shared.watch_ports import StoredWatch, Watches

# What judges and merges is loaded when there is something to be judged.
if TYPE_CHECKING:
    from shared.domain.scan.merged import Bundle
    from shared.domain.scan.packages import Packages
    from shared.rules.exposures import Exposures, LastLook

log = logging.getLogger("tidegate.watch")

EVERY = timedelta(minutes=15)
# The databases are made anew every six hours; what is in use is looked at once a day.
AT_MOST = timedelta(days=1)
FEWEST = 250
_TOLD = 5


class InUse(msgspec.Struct, frozen=True):
    """A tag whose policy has a scan, what is asked of it, and the scan of what it has in use."""

    target: Target
    asked: Asked
    scan: Scan | None


class StandingWatch:
    """Watches over what is in use, whenever a quarter of an hour has passed in this process.

    Args:
        watches: the watch's record.
        policies: the policies in force.
        exceptions: what people know.
        targets: gives every target.
        scans: the records of scans, which are read together.
        book: asks for scans, and reads their answers.
        documents: what is in images.
        exposures: judges; made when there is something to be judged.
        database: gives the database that scans are given now, ``repository@digest``; empty if there is none yet.
        clock: tells the time.
    """

    def __init__(
        self,
        watches: Watches,
        policies: Policies,
        exceptions: KnownExceptions,
        targets: Callable[[], Iterable[Target]],
        scans: Records[Scan],
        book: ScanBook,
        documents: ScanDocuments,
        exposures: Callable[[], Exposures],
        database: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._watches = watches
        self._policies = policies
        self._exceptions = exceptions
        self._targets = targets
        self._scans = scans
        self._book = book
        self._documents = documents
        self._exposures = exposures
        self._database = database
        self._clock = clock
        self._next_at: datetime | None = None

    def sweep(self) -> None:
        """Watch, if it is time to; a list without scans costs nothing.

        Raises:
            ServiceError: the storage account did not answer; the next sweep goes on.
        """
        now, asking = self._clock(), self._policies.latest
        if asking is None or not asking.scans or (self._next_at is not None and now < self._next_at):
            return
        self._next_at = now + EVERY
        try:
            self.watch(asking)
        except Conflict as conflict:
            log.info("%s", conflict)

    def watch(self, asking: Asking) -> None:
        """Ask for what is to be looked at, and judge what was.

        Raises:
            ServiceError: the storage account did not answer.
            Conflict: another worker watches at the same time.
        """
        stored, now = self._watches.get(), self._clock()
        known = {one.record.digest: one.record for one in self._scans.current()}
        used = tuple(self._in_use(asking, known))
        self._ask(used, now)
        watch = stored.watch if stored else Watch()
        database = self._database()
        is_due = watch.began_at is None or now - watch.began_at >= AT_MOST
        if database and database != watch.database and is_due and used:
            stored = self._begin(stored, watch, used, database, known)
        elif stored is not None:
            self._go_on(watch, known)
        if stored is not None or used:
            self._judge(stored, used, known)

    def troubles(self) -> tuple[Trouble, ...]:
        """Return a trouble for each tag that has in use what is known to be exploited. One transaction.

        Raises:
            ServiceError: the storage account did not answer.
        """
        stored = self._watches.get() if self._policies.may_scan else None
        return tuple(_trouble(one) for one in stored.watch.exposures if one.exploited) if stored else ()

    def _in_use(self, asking: Asking, known: Mapping[Digest, Scan]) -> Iterator[InUse]:
        for target in self._targets():
            digest = in_use(target)
            asked = asking.of(target.origin.image, target.place)
            if digest and target.let_go is None and asked.entry and asked.scan is not None:
                yield InUse(target, asked, known.get(digest))

    def _ask(self, used: Iterable[InUse], now: datetime) -> None:
        """Ask for the first scan of what has none, and say that the others are still in use."""
        for one in used:
            asked_lately = one.scan is not None and now - one.scan.asked_at < AT_MOST
            if not (asked_lately and one.scan is not None and set(one.asked.platforms) <= set(one.scan.platforms)):
                self._want(one, None)

    def _want(self, one: InUse, newer_than: datetime | None) -> None:
        digest, repository = in_use(one.target), one.scan.repository if one.scan else one.target.repository
        self._book.want(ScanWish(WATCHER, one.asked.entry, digest, repository, one.asked.platforms, newer_than))

    def _begin(
        self,
        stored: StoredWatch | None,
        watch: Watch,
        used: tuple[InUse, ...],
        database: str,
        known: Mapping[Digest, Scan],
    ) -> StoredWatch:
        """Put together what is to be looked at, keep it, name it, and only then ask for its scans."""
        from shared.domain.scan.merged import merged  # noqa: PLC0415

        images, most = self._told(used, database), self._most(watch, known)
        bundles = merged(images.values(), most)
        for bundle in bundles:
            self._documents.keep_merged(bundle)
        named = tuple(bundle.digest for bundle in bundles)
        begun = msgspec.structs.replace(watch, began_at=self._clock(), database=database, bundles=named, most=most)
        written = self._watches.put(stored, begun)
        log.info("standing watch: %d images in use, %d bundles, by %s", len(images), len(bundles), database)
        for bundle in bundles:
            self._want_bundle(bundle.digest, bundle, self._newer(known.get(bundle.digest)))
        return written

    def _told(self, used: Iterable[InUse], database: str) -> dict[tuple[Digest, str], Packages]:
        """Return what documents tell of images in use; what none tells is scanned as an image once more."""
        images: dict[tuple[Digest, str], Packages] = {}
        for one in used:
            if one.scan is not None and one.scan.taken is not None and one.scan.taken.database == database:
                continue  # it was looked at by this one as an image
            missing = not self._add(one, images)
            if missing and one.scan is not None and one.scan.has_answer:
                self._want(one, (one.scan.database_at or self._clock()) + timedelta(microseconds=1))
        return images

    def _want_bundle(self, digest: Digest, bundle: Bundle, newer_than: datetime | None) -> None:
        names = tuple(bundle.documents)
        self._book.want(ScanWish(WATCHER, WATCHER, digest, WATCHER, names, newer_than, bundle=True))

    def _newer(self, scan: Scan | None) -> datetime | None:
        at = scan.database_at if scan is not None else None
        return at + timedelta(microseconds=1) if at is not None else None

    def _add(self, one: InUse, images: dict[tuple[Digest, str], Packages]) -> bool:
        """Add what is in an image in use; whether a document tells it of each platform."""
        if one.scan is None or not one.scan.has_answer:
            return False
        for platform in one.asked.platforms:
            place = (one.scan.digest, platform)
            listed = images.get(place) or self._documents.of(one.scan, platform)
            if listed is None:
                return False
            images[place] = listed
        return True

    def _most(self, watch: Watch, known: Mapping[Digest, Scan]) -> int:
        """A run whose log had no room for all that it found is followed by smaller ones."""
        for bundle in watch.bundles:
            scan = known.get(bundle)
            if (
                scan is not None
                and scan.has_answer
                and any(getattr(report, "left_out", ()) for report in self._book.answer(scan).reports.values())
            ):
                return max(FEWEST, watch.most // 2)
        return watch.most

    def _go_on(self, watch: Watch, known: Mapping[Digest, Scan]) -> None:
        """Ask for scans that whoever named them did not come to ask for."""
        for digest in watch.bundles:
            scan = known.get(digest)
            newer = None
            if scan is not None and scan.taken is not None and watch.began_at is not None:
                is_of_round = scan.taken.at >= watch.began_at or scan.taken.database == watch.database
                newer = None if is_of_round else self._newer(scan)
                if is_of_round:
                    continue
            bundle = self._documents.merged(digest)
            if bundle is not None:
                self._want_bundle(digest, bundle, newer)

    def _judge(self, stored: StoredWatch | None, used: tuple[InUse, ...], known: Mapping[Digest, Scan]) -> None:
        """Judge what has changed, and write it if anything did."""
        from shared.rules.exposures import LastLook  # noqa: PLC0415

        watch = stored.watch if stored else Watch()
        last = LastLook(tuple(scan for digest in watch.bundles if (scan := known.get(digest)) is not None))
        before = {one.target: one for one in watch.exposures}
        found = self._judged(used, before, last)
        if found != watch.exposures:
            self._watches.put(stored, msgspec.structs.replace(watch, exposures=found))

    def _judged(self, used: tuple[InUse, ...], before: Mapping[str, Exposure], last: LastLook) -> tuple[Exposure, ...]:
        exposures, exceptions, now = self._exposures(), self._exceptions.now(), self._clock()
        looked_at = None
        found = []
        for one in used:
            kept = before.get(one.target.id)
            by = exposures.by(one.target, one.asked, one.scan, last, exceptions, now)
            if kept is not None and kept.by == by:
                found.append(kept)
                continue
            looked_at = exposures.looked_at(last) if looked_at is None else looked_at
            fresh = exposures.judge(one.target, one.asked, one.scan, last, looked_at, exceptions, now)
            found.append(lasting(kept, fresh))
        return tuple(sorted(found, key=lambda exposure: exposure.target))


def _trouble(one: Exposure) -> Trouble:
    named = ", ".join(f"{each.id} in {each.package} {each.installed}" for each in one.exploited[:_TOLD])
    more = f" and {len(one.exploited) - _TOLD} more" if len(one.exploited) > _TOLD else ""
    detail = (
        f"{one.digest} is in use, and has what is known to be exploited: {named}{more}. It stays in use until people "
        f"act: see which update has it no more by GET /api/exposure, or waive it"
    )
    return Trouble(kind=Kind.KNOWN_EXPLOITED, about=about_target(one.target), detail=detail, images=(one.image,))
