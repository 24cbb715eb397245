"""A builder that takes CloudEvents, as a careful one is written: what it has had, by its id, it drops.

Signatures are verified by the standard's own library: https://www.standardwebhooks.com/
"""

from __future__ import annotations

import json
import threading
from typing import Any

from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from werkzeug.wrappers import Request, Response

from infra.local.builders.builds import Builds
from infra.local.emulator.front import Route

PATH = "/events/rebuilds"
SEND = "whsec_dGhlIHR3aW4gc2lnbnMgZXZlbnRzIHdpdGggdGhpcw=="
ANSWER = "whsec_dGhlIHR3aW4gc2lnbnMgYW5zd2VycyB3aXRoIGl0ISE="


class EventBuilder:
    """One builder with one key.

    Args:
        builds: what is begun.
    """

    def __init__(self, builds: Builds) -> None:
        self._builds = builds
        self._lock = threading.Lock()
        self.taken: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        """Return the one request that there is."""
        return [Route("POST", PATH, "POST event", self.post)]

    def post(self, request: Request) -> Response:
        """Take an event: 202 says that it was taken, and nothing of a build."""
        odd = self._builds.odd
        if odd.gone:
            return Response("no more of it", 410)
        if odd.plays("limited"):
            return Response("later", 429, {"Retry-After": str(odd.wait)})
        try:
            event = Verifier(SEND).verify(request.get_data(as_text=True), dict(request.headers))
        except (WebhookVerificationError, json.JSONDecodeError) as error:
            return Response(str(error), 401)
        self._take(event)
        return Response("bad gateway", 502) if odd.plays("lost") else Response(status=202)

    def _take(self, event: dict[str, Any]) -> None:
        with self._lock:
            known = any(one["id"] == event["id"] for one in self.taken)
            self.taken.append(event)
        if not known:
            self._builds.begin(event["subject"], "", {"tidegate": event["id"], **event["data"]}, event["type"])

    def answer(self, event: dict[str, Any], end: str, **more: Any) -> bytes:
        """Return what is told of a build, to be signed with ``ANSWER``."""
        data = event["data"]
        return json.dumps({"rebuild": data["rebuild"], "attempt": data["attempt"], "end": end, **more}).encode()
