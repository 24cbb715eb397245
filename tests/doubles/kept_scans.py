"""Scans that tests end as they like, files of exceptions in a dictionary, and policies that no list says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.promotion.scanning import ScanWish
from shared.domain.promotion.schedule import SCAN_REST
from shared.domain.references import Digest
from shared.domain.scan.database import Database
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import Coverage, NoAnswer, Report
from shared.domain.watching.watch_list import Image, WatchList
from shared.exception_ports import ExceptionFile
from shared.policy_yaml import read_waiver_file
from shared.ports import Clock
from shared.rules.admissions import Admissions
from shared.rules.exceptions import KnownExceptions
from shared.rules.policies import TESTED, Asked, Asking, Policies
from shared.rules.proposals import Proposer
from shared.rules.targets import TargetBook
from tests.doubles.storage import Hook, InMemoryActivity, InMemoryEvidence, OneAtATime


class Said(msgspec.Struct, frozen=True):
    """What a scan said."""

    reports: dict[str, Report | NoAnswer]
    database: Database | None


class OneScan(msgspec.Struct, frozen=True, kw_only=True):
    """The scan of a digest, as far as those who judge it see it."""

    digest: Digest
    askers: tuple[str, ...]
    repository: str
    platforms: tuple[str, ...]
    said: Said | None = None
    is_usable: bool = False
    taken_at: datetime | None = None
    is_wanted: bool = True
    waits_for: str = ""

    @property
    def has_answer(self) -> bool:
        """Whether there is a usable answer."""
        return self.said is not None and self.is_usable

    @property
    def missed(self) -> object | None:
        """What it said, if that was of no use."""
        return None if self.is_usable else self.said

    @property
    def database_at(self) -> datetime | None:
        """Of when its database was."""
        database = self.said.database if self.said is not None else None
        return database.updated_at if database is not None else None


class InMemoryScans(OneAtATime):
    """Scans by digest: ``wanted`` says of which, and ``end`` ends one."""

    def __init__(self, clock: Clock, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.of_digest: dict[Digest, OneScan] = {}
        self.asked = 0
        self._clock = clock

    def dry(self, clock: Clock) -> InMemoryScans:
        """Return the same scans: what is asked of them is not asked of these."""
        copy = InMemoryScans(clock)
        copy.of_digest = dict(self.of_digest)
        return copy

    @property
    def wanted(self) -> set[Digest]:
        """The digests whose scans are to be made."""
        return {digest for digest, one in self.of_digest.items() if one.is_wanted}

    def want(self, wish: ScanWish) -> OneScan:
        """See ``ScanBook.want``."""
        assert wish.image, "a scan is asked for on behalf of an entry"
        with self._change("want"):
            self.asked += 1
            known = self.of_digest.get(wish.digest) or OneScan(
                digest=wish.digest, askers=(), repository=wish.repository, platforms=wish.platforms
            )
            again = known.is_wanted or self._is_too_old(known, wish.newer_than)
            askers = tuple(dict.fromkeys((*known.askers, wish.asker))) if again else known.askers
            self.of_digest[wish.digest] = msgspec.structs.replace(known, askers=askers, is_wanted=again)
            return self.of_digest[wish.digest]

    def of(self, digest: Digest) -> OneScan | None:
        """See ``ScanBook.of``."""
        self._raise_scripted("of")
        return self.of_digest.get(digest)

    def answer(self, scan: OneScan) -> Said:
        """See ``ScanBook.answer``."""
        self._raise_scripted("answer")
        assert scan.said is not None, "only what ended has an answer"
        return scan.said

    def end(
        self,
        digest: Digest,
        *findings: Finding,
        database_at: datetime | None = None,
        instead: NoAnswer | None = None,
    ) -> tuple[str, ...]:
        """End a scan with these findings on each platform, or with no answer; return who is to be told."""
        known, now = self.of_digest[digest], self._clock()
        assert known.is_wanted, f"nobody asked for a scan of {digest}"
        reports = {one: instead or report_of(digest, one, *findings) for one in known.platforms}
        self.of_digest[digest] = msgspec.structs.replace(
            known,
            said=Said(dict(reports), Database(database_at or now)),
            is_usable=instead is None,
            taken_at=now,
            askers=(),
            is_wanted=instead is not None,
        )
        return known.askers

    def _is_too_old(self, known: OneScan, newer_than: datetime | None) -> bool:
        if newer_than is None or known.taken_at is None or self._clock() - known.taken_at < SCAN_REST:
            return False
        return known.database_at is None or known.database_at < newer_than


class InMemoryExceptionFiles(OneAtATime):
    """``ExceptionFiles`` in a dictionary: ``files`` by name."""

    def __init__(self, before_call: Hook | None = None) -> None:
        super().__init__(before_call)
        self.files: dict[str, bytes] = {}
        self.listings = 0
        self._last_good: tuple[ExceptionFile, ...] = ()

    def stored(self) -> tuple[ExceptionFile, ...]:
        """See ``ExceptionFiles.stored``."""
        self._raise_scripted("stored")
        self.listings += 1
        return tuple(ExceptionFile(name, content) for name, content in sorted(self.files.items()))

    def last_good(self) -> tuple[ExceptionFile, ...]:
        """See ``ExceptionFiles.last_good``."""
        self._raise_scripted("last_good")
        return self._last_good

    def keep_last_good(self, files: tuple[ExceptionFile, ...]) -> None:
        """See ``ExceptionFiles.keep_last_good``."""
        with self._change("keep_last_good"):
            self._last_good = files


class SaidPolicies(Asking):
    """What a test says that the list asks."""

    def __init__(
        self, watch_list: WatchList, policies: Mapping[str, Policy], platforms: Mapping[str, tuple[str, ...]]
    ) -> None:
        super().__init__(watch_list)
        self._policies = policies
        self._platforms = platforms

    def _of(self, image: Image) -> Asked:
        policy, platforms = self._policies.get(image.name), self._platforms.get(image.name, (TESTED,))
        rebuilding = self._list.rebuilding_of(image)
        return Asked(image.name, policy, platforms, image.is_observed, image.travelling, rebuilding)


def report_of(digest: Digest, platform: str, *findings: Finding) -> Report:
    """Return a report of an image that has these vulnerabilities."""
    return Report(
        scanner="Trivy 0.76.0",
        artifact=f"staging/image@{digest}",
        is_image=True,
        digests=frozenset({digest}),
        repositories=frozenset({"staging/image"}),
        platform=platform,
        system="debian 12.9",
        end_of_life=False,
        coverage=Coverage(packages=88, findings=len(findings), knows_systems=True, system=True, system_seen=True),
        findings=findings,
    )


def proposer_that_asks_for_no_scan(book: TargetBook, clock: Clock) -> Proposer:
    """Return a proposer for a list whose entries name no scan."""
    nothing, files = WatchList(images=[]), InMemoryExceptionFiles()
    exceptions = KnownExceptions(files, clock, read_waiver_file)
    admissions = Admissions(
        Policies(lambda: nothing, clock), exceptions, InMemoryScans(clock), InMemoryEvidence(), book, clock
    )
    return Proposer(book, admissions, InMemoryActivity())
