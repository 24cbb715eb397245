"""The scan of one digest: one record, whoever wants it, for which tag and by which policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from shared.domain.history import folded
from shared.domain.references import Digest, Tag
from shared.domain.scan.report import Trouble
from shared.errors import TidegateError

_HISTORY_KEPT = 30
_DETAIL_KEPT = 600


class ScanStatus(Enum):
    """Where a scan is."""

    WANTED = "wanted"  # somebody asks for it; it waits for its turn, for its tools or for its next try
    IMPORTING = "importing"  # its digest was not in staging any more, and is copied back
    SCANNING = "scanning"  # its run is under way
    CANCELLING = "cancelling"  # nobody asks for it any more; its run is about to be asked to end
    ANSWERED = "answered"  # it has its answer; whoever asked is about to be told
    SCANNED = "scanned"  # whoever asked was told; the end, until a newer answer is wanted
    UNWANTED = "unwanted"  # nobody asked any more before it had an answer; the end, until somebody asks


class ScanReason(Enum):
    """Why a scan's record last changed: stored, logged and shown."""

    ASKED = "scan-asked"  # somebody asked for the first time
    ASKED_AGAIN = "scan-asked-again"  # a newer database or another platform is wanted, or it had been let go
    COPY_STARTED = "scan-copy-started"  # staging was asked to copy the digest back
    COPY_VERIFIED = "scan-copy-verified"  # the digest was read back from staging
    COPY_LOST = "scan-copy-lost"  # the copy came to nothing; it is tried again
    COPY_LAGS = "scan-copy-lags"  # the copy ended and another digest was read back; looked at again for 5 minutes
    STARTED = "scan-started"  # its run was scheduled
    ANSWERED = "scan-answered"  # every platform has its report
    UNANSWERED = "scan-unanswered"  # the run ended without a usable answer; it is repeated
    SAME_DATABASE = "scan-same-database"  # there is no newer database than the kept answer was taken with
    TOLD = "scan-told"  # whoever asked was told
    STRANGE_RUN = "scan-strange-run"  # a run that this app did not ask for bears its name; the next name is taken
    NO_AGENT = "scan-no-agent"  # its run's time was over before any step began; run again, and no attempt is counted
    AGENT_AWAITED = "scan-agent-awaited"  # no agent has taken its run for ten minutes; told once, and it waits
    RUN_REPEATED = "scan-run-repeated"  # a run without a name was asked for again; it may run twice, to no harm
    NOBODY_ASKS = "scan-nobody-asks"  # whoever asked for it needs it no more
    CANCELED = "scan-canceled"  # its run was asked to end
    TOOL_AWAITED = "scan-tool-awaited"  # the scanner or its database cannot be had; tried again
    DEFERRED = "scan-deferred"  # somebody asked it to wait; no failure is counted
    TROUBLE = "scan-trouble"  # a step did not succeed and is tried again


_WAITS = (ScanStatus.WANTED, ScanStatus.IMPORTING, ScanStatus.SCANNING, ScanStatus.CANCELLING, ScanStatus.ANSWERED)
SCAN_ENDS = frozenset({ScanStatus.SCANNED, ScanStatus.UNWANTED})

# (from, reason) -> to; what is not in it cannot happen.
SCAN_TRANSITIONS: dict[tuple[ScanStatus, ScanReason], ScanStatus] = {
    (ScanStatus.WANTED, ScanReason.COPY_STARTED): ScanStatus.IMPORTING,
    (ScanStatus.WANTED, ScanReason.STARTED): ScanStatus.SCANNING,
    (ScanStatus.WANTED, ScanReason.SAME_DATABASE): ScanStatus.ANSWERED,
    (ScanStatus.WANTED, ScanReason.TOOL_AWAITED): ScanStatus.WANTED,
    (ScanStatus.WANTED, ScanReason.NOBODY_ASKS): ScanStatus.UNWANTED,
    (ScanStatus.IMPORTING, ScanReason.COPY_VERIFIED): ScanStatus.WANTED,
    (ScanStatus.IMPORTING, ScanReason.COPY_LOST): ScanStatus.WANTED,
    (ScanStatus.IMPORTING, ScanReason.COPY_LAGS): ScanStatus.IMPORTING,
    (ScanStatus.SCANNING, ScanReason.STARTED): ScanStatus.SCANNING,
    (ScanStatus.SCANNING, ScanReason.TOOL_AWAITED): ScanStatus.SCANNING,
    (ScanStatus.SCANNING, ScanReason.ANSWERED): ScanStatus.ANSWERED,
    (ScanStatus.SCANNING, ScanReason.UNANSWERED): ScanStatus.WANTED,
    (ScanStatus.SCANNING, ScanReason.STRANGE_RUN): ScanStatus.WANTED,
    (ScanStatus.SCANNING, ScanReason.NO_AGENT): ScanStatus.WANTED,
    (ScanStatus.SCANNING, ScanReason.AGENT_AWAITED): ScanStatus.SCANNING,
    (ScanStatus.SCANNING, ScanReason.RUN_REPEATED): ScanStatus.SCANNING,
    (ScanStatus.SCANNING, ScanReason.NOBODY_ASKS): ScanStatus.CANCELLING,
    (ScanStatus.CANCELLING, ScanReason.CANCELED): ScanStatus.UNWANTED,
    (ScanStatus.CANCELLING, ScanReason.ASKED_AGAIN): ScanStatus.SCANNING,
    (ScanStatus.ANSWERED, ScanReason.TOLD): ScanStatus.SCANNED,
    **{(status, ScanReason.ASKED_AGAIN): ScanStatus.WANTED for status in ScanStatus if status in SCAN_ENDS},
    **{(status, reason): status for status in _WAITS for reason in (ScanReason.DEFERRED, ScanReason.TROUBLE)},
}

# Failures are counted until one of these.
_HEADWAY = frozenset(
    {
        ScanReason.ANSWERED,
        ScanReason.UNANSWERED,
        ScanReason.SAME_DATABASE,
        ScanReason.COPY_VERIFIED,
        ScanReason.ASKED_AGAIN,
    }
)


class ScanChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a scan's history.

    Attributes:
        at: when, UTC; of what happened several times in a row, the last time.
        status: the status from then on.
        reason: why.
        detail: for people; at most 600 characters. Of several times, that of the last.
        times: how often in a row it happened.
    """

    at: datetime
    status: ScanStatus
    reason: ScanReason
    detail: str = ""
    times: int = 1


class Taken(msgspec.Struct, frozen=True):
    """A usable answer: every platform has its report in a kept log.

    Attributes:
        generation, run: which run's log it is.
        run_id: the registry's id of that run.
        at: when its end was seen, or when there was last found to be no newer database, UTC.
        database_at: when the vulnerability database was made, UTC, as the run said; ``None`` if it did not.
        database: what the run knew vulnerabilities by: the database's ``repository@digest``, or what another scanner is
            and how it was called; empty if that is not sure.
        platforms: those the run was given, in their order.
        documents: of these platforms there is a document that says what is in the image.
    """

    generation: int
    run: int
    run_id: str
    at: datetime
    database_at: datetime | None
    database: str
    platforms: tuple[str, ...]
    documents: tuple[str, ...] = ()


class Silence(msgspec.Struct, frozen=True):
    """Why there is no report of one platform; ``detail`` is for people."""

    platform: str
    trouble: Trouble
    detail: str


class Missed(msgspec.Struct, frozen=True):
    """A run that gave no usable answer.

    Attributes:
        generation, run: which run's log it is.
        run_id: the registry's id of that run.
        at: when its end was seen, UTC.
        silences: why, by platform.
        platforms: those the run was given, in their order.
    """

    generation: int
    run: int
    run_id: str
    at: datetime
    silences: tuple[Silence, ...]
    platforms: tuple[str, ...]


class Scan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of the scan of a digest; every step replaces it as a whole, guarded by its ETag.

    Attributes:
        digest: what is scanned.
        image: the name in the watch list of the entry for which it was first asked.
        repository: where the digest is in staging.
        platforms: those that are scanned, such as ``linux/amd64``.
        askers: ids of the candidates that wait for it; none once they were told.
        asked_at: when it was last asked for, UTC; asked for again and again, to the day.
        status: where it is.
        generation: 1, and one more each time it begins anew.
        step: counts the changes of this record; another asker leaves it as it is.
        look_at: when it is to be looked at again, UTC; at an end, when it was last asked for.
        since: when the present status began, UTC.
        failures: how often in a row the present step did not succeed.
        runs: how many runs were started, in all generations.
        attempts: how many runs of this generation gave no usable answer.
        unanswered: how many of this generation found no agent in time, and count as no attempt.
        named_from: the first run whose name may be in the registry still.
        live_run: the registry's id of the run under way, from when it is known.
        given: the platforms that the latest run was given; others may have been asked for since.
        database: what the latest run knows vulnerabilities by; empty if that is not sure.
        operation: continuation token of the copy under way; empty if none is, or if nobody learnt it.
        secret: from which the words of its runs are derived; made when the first one is claimed.
        taken: the last usable answer; ``None`` if there was none yet.
        missed: the last run that gave none, unless one gave one since.
        history: the latest changes, oldest first.
        traceparent: W3C trace context of whoever asked first.
        bundle: whether documents of many images are scanned, which are kept as evidence, and no image.
    """

    digest: Digest
    image: str
    repository: str
    platforms: tuple[str, ...]
    askers: tuple[str, ...] = ()
    asked_at: datetime
    status: ScanStatus = ScanStatus.WANTED
    generation: int = 1
    step: int = 1
    look_at: datetime
    since: datetime
    failures: int = 0
    runs: int = 0
    attempts: int = 0
    unanswered: int = 0
    named_from: int = 1
    live_run: str = ""
    given: tuple[str, ...] = ()
    database: str = ""
    operation: str = ""
    secret: str = ""
    taken: Taken | None = None
    missed: Missed | None = None
    history: tuple[ScanChange, ...] = ()
    traceparent: str = ""
    bundle: bool = False

    @property
    def id(self) -> str:
        """The digest: the same one has one scan."""
        return self.digest

    @property
    def has_answer(self) -> bool:
        """Whether there is a usable answer for every platform that is wanted, however old its database."""
        return self.taken is not None and set(self.platforms) <= set(self.taken.platforms)

    @property
    def taken_at(self) -> datetime | None:
        """When the last usable answer was taken, UTC."""
        return self.taken.at if self.taken else None

    @property
    def database_at(self) -> datetime | None:
        """When the database of that answer was made, UTC; ``None`` if there is none or it did not say."""
        return self.taken.database_at if self.taken else None

    @property
    def waits_for(self) -> str:
        """What cannot be had to scan with, for people; empty if that is not what it waits for."""
        return self.last.detail if self.last.reason is ScanReason.TOOL_AWAITED else ""

    @property
    def last(self) -> ScanChange:
        """The latest change; every record has at least the one that made it."""
        return self.history[-1]

    @property
    def staging_tag(self) -> Tag:
        """The tag that keeps what was copied back in the staging registry."""
        return Tag(f"scan-{self.digest.partition(':')[2][:32]}")

    def latest(self, reason: ScanReason) -> datetime | None:
        """When something last happened to it, as far as its history goes back; ``None`` if it did not."""
        return next((change.at for change in reversed(self.history) if change.reason is reason), None)


class ImpossibleScanChange(TidegateError):
    """A step asked for a transition that is not in the table: a fault of the program, told as such."""


def advance_scan(
    scan: Scan,
    reason: ScanReason,
    now: datetime,
    *,
    detail: str = "",
    pause: timedelta = timedelta(0),
    **fields: Any,
) -> Scan:
    """Apply one transition of the table.

    Args:
        scan: the record as it was read.
        reason: what happened; with the present status it names the transition.
        now: UTC.
        detail: for people.
        pause: how long from now it is to be looked at again.
        fields: other fields of the record that change with it.

    Returns:
        The record one step further.

    Raises:
        ImpossibleScanChange: the table has no such transition.
    """
    status = SCAN_TRANSITIONS.get((scan.status, reason))
    if status is None:
        raise ImpossibleScanChange(
            f"scan of {scan.digest}: {reason.value} cannot happen to what is {scan.status.value}"
        )
    moved = status is not scan.status
    line = ScanChange(now, status, reason, detail[:_DETAIL_KEPT])
    changes: dict[str, Any] = {
        "status": status,
        "step": scan.step + 1,
        "look_at": now + pause,
        "since": now if moved else scan.since,
        "failures": 0 if reason in _HEADWAY else scan.failures,
        "history": folded(scan.history, line, _HISTORY_KEPT),
        "operation": "" if moved else scan.operation,
    }
    return msgspec.structs.replace(scan, **{**changes, **fields})


def rejoined_scan(read: Scan, found: Scan, written: Scan) -> Scan | None:
    """Return what is to be written when somebody else asked for a scan since it was read.

    Args:
        read: as it was read.
        found: as it is now.
        written: what was to be written.

    Returns:
        The same with all askers and platforms. ``None`` if more has changed since, or if it was to be written that all
        who ask were told, or that nobody asks.
    """
    beside = {"askers": read.askers, "platforms": read.platforms, "asked_at": read.asked_at, "look_at": read.look_at}
    if msgspec.structs.replace(found, **beside) != read:
        return None
    new = tuple(asker for asker in found.askers if asker not in read.askers)
    if new and written.status in {ScanStatus.CANCELLING, *SCAN_ENDS}:
        return None
    more = tuple(one for one in found.platforms if one not in written.platforms)
    return msgspec.structs.replace(
        written,
        askers=(*written.askers, *new),
        platforms=(*written.platforms, *more),
        asked_at=max(found.asked_at, written.asked_at),
    )
