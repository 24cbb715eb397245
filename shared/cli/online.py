"""The upstreams as they are today, asked from here with nobody's account; their adapters are loaded when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.cli.remarks import Listings
from shared.config import addresses
from shared.domain.references import Repository
from shared.domain.watching.watch_list import Image
from shared.errors import NotFound, ServiceError

if TYPE_CHECKING:
    from shared.adapters.upstream.oci_registry import OciRegistry


def registry_of(host: str, credentials: str) -> OciRegistry:
    """Return a registry, asked with the account for it, if there is one; no other registry is shown it.

    Args:
        host: the registry's.
        credentials: accounts by host, as the app's REGISTRY_CREDENTIALS has them.

    Raises:
        ConfigurationError: these are none.
    """
    from shared.adapters.upstream.docker_hub import HubAddresses  # noqa: PLC0415
    from shared.adapters.upstream.upstreams import Upstreams  # noqa: PLC0415
    from shared.registry_accounts import parse_accounts  # noqa: PLC0415

    at = addresses()
    hub = HubAddresses(at["docker_hub_registry_url"], at["docker_hub_auth_url"], at["docker_hub_api_url"])
    return Upstreams(hub, at["mcr_url"], parse_accounts(credentials)).upstream_for(host)


def listings_of(images: Sequence[Image]) -> Listings:
    """Ask for the tags of every repository that entries watch; one that does not answer keeps no other from it."""
    from shared.adapters.upstream.docker_hub import HubAddresses  # noqa: PLC0415
    from shared.adapters.upstream.upstreams import Upstreams  # noqa: PLC0415

    at = addresses()
    hub = HubAddresses(at["docker_hub_registry_url"], at["docker_hub_auth_url"], at["docker_hub_api_url"])
    upstreams = Upstreams(hub, at["mcr_url"], {})
    listed: dict[Repository, Sequence[str]] = {}
    gone: dict[Repository, str] = {}
    unanswered: dict[Repository, str] = {}
    for repository in {image.repository: None for image in images}:
        try:
            listed[repository] = upstreams.upstream_for(repository.registry).tags(repository)
        except NotFound as error:
            gone[repository] = str(error)
        except ServiceError as error:
            unanswered[repository] = str(error)
    return Listings(listed, gone, unanswered)
