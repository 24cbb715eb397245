"""Slack's incoming webhooks, as they answer: real statuses, and a word as the body.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
"""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.receivers.blocks import calls_of, wrong_with
from infra.local.receivers.kept import Kept, Received

# What stands behind the host; Slack gives such a path to whoever makes a webhook, and it is all that protects it.
PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"


class Slack:
    """One webhook of one channel.

    Args:
        kept: is given what arrives.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def routes(self) -> list[Route]:
        """Return the one request that there is."""
        return [Route("POST", "/services/<team>/<app>/<token>", "message", self.post)]

    def post(self, request: Request, **_: str) -> Response:
        """Take a message, or say in one word why not."""
        body = request.get_data(as_text=True)
        status, said, calls = self._judged(request, body)
        shown = status == 200
        self._kept.add(Received("slack", body, shown, "" if shown else said, _headers(request), calls))
        return Response(said, status, content_type="text/html")

    def _judged(self, request: Request, body: str) -> tuple[int, str, tuple[str, ...]]:
        if request.path != PATH:
            return 404, "no_service", ()
        payload = _object(body) if request.mimetype == "application/json" else None
        if payload is None:
            return 400, "invalid_payload", ()
        said = wrong_with(payload["blocks"]) if "blocks" in payload else ""
        if not said and not (payload.get("text") or payload.get("blocks")):
            said = "no_text"
        return (400, said, ()) if said else (200, "ok", calls_of(payload))


def _headers(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _object(body: str) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except ValueError:
        return None
    good = isinstance(payload, dict) and isinstance(payload.get("text", ""), str)
    return payload if good else None
