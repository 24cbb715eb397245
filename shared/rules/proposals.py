"""How a digest that passed is made known to a target, which decides on it."""

from __future__ import annotations

from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.decision import decide, without_trouble
from shared.domain.promotion.reconciling import has_passed, scheduled, sighted
from shared.domain.promotion.target import Origin, Sighting, Target, target_id
from shared.domain.watching.observation import order_at
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget


def propose(book: TargetBook, candidate: Candidate, place: Place, *, anew: bool) -> StoredTarget | None:
    """Tell a target that a digest passed; telling it twice does no harm.

    Args:
        book: where targets are.
        candidate: which passed.
        place: the target's tag.
        anew: whether it passed just now, so that what kept the target from it before is forgotten.

    Returns:
        The target, which has decided; ``None`` if it asks for another gate now, and was told nothing.

    Raises:
        Conflict: the target changes too fast; it is told again later.
        ServiceError: the storage account failed, or the target's record cannot be read.
    """
    now, key = book.clock(), target_id(book.registry, place.repository, place.tag)

    def proposed(known: Target | None) -> Target | None:
        target = known or _fresh(book.registry, candidate, place)
        if target.origin.gate != candidate.gate:
            return None
        # A candidate of an earlier version was sighted when it was detected, and its target knows nothing of it.
        if all(one.digest != candidate.digest for one in target.sightings):
            sighting = Sighting(order_at(candidate.detected_at), candidate.digest, candidate.traceparent)
            target = sighted(target, sighting, target.origin, now)
        if anew and target.importing is None:
            target = without_trouble(target)
        passed = has_passed(target, candidate.digest, candidate.home.repository)
        return scheduled(decide(passed, now)[0], now)

    return book.change(key, proposed)


def _fresh(registry: str, candidate: Candidate, place: Place) -> Target:
    origin = Origin(candidate.image, candidate.source, candidate.source_tag, candidate.gate)
    return Target(registry=registry, repository=place.repository, tag=place.tag, origin=origin)
