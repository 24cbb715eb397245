"""Asks a registry what a tag points at, with HEAD alone: looking is not pulling.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Protocol

from shared.adapters.upstream.errors import status_error
from shared.adapters.upstream.http import Answer, UpstreamHttp
from shared.adapters.upstream.tag_pages import MOST_BYTES, Page, all_tags, read_page
from shared.domain.references import Digest, Repository, Tag, parse_digest
from shared.errors import InvalidReference, NotFound, Refused, ServiceError, UnusableAnswer
from shared.ports import Hints

# Without the index types a registry answers with one architecture's manifest, or converts it: another digest. Charts
# and other artifacts are image manifests; the last type is what some wrote before that was settled.
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.artifact.manifest.v1+json",
)
_ACCEPT = ", ".join(MANIFEST_TYPES)
# Characters of a type that is quoted to people.
_LONGEST_KIND = 100


class Tokens(Protocol):
    """Gives the right to read repositories."""

    def authorization(self, path: str) -> str:
        """Return the ``Authorization`` header for a repository; empty if none is known to be needed."""
        ...

    def renewed(self, path: str, refused: str, challenge: str) -> str:
        """Return another header after a 401.

        Args:
            path: of the repository.
            refused: the header that was not accepted.
            challenge: the ``WWW-Authenticate`` header of the answer.

        Returns:
            The header to try instead; empty if there is none.
        """
        ...

    def prepare(self, paths: tuple[str, ...]) -> None:
        """Learn of repositories to which one right may do, where that takes fewer requests; asks nobody."""
        ...


class Catalogue(Protocol):
    """An upstream's own catalogue, beside its registry."""

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:
        """See ``shared.ports.Upstream.hints``."""
        ...

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int | None:
        """See ``shared.ports.Upstream.manifests``."""
        ...


class OciRegistry:
    """The port ``Upstream`` for any registry that obeys the OCI distribution specification.

    Args:
        name: for people.
        url: address of the registry, without ``/v2``.
        http: how it is asked.
        tokens: gives the right to read; ``None`` where anybody may.
        catalogue: the upstream's own, if it has one.
    """

    def __init__(
        self,
        name: str,
        url: str,
        http: UpstreamHttp,
        *,
        tokens: Tokens | None = None,
        catalogue: Catalogue | None = None,
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._http = http
        self._tokens = tokens
        self._catalogue = catalogue

    def digest(self, repository: Repository, tag: Tag) -> Digest | None:
        """Return what a tag points at now, by one HEAD request; by another if the token was not accepted.

        Args:
            repository: in this registry.
            tag: the tag.

        Returns:
            The digest of the index, or of the manifest where there is no index; ``None`` if there is no such tag.

        Raises:
            NotFound: there is no such repository, or it is private; Docker Hub does not say which.
            Refused: the registry will not answer this caller.
            RateLimited: too many requests.
            Unavailable: no answer, or a 5xx.
            UnusableAnswer: an answer that names no manifest we can use, such as one of an abandoned type.
        """
        doing = f"{self._name}: looking at {repository}:{tag}"
        url = f"{self._url}/v2/{repository.path}/manifests/{tag}"
        answer = self._ask(doing, repository.path, url, "HEAD", _ACCEPT)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refusal(answer, doing)
        return _digest(answer, doing)

    def holds(self, repository: Repository, digest: Digest) -> bool:
        """Whether a manifest can be had by its digest, by one HEAD request.

        Raises:
            NotFound, Refused, RateLimited, Unavailable: as for ``digest``.
        """
        doing = f"{self._name}: looking for {repository}@{digest}"
        url = f"{self._url}/v2/{repository.path}/manifests/{digest}"
        answer = self._ask(doing, repository.path, url, "HEAD", _ACCEPT)
        if answer.status not in {200, 404}:
            raise _refusal(answer, doing)
        return answer.status == 200 and _digest(answer, doing) == digest

    def tags(self, repository: Repository) -> tuple[Tag, ...]:
        """Return every tag, in the registry's order, by as many requests as it has pages.

        https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags

        Args:
            repository: in this registry.

        Returns:
            The tags, each once; what is no tag by the specification is left out.

        Raises:
            NotFound: there is no such repository, or it is private.
            Refused: the registry will not answer this caller, or there are more tags than can be listed.
            RateLimited, Unavailable: as for ``digest``.
        """
        doing = f"{self._name}: listing the tags of {repository}"
        first = f"{self._url}/v2/{repository.path}/tags/list"
        return all_tags(first, partial(self._page, doing, repository.path), doing)

    def hints(self, repository: Repository, since: datetime | None) -> Hints | None:
        """See ``shared.ports.Upstream.hints``.

        Raises:
            RateLimited: too many requests; whatever else the catalogue has, it is as if there were none.
        """
        return self._catalogue.hints(repository, since) if self._catalogue else None

    def manifests(self, repository: Repository, tag: Tag, digest: Digest) -> int | None:
        """See ``shared.ports.Upstream.manifests``. Where nothing is known of a registry a GET may be a pull.

        Raises:
            ServiceError: it could not be told this time.
        """
        return self._catalogue.manifests(repository, tag, digest) if self._catalogue else None

    def prepare(self, repositories: tuple[Repository, ...]) -> None:
        """See ``shared.ports.Upstream.prepare``."""
        if self._tokens:
            self._tokens.prepare(tuple(repository.path for repository in repositories))

    def _page(self, doing: str, path: str, url: str) -> Page:
        answer = self._ask(doing, path, url, "GET", "application/json")
        if answer.status != 200:
            raise _refusal(answer, doing)
        return read_page(answer, doing)

    def _ask(self, doing: str, path: str, url: str, method: str, accept: str) -> Answer:
        """Ask with whatever right is known to be needed, and once more with what a 401 asks for.

        A registry that redirects may have its next page elsewhere: rights are shown to its own address alone, and
        only that one's challenges are met.
        """
        tokens = self._tokens if self._is_ours(url) else None
        authorization = tokens.authorization(path) if tokens else ""
        headers = {"Accept": accept, "Authorization": authorization}
        answer = self._http.ask(doing, url, method=method, headers=headers, most=MOST_BYTES)
        if answer.status != 401 or tokens is None or not self._is_ours(answer.url):
            return answer
        renewed = tokens.renewed(path, authorization, answer.headers.get("www-authenticate", ""))
        if not renewed:
            return answer
        headers = {"Accept": accept, "Authorization": renewed}
        return self._http.ask(doing, url, method=method, headers=headers, most=MOST_BYTES)

    def _is_ours(self, url: str) -> bool:
        return url.startswith(f"{self._url}/")


def _digest(answer: Answer, doing: str) -> Digest:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind not in MANIFEST_TYPES:
        raise UnusableAnswer(
            f"{doing}: the answer is {kind[:_LONGEST_KIND]}, which is no manifest we can use", code="200"
        )
    try:
        digest = parse_digest(answer.headers.get("docker-content-digest", ""))
    except InvalidReference as error:
        raise UnusableAnswer(f"{doing}: the answer has no docker-content-digest: {error}", code="200") from error
    if _contradicts(answer.headers.get("etag", ""), digest):
        raise UnusableAnswer(f"{doing}: the answer has a docker-content-digest that its ETag contradicts", code="200")
    return digest


def _contradicts(etag: str, digest: Digest) -> bool:
    """Registries that name a manifest by its digest in the ETag too must mean the same one."""
    try:
        other = parse_digest(etag.removeprefix("W/").strip('"'))
    except InvalidReference:
        return False
    return other.partition(":")[0] == digest.partition(":")[0] and other != digest


def _refusal(answer: Answer, doing: str) -> ServiceError:
    """A token that was granted, but not for this repository, is how registries hide what they do not show.

    https://distribution.github.io/distribution/spec/auth/token/ (``insufficient_scope``)
    """
    if answer.status not in {401, 403}:
        return status_error(doing, answer.status, answer.headers)
    code = str(answer.status)
    if "insufficient_scope" in answer.headers.get("www-authenticate", ""):
        return NotFound(f"{doing}: there is no such repository, or it is private and not shown to us", code=code)
    return Refused(f"{doing}: the registry does not let us read it (HTTP {code})", code=code)
