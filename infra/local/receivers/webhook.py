"""A receiver of webhooks, as a careful one is written: it believes what is signed, fresh and a CloudEvent, and no more.

Signatures are verified by the standard's own library: https://www.standardwebhooks.com/. Events:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
"""

from __future__ import annotations

import json
from typing import Any

from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError
from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.receivers.kept import Kept, Received

PATH = "/hooks/tidegate"
SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdHdpbidzIHJlY2VpdmVy"  # noqa: S105  the twin's own, it protects nothing
_EVENT = "application/cloudevents+json"
_REQUIRED = ("id", "source", "specversion", "type")
_LARGEST = 20 * 1024


class WebhookReceiver:
    """One receiver with one secret.

    Args:
        kept: is given what arrives.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def routes(self) -> list[Route]:
        """Return the one request that there is."""
        return [Route("POST", PATH, "message", self.post)]

    def post(self, request: Request) -> Response:
        """Take an event, or say why not."""
        body = request.get_data(as_text=True)
        headers = {name.lower(): value for name, value in request.headers.items()}
        status, said = _judged(request.mimetype, headers, body)
        self._kept.add(Received("webhook", body, status < 300, said, headers))
        return Response(said, status, content_type="text/plain")


def _judged(mimetype: str, headers: dict[str, str], body: str) -> tuple[int, str]:
    if mimetype != _EVENT:
        return 415, f"expected {_EVENT}"
    if len(body.encode()) > _LARGEST:
        return 413, "larger than 20 kB"
    try:
        event = Verifier(SECRET).verify(body, headers)
    except WebhookVerificationError as error:
        return 401, str(error)
    except json.JSONDecodeError:
        return 400, "the body is no JSON"
    return (204, "") if _is_event(event) and event["id"] == headers["webhook-id"] else (400, "no CloudEvent 1.0")


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        return False
    return all(isinstance(event.get(name), str) and event[name] for name in _REQUIRED)
