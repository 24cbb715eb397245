"""Webhooks for machines: CloudEvents, signed by the Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from shared.adapters.notify.answers import taken
from shared.adapters.notify.posting import post
from shared.domain.notices.event import notice_event
from shared.domain.notices.outgoing import Outgoing
from shared.notify_settings import Destination
from shared.sender_ports import Sent

_TYPE = "application/cloudevents+json; charset=utf-8"


class WebhookSender:
    """Sends to one receiver, which knows by its id a message that it has had.

    Args:
        destination: whose keys sign, each of two while they are renewed.
        clock: tells the time of the try, by which a receiver tells that it is fresh.
    """

    takes_ids = True

    def __init__(self, destination: Destination, clock: Callable[[], datetime]) -> None:
        self._to = destination
        self._clock = clock
        self._hints = {
            401: f"It does not believe the signature: check the keys in {destination.setting}, and the clock",
            410: "It wants no more of it",
        }

    def send(self, message: Outgoing) -> Sent:
        """See ``Sender``."""
        doing = f"destination {self._to.name} (webhook)"
        body = notice_event(message)
        at = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": _TYPE,
            "webhook-id": message.id,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(_signature(key, message.id, at, body) for key in self._to.keys),
        }
        return taken(doing, post(doing, self._to.address, headers, body), self._hints)


def _signature(key: str, event: str, at: str, body: bytes) -> str:
    secret = base64.b64decode(key.removeprefix("whsec_"))
    digest = hmac.new(secret, f"{event}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
