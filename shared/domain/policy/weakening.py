"""In what a policy asks for less than the one before it: pure. What is only asked for otherwise is no weakening."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.policy.mode import Mode
from shared.domain.policy.policy import GateCheck, Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.signing import SignatureCheck

_STRICTNESS = (Mode.OFF, Mode.OBSERVE, Mode.ENFORCE)
_NOTHING = Policy("")


def weakenings(before: Policy | None, after: Policy | None) -> tuple[str, ...]:
    """Return what a policy does not ask for any more, each for people.

    Args:
        before: the one in force; ``None`` for nothing that is asked.
        after: the one that takes its place.
    """
    old, new = before or _NOTHING, after or _NOTHING
    return (
        *_of_tests(old.test, new.test),
        *_of_scans(old.scan, new.scan),
        *_of_signatures(old.signatures, new.signatures),
        *_of_time(old, new),
        *_of_approval(old.approval, new.approval),
    )


def _of_mode(name: str, before: Mode, after: Mode) -> Iterator[str]:
    if _STRICTNESS.index(after) < _STRICTNESS.index(before):
        yield f"{name}: {after.value} instead of {before.value}"


def _of_tests(before: GateCheck | None, after: GateCheck | None) -> Iterator[str]:
    yield from _of_mode("test", before.mode if before else Mode.OFF, after.mode if after else Mode.OFF)
    if before is not None and after is not None:
        yield from _of_mode("test.untested", before.untested, after.untested)


def _of_scans(before: ScanCheck | None, after: ScanCheck | None) -> Iterator[str]:
    yield from _of_mode("scan", before.mode if before else Mode.OFF, after.mode if after else Mode.OFF)
    if before is None or after is None or Mode.OFF in {before.mode, after.mode}:
        return
    if after.block.rank > before.block.rank:
        yield f"scan.block: {after.block.value} instead of {before.block.value}"
    if after.fixable and not before.fixable:
        yield "scan.fixable: what has no fix blocks no more"
    if after.delta and not before.delta:
        yield "scan.delta: what the base in use has already blocks no more"
    if after.oldest_database > before.oldest_database:
        yield f"scan.max_db_age: {after.max_db_age} instead of {before.max_db_age}"
    yield from _of_mode("scan.known_exploited", before.known_exploited, after.known_exploited)
    yield from _of_mode("scan.end_of_life", before.end_of_life, after.end_of_life)
    if wider := sorted(gap.value for gap in set(after.accept) - set(before.accept)):
        yield f"scan.accept: {', '.join(wider)} too"


def _of_signatures(before: SignatureCheck | None, after: SignatureCheck | None) -> Iterator[str]:
    """Who is trusted instead of another may be anybody: nobody can say that it is no less."""
    yield from _of_mode("signatures", before.mode if before else Mode.OFF, after.mode if after else Mode.OFF)
    if before is None or after is None or Mode.OFF in {before.mode, after.mode}:
        return
    for name in ("cosign", "notation"):
        old, new = getattr(before, name), getattr(after, name)
        if old is not None and old != new:
            wanted = new.wanted if new is not None else "nobody's"
            yield f"signatures.{name}: {wanted} instead of {old.wanted}"
    for name in ("types", "references"):
        if wider := sorted(set(getattr(after, name)) - set(getattr(before, name))):
            yield f"signatures.{name}: {', '.join(wider)} too"


def _of_time(before: Policy, after: Policy) -> Iterator[str]:
    if after.age < before.age:
        yield f"min_age: {after.min_age or 'none'} instead of {before.min_age}"
    if after.fast_lane and not before.fast_lane and before.min_age:
        yield "fast_lane: what fixes something urgent need not be that old"
    for one in before.freeze:
        if one not in after.freeze:
            yield f"freeze: none any more by cron {one.cron!r} for {one.span} ({one.zone})"


def _of_approval(before: ApprovalCheck | None, after: ApprovalCheck | None) -> Iterator[str]:
    if before is None:
        return
    if after is None:
        yield "approval: nobody has to agree any more"
        return
    if after.required < before.required:
        yield f"approval: {after.required} instead of {before.required} who agree"
    if more := sorted(set(after.machines) - set(before.machines)):
        yield f"approval.machines: {', '.join(more)} too"
