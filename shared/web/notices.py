"""GET /api/destinations and /api/notices, and what tries and mutes a destination, and has a notice sent once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import azure.functions as func
import msgspec
from msgspec import Meta

from shared.domain.pages import MOST_LISTED
from shared.domain.promotion.said import Said
from shared.ports import Clock
from shared.web.answers import json_answer
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line, utc
from shared.web.queries import limit_of, one_of

# Loaded by the first who asks.
if TYPE_CHECKING:
    from shared.flows.act_on_notices import NoticeActs
    from shared.flows.list_notices import NoticeLister

_Why = Annotated[str, Meta(max_length=500)]


class Muting(msgspec.Struct, forbid_unknown_fields=True):
    """Until when a destination is muted, and why; a moment that has passed ends it."""

    until: Annotated[datetime, Meta(tz=True)]
    why: _Why


class Resending(msgspec.Struct, forbid_unknown_fields=True):
    """To which destination a notice is sent once more, and why."""

    destination: Annotated[str, Meta(min_length=1, max_length=64)]
    why: _Why


_MUTING, _RESENDING = msgspec.json.Decoder(Muting), msgspec.json.Decoder(Resending)


class Notices:
    """Serves destinations and notices.

    Every method raises ``MalformedRequest``: 400 for what is not what it should be, 404 for what there is not.

    Args:
        lister: reads them.
        acts: acts on them.
        clock: tells the time.
    """

    def __init__(self, *, lister: Callable[[], NoticeLister], acts: Callable[[], NoticeActs], clock: Clock) -> None:
        self._lister = lister
        self._acts = acts
        self._clock = clock

    def destinations(self, _: Asked) -> func.HttpResponse:
        """List destinations: 200 with ``{"destinations": [...]}``."""
        from shared.web.shown_notices import DestinationsListed  # noqa: PLC0415

        return json_answer(DestinationsListed(self._lister().destinations()))

    def notices(self, asked: Asked) -> func.HttpResponse:
        """List notices, the newest first: 200 with ``{"notices": [...]}``.

        The request may ask for those to one ``destination``, of one ``state``, and for at most so many (``limit``).
        """
        from shared.domain.notices.delivery import State  # noqa: PLC0415
        from shared.web.shown_notices import NoticesListed  # noqa: PLC0415

        request = asked.request
        state, limit = one_of(request, "state", State), limit_of(request, MOST_LISTED)
        found = self._lister().notices(limit, destination=request.params.get("destination", ""), state=state)
        return json_answer(NoticesListed(found))

    def test(self, asked: Asked) -> func.HttpResponse:
        """Try the destination in the route: 200 with what it answered, whether it took the message or not."""
        return json_answer(self._acts().test(asked.parameters["destination"], asked.caller.said, self._clock()))

    def mute(self, asked: Asked) -> func.HttpResponse:
        """Mute the destination in the route: 200 with what is known of it then."""
        from shared.web.shown_notices import MutedDestination  # noqa: PLC0415

        body, name = decoded(asked.request.get_body(), _MUTING, Muting), asked.parameters["destination"]
        said, until = self._said(asked, body.why), utc(body.until, "until")
        return json_answer(MutedDestination(name, self._acts().mute(name, until, said)))

    def resend(self, asked: Asked) -> func.HttpResponse:
        """Have the notice in the route sent once more: 200 with its delivery."""
        from shared.web.shown_notices import Resent  # noqa: PLC0415

        body = decoded(asked.request.get_body(), _RESENDING, Resending)
        said = self._said(asked, body.why)
        delivery = self._acts().resend(asked.parameters["notice"], body.destination, said)
        return json_answer(Resent(delivery.destination, delivery.state, delivery.due_at))

    def _said(self, asked: Asked, why: str) -> Said:
        return Said(asked.caller.said, one_line(why, "why"), self._clock())
