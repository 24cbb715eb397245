"""What becomes of a scan: who asks for it, what its run said, and what an error means for it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import cause_of
from shared.domain.promotion.run_ends import is_left_alone, told_no_agent, told_strange
from shared.domain.promotion.schedule import (
    LEASE,
    LONGEST_RETRY,
    SCAN_REST,
    SCAN_WANTED_FOR,
    pause_before_retry,
    pause_before_scan,
    pause_before_step,
)
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.report import Trouble
from shared.domain.scan.scan import (
    SCAN_ENDS,
    Missed,
    Scan,
    ScanChange,
    ScanReason,
    ScanStatus,
    Silence,
    Taken,
    advance_scan,
)
from shared.errors import RateLimited, TidegateError

# Who asks again and again is noted once a day.
_NOTED = timedelta(days=1)
# Asks for scans of what is in use, and is no candidate.
WATCHER = "standing-watch"
_ENDED = frozenset({Status.PROMOTED, Status.REJECTED, Status.OBSERVED})
# These have nothing more to learn from a scan, unless it was asked for since: what passed may wait behind a pin.
_GONE = frozenset({Status.SUPERSEDED, Status.FAILED})


class ScanWish(msgspec.Struct, frozen=True):
    """What somebody asks to be scanned.

    Attributes:
        asker: the candidate's id.
        image: the name of its entry in the watch list.
        digest: what: a candidate's digest, or that of a base it is compared with.
        repository: where it is in staging, or is to be copied back to.
        platforms: those to be scanned.
        newer_than: of when the database of the answer has to be at least, UTC; ``None`` if any will do. An answer that
            is older is taken anew, but not within some seconds of its end.
        traceparent: W3C trace context; the book of scans writes that of what is under way.
        bundle: whether it is documents of many images, which were kept as evidence before.
    """

    asker: str
    image: str
    digest: Digest
    repository: str
    platforms: tuple[str, ...]
    newer_than: datetime | None = None
    traceparent: str = ""
    bundle: bool = False


def first_scan(wish: ScanWish, now: datetime) -> Scan:
    """Return the record of a digest that nobody asked for before."""
    return Scan(
        digest=wish.digest,
        image=wish.image,
        repository=wish.repository,
        platforms=wish.platforms,
        askers=(wish.asker,),
        asked_at=now,
        look_at=now,
        since=now,
        history=(ScanChange(now, ScanStatus.WANTED, ScanReason.ASKED, f"for {wish.asker}"),),
        traceparent=wish.traceparent,
        bundle=wish.bundle,
    )


def asked_for(scan: Scan, wish: ScanWish, now: datetime) -> Scan:
    """Return a scan that somebody asks for; the record as it is if that changes nothing."""
    platforms = (*scan.platforms, *(one for one in wish.platforms if one not in scan.platforms))
    wider = msgspec.structs.replace(scan, platforms=platforms)
    if scan.status is ScanStatus.CANCELLING:
        return _asked_again(_with(wider, wish), wish, now, "its run is wanted after all")
    if scan.status not in SCAN_ENDS:
        return _joined(wider, wish, now)
    why = _why_again(wider, wish, now)
    if why:
        return _asked_again(_with(wider, wish), wish, now, why, **_ANEW, repository=wish.repository)
    late = now - scan.asked_at >= _NOTED
    return msgspec.structs.replace(scan, asked_at=now, look_at=now) if late else scan


_ANEW: dict[str, Any] = {"attempts": 0, "unanswered": 0, "live_run": ""}


def _with(scan: Scan, wish: ScanWish) -> Scan:
    return msgspec.structs.replace(scan, askers=tuple(dict.fromkeys((*scan.askers, wish.asker))))


def _asked_again(scan: Scan, wish: ScanWish, now: datetime, why: str, **fields: Any) -> Scan:
    generation = scan.generation + (scan.status in SCAN_ENDS)
    detail = f"for {wish.asker}: {why}"
    return advance_scan(scan, ScanReason.ASKED_AGAIN, now, detail=detail, generation=generation, asked_at=now, **fields)


def _why_again(scan: Scan, wish: ScanWish, now: datetime) -> str:
    """Why a scan that has ended is made again; empty if its answer will do, or is too new to be made again."""
    if scan.taken is None:
        return "it has no answer"
    if not scan.has_answer:
        return "another platform is wanted"
    at = scan.database_at
    if wish.newer_than is None or (at is not None and at >= wish.newer_than) or now - scan.since < SCAN_REST:
        return ""
    known = f"is of {at:%Y-%m-%d %H:%M} UTC" if at else "does not say of when it is"
    return f"the database of its answer {known}, and one of {wish.newer_than:%Y-%m-%d %H:%M} UTC or later is wanted"


def _joined(scan: Scan, wish: ScanWish, now: datetime) -> Scan:
    """Let one more ask for what is under way; what waits for its next try is tried for the newcomer at once."""
    late = now - scan.asked_at >= _NOTED
    if scan.last.reason is ScanReason.TOOL_AWAITED and now - scan.last.at >= LONGEST_RETRY:
        # Tools are tried again hourly; who waits for one is not to wait for a day when it has come.
        return msgspec.structs.replace(_with(scan, wish), asked_at=now, look_at=min(scan.look_at, now))
    if wish.asker in scan.askers or (scan.status is ScanStatus.ANSWERED and not _why_again(scan, wish, now)):
        return msgspec.structs.replace(scan, asked_at=now) if late else scan
    soon = scan.status in {ScanStatus.WANTED, ScanStatus.ANSWERED}
    look_at = min(scan.look_at, now) if soon else scan.look_at
    return msgspec.structs.replace(_with(scan, wish), asked_at=now, look_at=look_at)


def watcher_asks(scan: Scan, now: datetime) -> bool:
    """Whether the standing watch still wants a scan: it says so at least once a day."""
    return now - scan.asked_at < SCAN_WANTED_FOR


def still_asks(scan: Scan, candidate: Candidate | None, now: datetime) -> bool:
    """Whether a candidate that asked for a scan still has something to learn from it.

    Args:
        scan: the record.
        candidate: as it is now; ``None`` if there is none any more.
        now: UTC.
    """
    if candidate is None or candidate.status is Status.CANCELLING:
        return False
    if candidate.status not in _ENDED | _GONE:
        return True
    if candidate.status in _GONE and scan.asked_at <= candidate.since:
        return False
    return candidate.has_passed and now - scan.asked_at < SCAN_WANTED_FOR


def silences_of(status: RunStatus, missing: Iterable[Silence], platforms: tuple[str, ...]) -> tuple[Silence, ...]:
    """Return why a run's log is no usable answer; none if it is one.

    Args:
        status: how the run ended.
        missing: the platforms of which the log has no report.
        platforms: those that were asked for.
    """
    found = tuple(missing)
    if found or status is RunStatus.SUCCEEDED:
        return found
    told = f"its run ended as {status.value}, though its log has a report"
    return tuple(Silence(platform, Trouble.SCANNER_FAILED, told) for platform in platforms)


def answered(
    scan: Scan,
    run_id: str,
    database_at: datetime | None,
    now: datetime,
    *,
    documents: tuple[str, ...] = (),
    without: str = "",
) -> Scan:
    """Return a scan whose run gave a usable answer; if whoever saw that dies, those who asked are told later.

    Args:
        scan: whose run is under way.
        run_id: of the run.
        database_at: when its database was made, UTC.
        now: UTC.
        documents: the platforms of which there is a document.
        without: why there is none of the others, for people.
    """
    taken = Taken(scan.generation, scan.runs, run_id, now, database_at, scan.database, scan.given, documents)
    of = f"database of {database_at:%Y-%m-%d %H:%M} UTC" if database_at else "the database does not say of when it is"
    detail = f"{', '.join(scan.given)}; {of} (run {run_id})"
    detail = f"{detail}; no document of what is in it: {without}" if without else detail
    fields: dict[str, Any] = {"taken": taken, "missed": None, "live_run": ""}
    return advance_scan(scan, ScanReason.ANSWERED, now, detail=detail, pause=LEASE, **fields)


def answered_already(scan: Scan, database: str, now: datetime) -> Scan:
    """Return a scan that keeps its answer, for there is no newer database than that was taken with: it is as of now."""
    told = f"there is no newer database than {database}; the kept answer stays"
    taken = msgspec.structs.replace(scan.taken, at=now) if scan.taken else None
    return advance_scan(scan, ScanReason.SAME_DATABASE, now, detail=told, pause=LEASE, taken=taken)


def unanswered(scan: Scan, run_id: str, silences: tuple[Silence, ...], now: datetime) -> Scan:
    """Return a scan whose run gave no usable answer: it is repeated after a growing pause, however often."""
    told = "; ".join(f"{one.platform}: {one.detail} ({one.trouble.value})" for one in silences)
    missed = Missed(scan.generation, scan.runs, run_id, now, silences, scan.given)
    attempts, detail = scan.attempts + 1, f"{told} (run {run_id})" if run_id else told
    pause = pause_before_scan(attempts)
    fields: dict[str, Any] = {"missed": missed, "attempts": attempts, "live_run": ""}
    return advance_scan(scan, ScanReason.UNANSWERED, now, detail=detail, pause=pause, **fields)


def passed_by(scan: Scan, strange: str, now: datetime) -> Scan:
    """Return a scan whose run's name somebody else had taken: the next name is taken."""
    told, attempts = told_strange(strange), scan.attempts + 1
    pause = pause_before_scan(attempts)
    return advance_scan(scan, ScanReason.STRANGE_RUN, now, detail=told, pause=pause, attempts=attempts, live_run="")


def scan_without_agent(scan: Scan, run_id: str, now: datetime) -> Scan:
    """Return a scan whose run found no agent in time: it is asked for again, however often, and none is counted."""
    number, told = scan.unanswered + 1, told_no_agent(run_id)
    pause = pause_before_retry(number)
    return advance_scan(scan, ScanReason.NO_AGENT, now, detail=told, pause=pause, unanswered=number, live_run="")


def scan_awaits_agent(scan: Scan, status: RunStatus, now: datetime) -> bool:
    """Whether it is to be told that no agent has taken a run for long: once, and not at every look."""
    return is_left_alone(status, scan.since, now) and scan.last.reason is not ScanReason.AGENT_AWAITED


def put_off_scan(scan: Scan, error: TidegateError, now: datetime, reason: ScanReason = ScanReason.TROUBLE) -> Scan:
    """Decide what an error means for the step it happened in: it is tried again, ever more rarely, and never given up.

    No answer is never a pass, so that whoever waits for one waits on; that is told, and ends when nobody asks any more.

    Args:
        scan: the record as it was before the step.
        error: what happened.
        now: UTC.
        reason: the transition to take.
    """
    if isinstance(cause_of(error), RateLimited) and reason is not ScanReason.COPY_LOST:
        number = 1 + (scan.last.times if scan.last.reason is ScanReason.DEFERRED else 0)
        pause = pause_before_step(number, error.retry_after)
        return advance_scan(scan, ScanReason.DEFERRED, now, detail=str(error), pause=pause)
    failures = scan.failures + 1
    pause = pause_before_step(failures, error.retry_after)
    return advance_scan(scan, reason, now, detail=str(error), pause=pause, failures=failures)


def scan_not_begun(claimed: Scan, before: Scan, now: datetime, pause: timedelta) -> Scan:
    """Return a scan as it was before it was claimed for what was not begun after all: that is no event."""
    return msgspec.structs.replace(
        before,
        step=claimed.step + 1,
        look_at=now + pause,
        askers=claimed.askers,
        platforms=claimed.platforms,
        asked_at=claimed.asked_at,
        named_from=claimed.named_from,
    )


def nobody_asks(scan: Scan, now: datetime) -> Scan:
    """Return a scan that nobody asks for any more: ended, or about to have its run end before that.

    A run whose id is not written down yet is looked for once whoever claimed it must have asked for it.
    """
    known = scan.status is not ScanStatus.SCANNING or scan.live_run
    pause = timedelta(0) if known else max(scan.look_at - now, timedelta(0))
    kept = scan.askers if scan.status is ScanStatus.SCANNING else ()
    return advance_scan(scan, ScanReason.NOBODY_ASKS, now, pause=pause, askers=kept, failures=0)
