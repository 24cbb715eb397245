"""ACR's webhook, read and authenticated without any framework's objects.

Payload: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import msgspec

from shared.domain.references import Digest, Tag, parse_digest, parse_path, parse_tag
from shared.errors import InvalidReference, MalformedRequest

SECRET_HEADER = "x-tidegate-secret"  # noqa: S105  the header's name, not a secret
LARGEST_BODY = 256 * 1024
_ACTIONS = frozenset({"push", "delete", "quarantine", "chart_push", "chart_delete", "ping"})


class _Target(msgspec.Struct):
    repository: str = ""
    tag: str = ""
    digest: str = ""


class _Request(msgspec.Struct):
    host: str = ""


class _Event(msgspec.Struct):
    action: str
    target: _Target | None = None
    request: _Request | None = None


class Push(msgspec.Struct, frozen=True):
    """A tag of a registry was pushed.

    Attributes:
        host: login server of the registry, as the webhook says; empty if it does not.
        repository: the repository.
        tag: the tag.
        digest: what it points at now.
    """

    host: str
    repository: str
    tag: Tag
    digest: Digest


class Ignored(msgspec.Struct, frozen=True):
    """An event that asks for nothing, and why."""

    reason: str


def receive(headers: Mapping[str, str], body: bytes, secret: str) -> Push | Ignored:
    """Authenticate and read one webhook call.

    Args:
        headers: of the request; names in any case.
        body: of the request, as sent.
        secret: what the webhook was told to send in ``x-tidegate-secret``.

    Returns:
        A push of a tag, or why the event asks for nothing.

    Raises:
        MalformedRequest: 401 without the secret, 413 for a body over 256 KiB, 400 for anything that is no ACR event.
    """
    given = {name.lower(): value for name, value in headers.items()}.get(SECRET_HEADER, "")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise MalformedRequest(f"the {SECRET_HEADER} header is missing or wrong", status=401)
    if len(body) > LARGEST_BODY:
        raise MalformedRequest(f"the body has {len(body)} bytes; an ACR event has at most {LARGEST_BODY}", status=413)
    return _read(body)


def _read(body: bytes) -> Push | Ignored:
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not an ACR webhook event: {error}") from error
    if event.action not in _ACTIONS:
        raise MalformedRequest(
            f"$.action: {event.action[:60]!r} is no ACR action; expected {', '.join(sorted(_ACTIONS))}"
        )
    if event.action != "push":
        return Ignored(f"{event.action} asks for no rebuild")
    return _push(event)


def _push(event: _Event) -> Push | Ignored:
    target = event.target or _Target()
    if not target.tag:
        return Ignored("a manifest was pushed without a tag")
    try:
        path, tag, digest = parse_path(target.repository), parse_tag(target.tag), parse_digest(target.digest)
    except InvalidReference as error:
        raise MalformedRequest(f"$.target: {error}") from error
    return Push(event.request.host if event.request else "", path, tag, digest)


def is_from(push: Push, login_server: str) -> bool:
    """Whether a push happened in the registry with this login server, in whichever of its replicas.

    A replica may name its own regional endpoint, such as ``name.westeurope.geo.azurecr.io``; the name is the same.
    """
    host, own = push.host.lower(), login_server.lower()
    return not host or host == own or host.partition(".")[0] == own.partition(".")[0]
