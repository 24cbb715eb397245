"""What ACR tells of referrers, which depends on whose keys encrypt a registry.

https://learn.microsoft.com/azure/container-registry/container-registry-manage-artifact
"""

from __future__ import annotations

from werkzeug.wrappers import Request, Response

from infra.local.emulator.referrers import referrers, referring
from infra.local.emulator.setting_choices import NO_API, UNTYPED
from infra.local.emulator.settings import Settings
from infra.local.emulator.shelf import Shelf
from infra.local.emulator.wire import registry_error, unknown_operation


class AcrReferrers:
    """The referrers API of one registry."""

    def __init__(self, registry: str, shelf: Shelf, settings: Settings) -> None:
        self._registry = registry
        self._shelf = shelf
        self._settings = settings

    def listed(self, request: Request, repository: str, digest: str) -> Response:
        """Answer a page of what refers to a manifest, whether that is there or not; 404 where there is no API."""
        if self._lacks == NO_API:
            return unknown_operation()
        if not digest.startswith("sha256:"):
            return registry_error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        if not self._shelf.holds_something(repository):
            return registry_error(404, "NAME_UNKNOWN", f'repository "{repository}" is not found')
        typed = self._lacks != UNTYPED
        found = referring(self._shelf, repository, digest, typed=typed)
        return referrers(request, found, self._settings.now.referrers_page, filters=typed)

    def tell_subject(self, response: Response, subject: str) -> None:
        """Say in the answer to a push that the registry lists it, so that nobody keeps a tag for the list."""
        if subject and self._lacks != NO_API:
            response.headers["OCI-Subject"] = subject

    @property
    def _lacks(self) -> str:
        return self._settings.now.customer_key_registries.get(self._registry, "")
