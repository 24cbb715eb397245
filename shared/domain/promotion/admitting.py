"""How an admission comes about and is told, beside the verdict over the scan itself: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Mode, Policy, ScanCheck
from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.candidate import Objection
from shared.domain.references import Digest
from shared.domain.scan.decision import Decision, Effect, Outcome

_DETAIL_KEPT = 420


def awaiting_scan(digest: Digest, exceptions: str, policy: Policy, now: datetime, lacks: str = "") -> Admission:
    """Return what is decided of a digest whose scan has no answer yet; what is only observed keeps nobody waiting.

    Args:
        digest: of what.
        exceptions: hash of those in force.
        policy: in force.
        now: UTC.
        lacks: what cannot be had to scan with, for people; empty if nothing is missing.
    """
    scan = policy.scan or ScanCheck()
    observed = scan.mode is Mode.OBSERVE
    began = f"begun yet, for {lacks[:_DETAIL_KEPT]}" if lacks else "ended yet"
    then = "it goes on meanwhile, as its policy only observes the scan" if observed else "it goes on by itself then"
    return Admission(
        digest=digest,
        outcome=Outcome.PASS if observed else Outcome.HOLD,
        reasons=(AdmissionReason.SCAN_AWAITED.value,),
        detail=f"its scan has not {began}; {then} (policy {policy.name})",
        exceptions=exceptions,
        at=now,
    )


def told_of(decisions: Mapping[str, Decision], policy: Policy, outcome: Outcome) -> str:
    """Say for people what decided: the first findings by name, by which policy, and what there is to be done.

    Args:
        decisions: by platform.
        policy: in force.
        outcome: of all of them.
    """
    wanted = {Effect.REJECTS} if outcome is Outcome.REJECT else {Effect.REJECTS, Effect.HOLDS, Effect.OBSERVED}
    told: list[str] = []
    for platform, decision in decisions.items():
        texts = [each.text for each in decision.said if each.effect in wanted]
        where = f"{platform}: " if len(decisions) > 1 and texts else ""
        told += [f"{where}{'; '.join(texts)}"] if texts else []
    text = "; ".join(told)[:_DETAIL_KEPT] or "nothing that the policy blocks is found"
    return f"{text} (policy {policy.name}){_TO_DO[outcome]}"


_TO_DO = {
    Outcome.REJECT: ". Wait for an image without them, or waive them in config/waivers.yaml",
    Outcome.HOLD: ". It is scanned again by itself",
    Outcome.PASS: "",
}


def with_untested(admission: Admission, policy: Policy, untested: Sequence[str]) -> Admission:
    """Say that platforms were not tested; where the policy enforces that they are, nobody has an answer.

    Args:
        admission: what the scan alone means.
        policy: in force.
        untested: the platforms that its test does not run on.
    """
    if not untested or policy.test is None:
        return admission
    reasons = (*admission.reasons, AdmissionReason.PLATFORM_UNTESTED.value)
    told = _joined(admission.detail, f"its test does not run on {', '.join(untested)}, only on linux/amd64")
    if policy.test.untested is not Mode.ENFORCE or admission.outcome is Outcome.REJECT:
        return msgspec.structs.replace(admission, reasons=reasons, detail=told)
    told += "; take it against its gate, or let the policy observe what is untested"
    return msgspec.structs.replace(admission, outcome=Outcome.HOLD, reasons=reasons, detail=told)


def refused_by_test(digest: Digest, objection: Objection, policy: Policy, now: datetime) -> Admission:
    """Return what is decided of a digest that did not pass the test, where that is enforced.

    A test that decided nothing has nothing against the image, so that it is no rejection; and as no answer is never a
    pass, it holds.
    """
    by = f" (policy {policy.name})" if policy.name else ""
    if objection.decided:
        reason, outcome, told = AdmissionReason.GATE_REJECTED, Outcome.REJECT, f"its test rejects it{by}"
    else:
        reason, outcome = AdmissionReason.GATE_UNDECIDED, Outcome.HOLD
        told = f"its test decided nothing, and is made again a day later{by}"
    detail = f"{told}: {objection.detail}"
    return Admission(digest=digest, outcome=outcome, reasons=(reason.value,), detail=detail, at=now)


def with_observed_test(admission: Admission, objection: Objection, policy: Policy) -> Admission:
    """Say what the test has against a digest, where the policy only observes that: it changes no outcome.

    Args:
        admission: what everything else means.
        objection: what the test said.
        policy: in force.
    """
    said = "rejects it" if objection.decided else "decided nothing"
    told = f"its test {said}, which policy {policy.name} only observes: {objection.detail}"
    reasons = (*admission.reasons, AdmissionReason.GATE_OBSERVED.value)
    return msgspec.structs.replace(admission, reasons=reasons, detail=_joined(admission.detail, told))


def _joined(*texts: str) -> str:
    return ". ".join(text for text in texts if text)
