"""ACR's webhook, read and authenticated without any framework's objects.

Payload: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from shared.domain.events.registry_event import EVENT, Told, understood
from shared.errors import InvalidReference, MalformedRequest

SECRET_HEADER = "x-tidegate-secret"  # noqa: S105  the header's name, not a secret
LARGEST_BODY = 256 * 1024
_ACTIONS = frozenset({"push", "delete", "quarantine", "chart_push", "chart_delete", "ping"})


def receive(headers: Mapping[str, str], body: bytes, secret: str) -> Told:
    """Authenticate and read one webhook call.

    Args:
        headers: of the request; names in any case.
        body: of the request, as sent.
        secret: what the webhook was told to send in ``x-tidegate-secret``.

    Returns:
        A push of a tag, a deletion, or why the event asks for nothing.

    Raises:
        MalformedRequest: 401 without the secret, 413 for a body over 256 KiB, 400 for anything that is no ACR event.
    """
    given = {name.lower(): value for name, value in headers.items()}.get(SECRET_HEADER, "")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise MalformedRequest(f"the {SECRET_HEADER} header is missing or wrong", status=401)
    if len(body) > LARGEST_BODY:
        raise MalformedRequest(f"the body has {len(body)} bytes; an ACR event has at most {LARGEST_BODY}", status=413)
    return _read(body)


def _read(body: bytes) -> Told:
    try:
        event = EVENT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not an ACR webhook event: {error}") from error
    if event.action not in _ACTIONS:
        raise MalformedRequest(
            f"$.action: {event.action[:60]!r} is no ACR action; expected {', '.join(sorted(_ACTIONS))}"
        )
    try:
        return understood(event)
    except InvalidReference as error:
        raise MalformedRequest(f"$.target: {error}") from error
