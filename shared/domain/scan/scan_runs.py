"""What a scan's runs are called, what is said in them, and what their logs are kept as."""

from __future__ import annotations

from shared.domain.gate.words import Words, run_name_of, words_of
from shared.domain.scan.scan import Missed, Scan, Taken


def scan_run_name(scan: Scan, run: int | None = None) -> str:
    """Return the name of a scan's latest run, or of another one: scheduling it twice is scheduling it once."""
    return run_name_of(scan.id, f"scan~{scan.runs if run is None else run}", scan.secret)


def scan_run_names(scan: Scan) -> tuple[str, ...]:
    """Return the names of all runs that may be in the registry still."""
    return tuple(scan_run_name(scan, run) for run in range(scan.named_from, scan.runs + 1))


def scan_words(scan: Scan, kept: Taken | Missed | None = None) -> Words:
    """Return what is said in a scan's latest run, or was said in one whose log is kept."""
    return (
        words_of(scan.secret, kept.generation, kept.run) if kept else words_of(scan.secret, scan.generation, scan.runs)
    )


def scan_log_name(scan: Scan, kept: Taken | Missed | None = None) -> str:
    """Return the name that a run's log is kept under, below the scan's id: the latest run's, or that of a kept one."""
    generation, run = (kept.generation, kept.run) if kept else (scan.generation, scan.runs)
    return f"scan-{generation}-{run}.log"


def document_name(scan: Scan, platform: str, kept: Taken | None = None) -> str:
    """Return the name that the document of a platform is kept under, below the scan's id; as ``scan_log_name``."""
    run = f"{kept.generation}-{kept.run}" if kept else f"{scan.generation}-{scan.runs}"
    return f"document-{run}-{platform.replace('/', '-')}.json"


BUNDLE = "documents.json"


def evidence_names(scan: Scan) -> frozenset[str]:
    """Return the names of what a scan's record says to be kept below its id."""
    if scan.bundle:
        return frozenset({BUNDLE, *(scan_log_name(scan, kept) for kept in (scan.taken, scan.missed, None))})
    logs = {scan_log_name(scan, kept) for kept in (scan.taken, scan.missed, None)}
    under_way = {document_name(scan, platform) for platform in scan.given}
    taken = {document_name(scan, platform, scan.taken) for platform in scan.taken.documents} if scan.taken else set()
    return frozenset(logs | under_way | taken)
