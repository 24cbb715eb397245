"""What a source points at is told to the places that take it: to targets of the base registry, and to tools."""

from __future__ import annotations

from shared.domain.events.messages import CheckRepositories
from shared.domain.promotion.target import Origin, Sighting
from shared.domain.references import Tag
from shared.domain.watching.observation import Look
from shared.domain.watching.waves import Wave
from shared.errors import ServiceError
from shared.rules.adoption import Adopter
from shared.rules.asking import Taken
from shared.rules.detection import Detector
from shared.rules.mirroring import Mirror


class Places:
    """Tells the places that take a tag.

    Args:
        detector: makes candidates.
        adopter: takes what stands in the base registry as it is.
        mirror: mirrors tools.
    """

    def __init__(self, detector: Detector, adopter: Adopter, mirror: Mirror) -> None:
        self._detector = detector
        self._adopter = adopter
        self._mirror = mirror

    def serve(
        self, one: Taken, tag: Tag, sighting: Sighting, look: Look, message: CheckRepositories, wave: Wave
    ) -> bool:
        """Tell a place what its source points at; say whether it was its turn.

        Raises:
            Conflict: a record changes too fast; the check is made again.
            ServiceError: the storage account failed, or a record cannot be read.
        """
        image = one.image
        if image.is_tool:
            self._mirror.sighted(image, sighting, by_hand=bool(message.image))
            return True
        origin = Origin(image.name, image.repository, tag, image.functional_gate)
        if look is Look.FIRST_SEEN and not self._begins(one, origin, sighting, wave):
            return False
        if message.image and not image.adopt:
            self._adopter.give_up(image.target, one.tag)
        self._detector.want(image.target, one.tag, origin, sighting, look, message.asked_at)
        return True

    def _begins(self, one: Taken, origin: Origin, sighting: Sighting, wave: Wave) -> bool:
        """While nobody knows what stands in the base registry, nothing new is begun: it would be imported over."""
        if not wave.admits(one.place, origin.source):
            return False
        found = self._adopter.adopt(one.image.target, one.tag, origin, sighting) if one.image.adopt else None
        if isinstance(found, ServiceError):
            wave.hold(one.place, found, origin.source)
        elif found is not None:
            wave.adopted(one.place)
        return not isinstance(found, ServiceError)
