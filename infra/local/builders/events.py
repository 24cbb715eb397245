"""A builder that takes CloudEvents, as a careful one is written: what it has had, by its id, it drops.

On demand it tells how builds ended, to the address that each event names: early, late, or twice.

Signatures are verified by the standard's own library: https://www.standardwebhooks.com/
"""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from werkzeug.wrappers import Request, Response

from infra.local.builders.builds import Build, Builds
from infra.local.emulator.front import Route

PATH = "/events/rebuilds"
SEND = "whsec_dGhlIHR3aW4gc2lnbnMgZXZlbnRzIHdpdGggdGhpcw=="
ANSWER = "whsec_dGhlIHR3aW4gc2lnbnMgYW5zd2VycyB3aXRoIGl0ISE="
_SECONDS = 20


class EventBuilder:
    """One builder with one key.

    Args:
        builds: what is begun.
    """

    def __init__(self, builds: Builds) -> None:
        self._builds = builds
        self._lock = threading.Lock()
        self.taken: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []

    def forget(self) -> None:
        """Be as at the start."""
        self.taken.clear()
        self.told.clear()

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
            data = {"tidegate": event["id"], **event["data"]}
            build = self._builds.begin(event["subject"], "", data, event["type"])
            self._tell_on_demand(event, build)

    def _tell_on_demand(self, event: dict[str, Any], build: Build | None) -> None:
        odd = self._builds.odd
        if build is None or not odd.tells:
            return
        telling = threading.Thread(target=self._tell, args=(event, build.end, odd.tells), daemon=True)
        telling.start()
        if odd.first:
            telling.join(_SECONDS)

    def _tell(self, event: dict[str, Any], end: str, times: int) -> None:
        """Tell an end as often as that, and keep what was answered; nothing is tried again."""
        for _ in range(times):
            status = _posted(event["data"]["answer"], self.answer(event, end))
            with self._lock:
                self.told.append({"event": event["id"], "end": end, "status": status})

    def answer(self, event: dict[str, Any], end: str, **more: Any) -> bytes:
        """Return what is told of a build, to be signed with ``ANSWER``."""
        data = event["data"]
        return json.dumps({"rebuild": data["rebuild"], "attempt": data["attempt"], "end": end, **more}).encode()


def _posted(address: str, body: bytes) -> int:
    """Post an answer and return the status that it was answered with; 0 for none."""
    try:
        return requests.post(address, body, headers=_signed(body), timeout=_SECONDS).status_code
    except requests.RequestException:
        return 0


def _signed(body: bytes) -> dict[str, str]:
    """Return the headers of an answer, with an id that no other has."""
    name, now = f"msg_{uuid.uuid4().hex}", datetime.now(UTC)
    return {
        "Webhook-Id": name,
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": Verifier(ANSWER).sign(name, now, body.decode()),
    }
