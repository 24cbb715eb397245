"""What a registry tells of itself, by its webhook or by Event Grid: both say the same, in envelopes of their own.

https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference
"""

from __future__ import annotations

import msgspec

from shared.domain.references import Digest, Tag, parse_digest, parse_path, parse_tag


class Target(msgspec.Struct):
    """What an event is about, as far as the registry says."""

    repository: str = ""
    tag: str = ""
    digest: str = ""


class Request(msgspec.Struct):
    """The request that led to an event: ``host`` is the registry's login server."""

    host: str = ""


class RegistryEvent(msgspec.Struct):
    """An event of a registry, without its envelope."""

    action: str
    target: Target | None = None
    request: Request | None = None


EVENT = msgspec.json.Decoder(RegistryEvent)


class Push(msgspec.Struct, frozen=True):
    """A tag of a registry was pushed.

    Attributes:
        host: login server of the registry, as the event says; empty if it does not.
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


def understood(event: RegistryEvent) -> Push | Ignored:
    """Return what an event says.

    Raises:
        InvalidReference: what was pushed is not a repository, a tag or a digest.
    """
    if event.action != "push":
        return Ignored(f"{event.action[:60]} asks for no rebuild")
    target = event.target or Target()
    if not target.tag:
        return Ignored("a manifest was pushed without a tag")
    host = event.request.host if event.request else ""
    return Push(host, parse_path(target.repository), parse_tag(target.tag), parse_digest(target.digest))


def is_from(push: Push, login_server: str) -> bool:
    """Whether a push happened in the registry with this login server, in whichever of its replicas.

    A replica may name its own regional endpoint, such as ``name.westeurope.geo.azurecr.io``; the name is the same.
    """
    host, own = push.host.lower(), login_server.lower()
    return not host or host == own or host.partition(".")[0] == own.partition(".")[0]
