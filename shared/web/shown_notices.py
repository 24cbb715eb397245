"""What is answered about destinations and notices; loaded by the first who asks for them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.notices.delivery import State
from shared.domain.notices.destination import Muted
from shared.flows.act_on_notices import Tried as Tried  # noqa: PLC0414  answered as it is
from shared.flows.list_notices import Fares, Listed


class DestinationsListed(msgspec.Struct, frozen=True):
    """How destinations fare.

    Attributes:
        destinations: each that the settings name.
    """

    destinations: tuple[Fares, ...]


class NoticesListed(msgspec.Struct, frozen=True):
    """Notices.

    Attributes:
        notices: the newest first.
    """

    notices: tuple[Listed, ...]


class MutedDestination(msgspec.Struct, frozen=True):
    """A destination, and whether it is muted from now on.

    Attributes:
        name: the destination's.
        muted: until when, by whom and why; ``None`` if it is not.
    """

    name: str
    muted: Muted | None


class Resent(msgspec.Struct, frozen=True):
    """A notice that is sent to a destination once more.

    Attributes:
        destination: the destination's name.
        state: of its delivery.
        due_at: when it is sent, UTC.
    """

    destination: str
    state: State
    due_at: datetime
