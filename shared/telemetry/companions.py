"""What the change of what lies beside a digest means for people: events, in the trace of its update."""

from __future__ import annotations

from collections.abc import Iterator

from shared.domain.travel.companions import Companions
from shared.domain.travel.locked import Lock
from shared.domain.travel.referrers import Referrer, ReferrerState
from shared.domain.travel.telling import kind_of, told_counts
from shared.telemetry.events import tell
from shared.telemetry.spans import within

_TOLD = {
    ReferrerState.ARRIVED: "referrer-arrived",
    ReferrerState.REFUSED: "referrer-refused",
    ReferrerState.GONE: "referrer-gone",
}


def companions_changed(before: Companions | None, companions: Companions) -> None:
    """Tell of what came to lie beside a digest, or does not come, and of tags that may be moved to it.

    Args:
        before: the record that was replaced; ``None`` for a new one.
        companions: the record as it was written.
    """
    about: dict[str, str | float] = {
        "container.image.name": companions.repository,
        "oci.manifest.digest": companions.digest,
    }
    with within(companions.traceparent):
        for one in _changed(before, companions):
            told = {**about, "tidegate.referrer": one.digest, "tidegate.type": kind_of(one)}
            detail = one.refusal.value if one.refusal is not None else one.tries.trouble
            tell(_TOLD[one.state], told, detail)
        for lock in _undone(before, companions):
            tell("lock-undone", {**about, "tidegate.lock": lock.of}, lock.state.value)
        for of in _locked(companions) - _locked(before):
            tell("locked", {**about, "tidegate.lock": of})
        for name in _landed(companions) - _landed(before):
            tell("unique-tag-landed", {**about, "tidegate.tag": name})
        for tag in _ready(companions) - _ready(before):
            tell("companions-ready", {**about, "tidegate.tag": tag}, told_counts(companions))


def _changed(before: Companions | None, companions: Companions) -> Iterator[Referrer]:
    known = {one.key: one.state for one in before.referrers} if before is not None else {}
    for one in companions.referrers:
        if one.state in _TOLD and known.get(one.key) is not one.state:
            yield one


def _undone(before: Companions | None, companions: Companions) -> Iterator[Lock]:
    """What others opened of ours."""
    known = {one.of: one.undone for one in before.locks} if before is not None else {}
    return (one for one in companions.locks if one.undone and one.undone != known.get(one.of))


def _locked(companions: Companions | None) -> set[str]:
    return {one.of for one in companions.locks if one.holds} if companions is not None else set()


def _landed(companions: Companions | None) -> set[str]:
    return {one.name for one in companions.unique if one.landed_at is not None} if companions is not None else set()


def _ready(companions: Companions | None) -> set[str]:
    return {want.tag for want in companions.wants if want.ready_at is not None} if companions is not None else set()
