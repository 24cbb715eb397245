"""One of our own registries: imports asked of ARM, and tags read back from the registry itself.

Import: https://learn.microsoft.com/rest/api/containerregistry/registries/import-image
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.adapters.azure.clients import AzureClients
from shared.adapters.azure.errors import IMPORTER, azure_errors
from shared.adapters.azure.import_errors import look_errors, start_errors
from shared.config import RegistryId
from shared.domain.references import DOCKER_HUB, Digest, Tag, parse_digest, parse_tag
from shared.errors import InvalidReference, NotFound, Unavailable
from shared.ports import ImportSource, Operation
from shared.registry_accounts import Account

if TYPE_CHECKING:
    from azure.containerregistry import ArtifactTagProperties
    from azure.core.polling import LROPoller

    from shared.adapters.azure.contents import Contents
    from shared.adapters.azure.locks import RegistryLocks
    from shared.domain.travel.locked import Attributes, Right
    from shared.domain.travel.referrers import Listing

# As imports from Docker Hub were recorded. Azure's documentation has docker.io, which no recording has.
_URIS = {DOCKER_HUB: "registry.hub.docker.com"}
# More is answered with as many (Azure/acr#749); without a number it is a hundred.
_TAGS_A_PAGE = 1000
_NO_REPOSITORY = "NAME_UNKNOWN"


class AzureContainerRegistry:
    """The ports ``Registry``, ``Holder`` and ``TravelRegistry`` for one Azure Container Registry.

    Args:
        clients: of ARM and of the registry.
        registry: which registry.
        login_server: its host; empty for its name and ``.azurecr.io``.
        staging_id: resource id of the registry that staged images are copied from.
        base_id: resource id of the base registry, from which staging gets back what it does not have any more.
        accounts: to copy from upstreams with, by registry; anonymous imports share Azure's own small limits.
    """

    def __init__(
        self,
        clients: AzureClients,
        registry: RegistryId,
        *,
        login_server: str = "",
        staging_id: str,
        base_id: str = "",
        accounts: Mapping[str, Account],
    ) -> None:
        self._clients = clients
        self._registry = registry
        self._login_server = login_server or f"{registry.name.lower()}.azurecr.io"
        self._staging_id = staging_id
        self._base_id = base_id
        self._accounts = accounts

    def take_turn(self) -> None:
        """Make sure that ARM takes an import from this thread now.

        Raises:
            Paced: it does not yet.
        """
        self._clients.reserve(("POST", f"{self._registry.resource_id}/importImage"))

    def start_import(self, source: ImportSource, repository: str, *tags: Tag) -> Operation:
        """Ask for a copy by digest, and do not wait for it; without a tag the copy gets none.

        Args:
            source: what to copy, and whether from an upstream, from another registry of ours or from this one.
            repository: to copy into.
            tags: to point at the copy, wherever they point now.

        Returns:
            The operation as ARM accepted it.

        Raises:
            ServiceError: see ``shared.adapters.azure.import_errors.start_errors``.
        """
        from shared.adapters.azure.one_look import OneLook  # noqa: PLC0415

        body = import_parameters(source, repository, tags, self._ours(source), self._accounts)
        target = f"{self._login_server}/{repository}" + (f":{', '.join(tags)}" if tags else ", under no tag")
        with start_errors(f"importing {source.repository}@{source.digest} as {target}"):
            poller = self._begin(body, OneLook(look=False))
            poller.wait()
        return _operation(poller)

    def look_at_import(self, token: str) -> Operation:
        """Look at an import once.

        Args:
            token: of the operation, by whichever process it was started.

        Raises:
            NotFound: ARM does not know the operation any more, or the token is none that this version can read.
            OperationFailed: the import ended badly.
            ServiceError: the look could not be made; the import may still be under way.
        """
        with look_errors(f"looking at an import into {self._login_server}"):
            poller = self._resume(token)
            poller.wait()
        return _operation(poller)

    def digest(self, repository: str, tag: Tag) -> Digest | None:
        """Read back what a tag points at.

        Raises:
            Refused: the identity lacks a role.
            RateLimited, Unavailable: see ``shared.errors``.
        """
        doing = f"reading back {self._login_server}/{repository}:{tag}"
        try:
            with azure_errors(doing, IMPORTER):
                found = self._clients.data_plane(self._login_server).get_tag_properties(repository, tag)
            return parse_digest(found.digest or "")
        except NotFound:
            return None
        except (InvalidReference, AttributeError, KeyError) as error:  # the SDK reads what may not be there
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error

    def list_tags(self, repository: str) -> Mapping[Tag, Digest]:
        """List what every tag points at: one request for each thousand.

        https://learn.microsoft.com/rest/api/containerregistry/tag/get-list

        Raises:
            NotPermitted: the identity lacks a role.
            RateLimited: see ``shared.errors``.
            Unavailable: likewise; or the pages do not make a whole.
        """
        doing = f"listing the tags of {self._login_server}/{repository}"
        try:
            with azure_errors(doing, IMPORTER):
                return self._listed(repository)
        except NotFound as error:  # from something before the registry: it knows nothing of the repository
            raise Unavailable(str(error), code=error.code) from error
        except (InvalidReference, AttributeError, KeyError, TypeError) as error:
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error

    def _listed(self, repository: str) -> dict[Tag, Digest]:
        from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415

        client = self._clients.data_plane(self._login_server)
        try:
            return _whole(client.list_tag_properties(repository, results_per_page=_TAGS_A_PAGE).by_page())
        except ResourceNotFoundError as error:
            if error.response is not None and _NO_REPOSITORY in error.response.text():
                return {}
            raise

    def holds(self, repository: str, digest: Digest) -> bool:
        """Ask for a manifest's properties by its digest.

        Raises:
            Refused: the identity lacks a role.
            RateLimited, Unavailable: see ``shared.errors``.
        """
        doing = f"looking for {self._login_server}/{repository}@{digest}"
        try:
            with azure_errors(doing, IMPORTER):
                found = self._clients.data_plane(self._login_server).get_manifest_properties(repository, digest)
            return parse_digest(found.digest or "") == digest
        except NotFound:
            return False
        except (InvalidReference, AttributeError, KeyError) as error:  # the SDK reads what may not be there
            raise Unavailable(f"{doing}: the answer is not that of a registry: {error}") from error

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """See ``TravelRegistry.manifest``."""
        return self._contents().manifest(repository, digest)

    def referrers(self, repository: str, digest: Digest) -> Listing | None:
        """See ``TravelRegistry.referrers``."""
        return self._contents().referrers(repository, digest)

    def attributes(self, repository: str, of: str) -> Attributes | None:
        """See ``LockRegistry.attributes``."""
        return self._locks().attributes(repository, of)

    def lock(self, repository: str, of: str, rights: Collection[Right]) -> Attributes | None:
        """See ``LockRegistry.lock``."""
        return self._locks().change(repository, of, rights, closes=True)

    def unlock(self, repository: str, of: str, rights: Collection[Right]) -> Attributes | None:
        """See ``LockRegistry.unlock``."""
        return self._locks().change(repository, of, rights, closes=False)

    def closed(self, repository: str) -> Mapping[Digest, frozenset[Right]]:
        """See ``LockRegistry.closed``."""
        return self._locks().closed(repository)

    def _locks(self) -> RegistryLocks:
        from shared.adapters.azure.locks import RegistryLocks  # noqa: PLC0415

        return RegistryLocks(self._clients.data_plane(self._login_server), self._login_server)

    def _contents(self) -> Contents:
        from shared.adapters.azure.contents import Contents  # noqa: PLC0415

        return Contents(self._clients.data_plane(self._login_server), self._login_server)

    def _ours(self, source: ImportSource) -> str:
        if source.own:
            return self._registry.resource_id
        return self._base_id if source.base else self._staging_id

    def _resume(self, token: str) -> LROPoller[None]:
        from shared.adapters.azure.one_look import OneLook  # noqa: PLC0415

        if not token:
            raise NotFound("an import without a continuation token cannot be looked at")
        try:
            return self._begin({}, OneLook(look=True, home=self._clients.arm_endpoint), continuation_token=token)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotFound(
                "the continuation token of an import cannot be read, perhaps because azure-core was updated meanwhile; "
                f"the import is to be started again ({type(error).__name__})"
            ) from None

    def _begin(self, body: dict[str, Any], polling: Any, **options: Any) -> LROPoller[None]:
        registries = self._clients.registries(self._registry.subscription).registries
        return registries.begin_import_image(
            self._registry.group, self._registry.name, body, polling=polling, **options
        )


def import_parameters(
    source: ImportSource, repository: str, tags: Sequence[Tag], registry_id: str, accounts: Mapping[str, Account]
) -> dict[str, Any]:
    """Return the body of ``importImage``.

    Args:
        source: what to copy.
        repository: to copy into, such as ``base/node``.
        tags: to point at the copy there; none for a manifest that only its digest names.
        registry_id: resource id of the registry of ours that is copied from, if it is one of ours.
        accounts: by registry; that of the source's registry is sent along, if there is one.

    Returns:
        The body as JSON objects. The source is named by digest: a tag may move while it is copied.
    """
    image = f"{source.repository.path}@{source.digest}"
    if source.staging or source.base or source.own:
        place: dict[str, Any] = {"resourceId": registry_id}
    else:
        registry = source.repository.registry
        place = {"registryUri": _URIS.get(registry, registry), **_credentials(accounts.get(registry))}
    targets = [f"{repository}:{tag}" for tag in tags]
    into: dict[str, Any] = {"targetTags": targets} if targets else {"untaggedTargetRepositories": [repository]}
    return {"source": {**place, "sourceImage": image}, **into, "mode": "Force"}


def _credentials(account: Account | None) -> dict[str, Any]:
    return {"credentials": {"username": account.username, "password": account.password}} if account else {}


def _whole(pages: Iterable[Iterable[ArtifactTagProperties]]) -> dict[Tag, Digest]:
    """Return the tags of all pages.

    Raises:
        Unavailable: a page is empty, or repeats what came before it: nobody knows what was left out.
    """
    from shared.adapters.azure.locks import attributes_of  # noqa: PLC0415
    from shared.domain.travel.locked import ListedTags  # noqa: PLC0415

    found: dict[Tag, Digest] = {}
    closed: dict[Tag, frozenset[Right]] = {}
    for number, page in enumerate(pages):
        told = {parse_tag(one.name): attributes_of(one) for one in page}
        listed = {tag: parse_digest(one.digest) for tag, one in told.items()}
        if number and (not listed or not listed.keys().isdisjoint(found)):
            raise Unavailable(f"page {number + 1} of a listing of tags brings nothing new, so it is not whole")
        found |= listed
        closed |= {tag: one.closed for tag, one in told.items() if one.closed}
    return ListedTags(found, closed)


def _operation(poller: LROPoller[None]) -> Operation:
    method: Any = poller.polling_method()
    if method.finished():
        return Operation(done=True)
    return Operation(done=False, token=method.get_continuation_token(), retry_after=method.retry_after)
