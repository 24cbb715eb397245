"""What the change of a record means for people: events by the names of its reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from opentelemetry import trace

from shared.domain.promotion.admission import Admission, admission_of, same_admission
from shared.domain.promotion.candidate import Candidate, Change
from shared.domain.promotion.rebuilds import Rebuild
from shared.domain.promotion.statuses import Reason
from shared.domain.promotion.target import Target
from shared.domain.scan.scan import Scan, ScanReason
from shared.telemetry.events import tell
from shared.telemetry.spans import within


def candidate_changed(before: Candidate | None, candidate: Candidate) -> None:
    """Tell what a write did to a candidate; one write may take several steps.

    Args:
        before: the record that was replaced; ``None`` for a new one.
        candidate: the record as it was written.
    """
    about = _about_candidate(candidate)
    if before is not None:
        trace.get_current_span().set_attributes(about)
    with within(candidate.traceparent):
        for change, seconds in _changes(before, candidate):
            told = {**about, "tidegate.status": change.status.value, "tidegate.seconds": seconds}
            if change.reason is Reason.PROMOTION_VERIFIED:
                told["tidegate.time_to_promote"] = _seconds(candidate.detected_at, change.at)
            tell(change.reason.value, told, change.detail)


def rebuild_changed(before: Rebuild | None, rebuild: Rebuild) -> None:
    """Tell what a write did to a rebuild: the event is named for its status, such as ``rebuild-succeeded``."""
    if before is not None and before.status is rebuild.status:
        return
    about: dict[str, str | float] = {
        "tidegate.status": rebuild.status.value,
        "tidegate.rebuild": rebuild.id,
        "tidegate.registry": rebuild.registry,
        "tidegate.task": rebuild.task,
        "tidegate.tag": rebuild.base_tag,
        "container.image.name": rebuild.base_repository,
        "oci.manifest.digest": rebuild.base_digest,
    }
    with within(rebuild.traceparent):
        tell(f"rebuild-{rebuild.status.value}", about, rebuild.detail)


def scan_changed(before: Scan | None, scan: Scan) -> None:
    """Tell what a write did to a scan: the events are named for its reasons, such as ``scan-answered``."""
    about: dict[str, str | float] = {
        "tidegate.scan": scan.id,
        "tidegate.image": scan.image,
        "container.image.name": scan.repository,
        "oci.manifest.digest": scan.digest,
        "tidegate.platforms": len(scan.platforms),
    }
    steps = scan.step - (before.step if before else 0)
    with within(scan.traceparent):
        for change in scan.history[-steps:] if steps else ():
            told = {**about, "tidegate.status": change.status.value}
            if change.reason is ScanReason.ANSWERED:
                told["tidegate.seconds"] = _seconds(before.since if before else scan.since, change.at)
            tell(change.reason.value, told, change.detail)


def target_changed(before: Target | None, target: Target) -> None:
    """Tell of a target's admissions and its decision, of what its tag came to point at, and what keeps it from that.

    Args:
        before: the record that was replaced; ``None`` for a new one.
        target: the record as it was written.
    """
    about: dict[str, str | float] = {
        "tidegate.target": target.id,
        "tidegate.tag": target.tag,
        "tidegate.decision": target.number,
        "tidegate.why": target.why.value,
        "container.image.name": target.repository,
        "oci.manifest.digest": target.wanted,
    }
    number, reached, trouble = (before.number, before.reached, before.trouble) if before else (0, 0, "")
    with within(target.traceparent):
        for admission in _new_admissions(before, target):
            tell("target-admission", {**about, **_about_admission(admission)}, admission.detail)
        if target.number != number:
            tell("target-decided", about, f"{target.wanted or 'nothing'} is wanted: {target.why.value}")
        if target.reached != reached:
            tell("target-reached", about)
        if target.trouble and target.trouble != trouble:
            tell("target-trouble", about, target.trouble)


def _new_admissions(before: Target | None, target: Target) -> Iterator[Admission]:
    """That the same was decided again is no event."""
    for admission in target.admissions:
        known = admission_of(before, admission.digest) if before is not None else None
        if not same_admission(known, admission):
            yield admission


def _about_admission(admission: Admission) -> dict[str, str | float]:
    return {
        "oci.manifest.digest": admission.digest,
        "tidegate.outcome": admission.outcome.value,
        "tidegate.reasons": " ".join(admission.reasons),
        "tidegate.policy": admission.policy,
        "tidegate.findings": admission.findings,
        "tidegate.blocking": admission.blocking,
    }


def _about_candidate(candidate: Candidate) -> dict[str, str | float]:
    return {
        "tidegate.candidate": candidate.id,
        "tidegate.image": candidate.image,
        "tidegate.gate": candidate.gate or "none",
        "tidegate.tag": candidate.home.tag,
        "container.image.name": candidate.home.repository,
        "tidegate.targets": len(candidate.places),
        "oci.manifest.digest": candidate.digest,
    }


def _changes(before: Candidate | None, candidate: Candidate) -> Iterator[tuple[Change, float]]:
    """The changes since a record was read, each with the seconds spent in the status it found."""
    steps = candidate.step - (before.step if before else 0)
    status, since = (before.status, before.since) if before else (candidate.status, candidate.since)
    for change in candidate.history[-steps:] if steps else ():
        yield change, _seconds(since, change.at)
        if change.status is not status:
            status, since = change.status, change.at


def _seconds(since: datetime, until: datetime) -> float:
    return round((until - since).total_seconds(), 3)
