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


class Actor(msgspec.Struct):
    """Who made the request: Event Grid tells of it, a webhook as a rule does not."""

    name: str = ""


class RegistryEvent(msgspec.Struct):
    """An event of a registry, without its envelope."""

    action: str
    target: Target | None = None
    request: Request | None = None
    actor: Actor | None = None


_LONGEST_NAME = 100
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


class Deletion(msgspec.Struct, frozen=True):
    """A manifest or a repository of a registry was deleted; ACR tells nothing of a tag that was taken off a manifest.

    Attributes:
        host: as of a push.
        repository: the repository.
        digest: of the manifest; empty for a repository.
        by: who deleted it, as the registry names them; empty if it does not.
    """

    host: str
    repository: str
    digest: Digest
    by: str


class Ignored(msgspec.Struct, frozen=True):
    """An event that asks for nothing, and why."""

    reason: str


Told = Push | Deletion | Ignored


def understood(event: RegistryEvent) -> Told:
    """Return what an event says.

    Raises:
        InvalidReference: what it is about is not a repository, a tag or a digest.
    """
    if event.action == "delete":
        return _deletion(event)
    if event.action != "push":
        return Ignored(f"{event.action[:60]} asks for no rebuild")
    target = event.target or Target()
    if not target.tag:
        return Ignored("a manifest was pushed without a tag")
    return Push(_host(event), parse_path(target.repository), parse_tag(target.tag), parse_digest(target.digest))


def _deletion(event: RegistryEvent) -> Deletion:
    target = event.target or Target()
    by = event.actor.name.strip()[:_LONGEST_NAME] if event.actor else ""
    digest = parse_digest(target.digest) if target.digest else Digest("")
    return Deletion(_host(event), parse_path(target.repository), digest, by)


def _host(event: RegistryEvent) -> str:
    return event.request.host if event.request else ""


def is_from(push: Push | Deletion, login_server: str) -> bool:
    """Whether something happened in the registry with this login server, in whichever of its replicas.

    A replica may name its own regional endpoint, such as ``name.westeurope.geo.azurecr.io``; the name is the same.
    """
    host, own = push.host.lower(), login_server.lower()
    return not host or host == own or host.partition(".")[0] == own.partition(".")[0]
