"""Asks a registry what a tag points at, with HEAD alone: looking is not pulling.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from shared.adapters.requests_errors import requests_errors, status_error
from shared.domain.references import Digest, Repository, Tag, parse_digest
from shared.errors import InvalidReference, NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

# Without the index types a registry answers with one architecture's manifest, or converts it: another digest.
MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# Seconds: to connect, and between two pieces of an answer.
TIMEOUTS = (5.0, 20.0)
# Two of the widest checks side by side; what is beyond waits for no connection, it makes one.
_POOL = 32


class Tokens(Protocol):
    """Gives the right to read a repository."""

    def authorization(self, path: str, *, fresh: bool) -> str:
        """Return the ``Authorization`` header for a repository; a fresh one if the last was not accepted."""
        ...


def open_session() -> Session:
    """Return a session that many threads may use at once: it keeps connections, and no cookies."""
    from http.cookiejar import DefaultCookiePolicy  # noqa: PLC0415

    from requests import Session  # noqa: PLC0415  costs 0.1 s, and not every process asks
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    session = Session()
    session.headers["User-Agent"] = "tidegate"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", HTTPAdapter(pool_maxsize=_POOL))
    return session


def attach(authorization: str) -> Callable[[PreparedRequest], PreparedRequest]:
    """Return what sets the ``Authorization`` header; empty sets none, and keeps a .netrc file from setting one."""

    def set_header(request: PreparedRequest) -> PreparedRequest:
        if authorization:
            request.headers["Authorization"] = authorization
        return request

    return set_header


class OciRegistry:
    """The port ``Upstream`` for any registry that obeys the OCI distribution specification.

    Redirects are not followed, so a token is never sent anywhere but to the address in the settings.

    Args:
        name: for people.
        url: address of the registry, without ``/v2``.
        tokens: gives the right to read; ``None`` where anybody may.
    """

    def __init__(self, name: str, url: str, tokens: Tokens | None = None) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._tokens = tokens

    @cached_property
    def _session(self) -> Session:
        return open_session()

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
            Unavailable: no answer, a 5xx, or an answer without a digest.
        """
        doing = f"{self._name}: looking at {repository}:{tag}"
        with requests_errors(doing):
            response = self._head(repository.path, tag, fresh=False)
            if response.status_code == 401 and self._tokens is not None:
                response = self._head(repository.path, tag, fresh=True)
        return _digest(response, doing)

    def _head(self, path: str, tag: Tag, *, fresh: bool) -> Response:
        authorization = self._tokens.authorization(path, fresh=fresh) if self._tokens else ""
        return self._session.head(
            f"{self._url}/v2/{path}/manifests/{tag}",
            headers={"Accept": ", ".join(MANIFEST_TYPES)},
            auth=attach(authorization),
            timeout=TIMEOUTS,
            allow_redirects=False,
        )


def _digest(response: Response, doing: str) -> Digest | None:
    if response.status_code == 404:
        return None
    if response.status_code in {401, 403}:
        raise _not_permitted(response, doing)
    if response.status_code != 200:
        raise status_error(doing, response.status_code, response.headers)
    try:
        return parse_digest(response.headers.get("docker-content-digest", ""))
    except InvalidReference as error:
        raise Unavailable(f"{doing}: the answer has no docker-content-digest: {error}", code="200") from error


def _not_permitted(response: Response, doing: str) -> NotFound | Refused:
    """A token that was granted, but not for this repository, is how registries hide what they do not show.

    https://distribution.github.io/distribution/spec/auth/token/ (``insufficient_scope``)
    """
    code = str(response.status_code)
    if "insufficient_scope" in response.headers.get("www-authenticate", ""):
        return NotFound(f"{doing}: there is no such repository, or it is private and not shown to us", code=code)
    return Refused(f"{doing}: the registry does not let us read it (HTTP {code})", code=code)
