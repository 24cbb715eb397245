"""An import, begun and followed to its end by plain requests, with every answer kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from infra.live_check.arm import REGISTRIES, Answer
from infra.live_check.ground import Ground, OutOfTimeError

_MOST_SECONDS = 600


@dataclass
class Import:
    """What an import answered.

    Attributes:
        first: the answer to the request.
        polls: the answers of its addresses, in order.
        locations: the addresses, the first of them from the first answer.
        seconds: from the request to the last answer.
    """

    first: Answer
    polls: list[Answer] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def last(self) -> Answer:
        """The answer that ended it."""
        return self.polls[-1] if self.polls else self.first

    @property
    def done(self) -> bool:
        """Whether it is said to have ended well."""
        body = self.last.body
        failed = isinstance(body, dict) and str(body.get("status", "")).lower() in ("failed", "canceled")
        return self.last.status == 200 and not failed

    def facts(self) -> dict[str, object]:
        """Return what is worth a line in a report, without signatures."""
        return {
            "first": self.first.status,
            "locations": [
                f"{urlsplit(each).path} and a query of {len(urlsplit(each).query)}" for each in self.locations
            ],
            "retry_after": [answer.retry_after() for answer in (self.first, *self.polls)],
            "polls": [answer.told() for answer in self.polls],
            "seconds": round(self.seconds, 1),
        }


def begin(ground: Ground, source: dict[str, object], target: str, *, mode: str = "Force", untagged: str = "") -> Import:
    """Ask for an import to a tag, or without one into the repository that ``untagged`` names."""
    body: dict[str, object] = {"source": source, "targetTags": [target] if target else [], "mode": mode}
    if untagged:
        body["untaggedTargetRepositories"] = [untagged]
    answer = ground.arm.ask("importImage", "POST", f"{ground.registry_id}/importImage", body, version=REGISTRIES)
    begun = Import(answer)
    _remember(begun, answer)
    return begun


def run(ground: Ground, source: dict[str, object], target: str, *, untagged: str = "") -> Import:
    """Ask for an import and follow it to its end.

    Raises:
        OutOfTimeError: it does not end within ten minutes.
    """
    started = time.monotonic()
    begun = begin(ground, source, target, untagged=untagged)
    while begun.last.status == 202 and begun.locations:
        if time.monotonic() > started + _MOST_SECONDS:
            raise OutOfTimeError(f"the import of {target or untagged} is still under way after {_MOST_SECONDS} seconds")
        ground.pause(begun.last)
        answer = ground.arm.ask("poll of an import", "GET", begun.locations[-1])
        begun.polls.append(answer)
        _remember(begun, answer)
    begun.seconds = time.monotonic() - started
    return begun


def public(ground: Ground, number: int = 0) -> dict[str, object]:
    """Return the source that anybody may read, by one of its two digests."""
    image = f"{ground.source.repository}@{ground.source.digests[number]}"
    return {"registryUri": ground.source.registry, "sourceImage": image}


def _remember(begun: Import, answer: Answer) -> None:
    location = answer.headers.get("Location", "")
    if location and answer.status == 202:
        begun.locations.append(location)
