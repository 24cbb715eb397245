"""What is told of troubles while they last: an event for each, again and again, so that an alert sees each."""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.watching.troubles import Noted, to_tell
from shared.telemetry.events import tell

_MOST_NAMES = 10


def troubles_last(lasting: Iterable[Noted]) -> None:
    """Tell of everything that is wrong now; of more than twenty of one kind, how many there are besides."""
    for one in to_tell(lasting):
        about = {
            "tidegate.trouble": one.trouble.kind.value,
            "tidegate.subject": one.trouble.about,
            "tidegate.image": " ".join(one.trouble.images[:_MOST_NAMES]),
            "tidegate.since": f"{one.since:%Y-%m-%dT%H:%M:%SZ}",
        }
        tell("trouble", about, one.trouble.detail)
