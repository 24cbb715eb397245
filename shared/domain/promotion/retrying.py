"""What can be tried again because somebody asks: what failed or was rejected, and is wanted still. Pure."""

from __future__ import annotations

from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target

RETRIED = frozenset({Status.FAILED, Status.REJECTED})


def lacks_newest(target: Target) -> bool:
    """Whether a tag that is watched does not bear what its source does."""
    newest = target.newest
    if newest is None or target.let_go is not None:
        return False
    return newest.digest != target.wanted or target.reached != target.number


def is_worth_another(target: Target, candidate: Candidate | None) -> bool:
    """Whether somebody may have it tried again.

    Args:
        target: the tag.
        candidate: of the digest that its source bears; ``None`` if there is none.
    """
    return lacks_newest(target) and candidate is not None and candidate.status in RETRIED
