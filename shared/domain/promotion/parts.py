"""An admission is put together of parts, one for each check: the worst decides, and all of them are told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from shared.domain.promotion.admission import Admission
from shared.domain.scan.decision import Outcome

_ORDER = (Outcome.PASS, Outcome.HOLD, Outcome.REJECT)


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one check means for a digest and a tag.

    Attributes:
        outcome: what it alone would lead to.
        reasons: why, by name; those of a part that passes are told too.
        detail: for people.
        until: when a hold ends by itself, UTC; ``None`` if time alone does not end it.
        again: when it is worth judging anew whatever it leads to, UTC; ``None`` if nothing will be known by time alone.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    detail: str = ""
    until: datetime | None = None
    again: datetime | None = None


def combined(admission: Admission, parts: Iterable[Part]) -> Admission:
    """Add parts to an admission.

    Args:
        admission: what was decided by what comes before.
        parts: what the further checks say.

    Returns:
        The worst outcome, with all reasons and details. What holds until a moment, and for nothing else, says until
        when.
    """
    before = Part(admission.outcome, admission.reasons, admission.detail, admission.until, admission.again)
    known = (before, *parts)
    worst = max((part.outcome for part in known), key=_ORDER.index)
    ends = [part.until for part in known if part.outcome is Outcome.HOLD]
    held = (reason for part in known[1:] if part.outcome is Outcome.HOLD for reason in part.reasons)
    times = [end for end in ends if end is not None]
    return msgspec.structs.replace(
        admission,
        outcome=worst,
        reasons=tuple(dict.fromkeys(reason for part in known for reason in part.reasons)),
        detail=". ".join(part.detail for part in _by_weight(known) if part.detail),
        holds=tuple(dict.fromkeys((*_held_before(admission), *held))) if worst is Outcome.HOLD else (),
        until=max(times) if worst is Outcome.HOLD and times and len(times) == len(ends) else None,
        again=min((part.again for part in known if part.again is not None), default=None),
    )


def _held_before(admission: Admission) -> tuple[str, ...]:
    return (admission.holds or admission.reasons) if admission.outcome is Outcome.HOLD else ()


def _by_weight(parts: tuple[Part, ...]) -> list[Part]:
    """What keeps a digest from its tag is told first, as details are cut where they are stored."""
    return sorted(parts, key=lambda part: -_ORDER.index(part.outcome))
