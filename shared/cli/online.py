"""The upstreams as they are today, asked from here with nobody's account; their adapters are loaded when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shared.cli.exits import UNREACHABLE, Ends
from shared.config import addresses
from shared.domain.references import Repository
from shared.domain.watching.watch_list import Image
from shared.errors import NotFound, ServiceError


def listings_of(images: Sequence[Image]) -> Mapping[Repository, list[str]]:
    """Ask for the tags of every repository that entries watch.

    Raises:
        Ends: an upstream does not answer.
    """
    from shared.adapters.upstream.docker_hub import HubAddresses  # noqa: PLC0415
    from shared.adapters.upstream.upstreams import Upstreams  # noqa: PLC0415

    at = addresses()
    hub = HubAddresses(at["docker_hub_registry_url"], at["docker_hub_auth_url"], at["docker_hub_api_url"])
    upstreams = Upstreams(hub, at["mcr_url"], {})
    listed: dict[Repository, list[str]] = {}
    for repository in {image.repository: None for image in images}:
        try:
            listed[repository] = list(upstreams.upstream_for(repository.registry).tags(repository))
        except NotFound:
            listed[repository] = []
        except ServiceError as error:
            raise Ends(UNREACHABLE, f"{repository}: {error}") from error
    return listed
