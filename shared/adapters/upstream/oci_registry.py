"""Asks a registry what a tag points at, with HEAD: looking is not pulling.

Where a registry does not answer HEAD as it should, and reading is not known to be a pull there, the manifest is read.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#checking-if-content-exists-in-the-registry
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urljoin

from shared.adapters.upstream.beside import Reading
from shared.adapters.upstream.errors import status_error
from shared.adapters.upstream.http import Answer, UpstreamHttp, anywhere
from shared.adapters.upstream.manifests import MANIFEST_TYPES, names_digest, read_digest, told_digest
from shared.adapters.upstream.referrers import leads_to_referrers
from shared.adapters.upstream.rights import Rights, Tokens
from shared.adapters.upstream.tag_pages import MOST_BYTES, Page, all_tags, read_page
from shared.domain.references import Digest, Repository, Tag
from shared.errors import NotFound, Refused, ServiceError, Unavailable
from shared.ports import Hints
from shared.signature_ports import Beside, Spend

# What travels with images is loaded where something does.
if TYPE_CHECKING:
    from shared.domain.travel.referrers import Listing

log = logging.getLogger("tidegate.upstream")

T = TypeVar("T")

_ACCEPT = ", ".join(MANIFEST_TYPES)
# What a registry answers to a HEAD that it does not know.
_NO_HEAD = {405, 501}
# What it answers to a question for referrers that it does not know: web servers have many ways to say so.
_NO_REFERRERS = {301, 302, 303, 307, 308, 400, 405, 406, 415, 501}


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
        elsewhere: the right to read another host that the registry sends us to; ``None`` where it sends us nowhere.
        reads: whether manifests may be read where HEAD does not tell; never where that is a pull.
        blobs: how blobs are asked for, which most registries keep elsewhere; as all else, if left out.
    """

    def __init__(
        self,
        name: str,
        url: str,
        http: UpstreamHttp,
        *,
        tokens: Tokens | None = None,
        catalogue: Catalogue | None = None,
        elsewhere: Callable[[str], Tokens] | None = None,
        reads: bool = False,
        blobs: UpstreamHttp | None = None,
    ) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._http = http
        self._tokens = tokens
        self._rights = Rights(self._url, tokens, elsewhere)
        self._catalogue = catalogue
        self._reads = reads
        self._asks_by = "HEAD"
        self._read: set[Repository] = set()
        self._open = False
        self._blobs = blobs or http
        self._no_referrers: set[Repository] = set()

    def digest(self, repository: Repository, tag: Tag) -> Digest | None:
        """Return what a tag points at now, by one HEAD request; by more if the token or HEAD itself is not accepted.

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
        return self._digest(doing, repository, tag)

    def holds(self, repository: Repository, digest: Digest) -> bool:
        """Whether a manifest can be had by its digest, by one HEAD request.

        Raises:
            NotFound, Refused, RateLimited, Unavailable: as for ``digest``.
        """
        doing = f"{self._name}: looking for {repository}@{digest}"
        return self._digest(doing, repository, digest) == digest

    def beside(self, repository: Repository, digest: Digest, spend: Spend, *, whole: bool) -> Beside:
        """See ``SignatureSource.beside``. A registry without a list of referrers is asked for one once.

        Raises:
            NotFound, Refused, RateLimited, Unavailable: as for ``digest``.
        """
        doing = f"{self._name}: reading what lies beside {repository}@{digest}"
        ask = partial(self._piece, doing, repository, spend)
        reading = Reading(ask, digest, has_api=repository not in self._no_referrers, whole=whole)
        found = reading.read()
        if not reading.has_api:
            self._no_referrers.add(repository)
        return found

    def referrers(self, repository: Repository, manifests: Sequence[Digest], spend: Spend) -> Listing:
        """See ``ReferrerSource.referrers``. A registry without a list of referrers is asked for one once.

        Raises:
            NotFound, Refused, RateLimited, Unavailable: as for ``digest``.
        """
        from shared.adapters.upstream.around import Around  # noqa: PLC0415

        doing = f"{self._name}: listing what refers to {repository}@{manifests[0]}"
        ask = partial(self._piece, doing, repository, spend)
        around = Around(
            ask,
            lambda tag: self._granted(spend, lambda: self._older(doing, repository, tag)),
            lambda: self._granted(spend, lambda: self.tags(repository)),
            has_api=repository not in self._no_referrers,
        )
        listing = around.read(manifests)
        if not around.has_api:
            self._no_referrers.add(repository)
        return listing

    def _older(self, doing: str, repository: Repository, tag: Tag) -> Digest | None:
        """Most images have no such tag: that HEAD denies it is enough, though some registries deny what they have."""
        answer = self._ask(doing, f"{self._url}/v2/{repository.path}/manifests/{tag}", "HEAD", _ACCEPT)
        return None if answer.status == 404 else self._digest(doing, repository, tag, answer)

    @staticmethod
    def _granted(spend: Spend, ask: Callable[[], T]) -> T:
        spend(False)
        return ask()

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
        return all_tags(first, partial(self._page, doing), doing)

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

    def reads(self, repository: Repository) -> bool:
        """See ``shared.ports.Upstream.reads``: as far as this process knows."""
        return self._asks_by == "GET" or repository in self._read

    def prepare(self, repositories: tuple[Repository, ...]) -> None:
        """See ``shared.ports.Upstream.prepare``."""
        if self._tokens:
            self._tokens.prepare(tuple(repository.path for repository in repositories))

    def _page(self, doing: str, url: str) -> Page:
        answer = self._ask(doing, url, "GET", "application/json")
        if answer.status != 200:
            raise _refusal(answer, doing)
        return read_page(answer, doing)

    def _piece(
        self, doing: str, repository: Repository, spend: Spend, path: str, accept: str, most: int
    ) -> Answer | None:
        """Read a piece of what lies beside an image; see ``beside.Ask``. Where reading is a pull, HEAD tells first."""
        url = urljoin(f"{self._url}/v2/{repository.path}/", path)
        if not self._rights.is_ours(url):
            raise Unavailable(f"{doing}: the list of referrers goes on at another registry, which is not asked")
        is_manifest, is_list = path.startswith("manifests/"), "/referrers/" in url
        if is_manifest and not self._reads and ":" not in path:
            spend(False)
            if self._ask(doing, url, "HEAD", accept).status == 404:
                return None
        spend(is_manifest)
        follows = leads_to_referrers if is_list else anywhere
        answer = self._ask(doing, url, "GET", accept, most=most, blob=path.startswith("blobs/"), follows=follows)
        if answer.status == 404 or (is_list and answer.status in _NO_REFERRERS):
            return None
        if answer.status != 200:
            raise _refusal(answer, doing)
        return answer

    def _digest(self, doing: str, repository: Repository, reference: str, asked: Answer | None = None) -> Digest | None:
        url = f"{self._url}/v2/{repository.path}/manifests/{reference}"
        answer = asked or self._ask(doing, url, self._asks_by, _ACCEPT)
        told = answer.status == 200 and names_digest(answer)
        if self._asks_by == "HEAD" and self._reads and not told and answer.status in {200, 404, *_NO_HEAD}:
            answer = self._read_instead(doing, url, answer)
            told = False
            if answer.status == 200:
                self._read.add(repository)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refusal(answer, doing)
        return told_digest(answer, doing) if told or not self._reads else read_digest(answer, doing)

    def _read_instead(self, doing: str, url: str, head: Answer) -> Answer:
        """Read what HEAD does not tell. A registry that knows no HEAD, or tells by none, is not asked by it again."""
        answer = self._ask(doing, url, "GET", _ACCEPT)
        if answer.status == 200:
            log.warning(
                "%s: HEAD was answered %d without a digest, and GET with the manifest: it is read, which some "
                "registries count as a pull",
                doing,
                head.status,
            )
            self._asks_by = "HEAD" if head.status == 404 else "GET"
        return answer

    def _ask(self, doing: str, url: str, method: str, accept: str, **how: Any) -> Answer:
        """Ask with whatever right is known to be needed, and once more with what a 401 asks for.

        A registry that redirects may have its manifests and its next page elsewhere: rights are shown to its own
        address alone, and a challenge from elsewhere is met without any credentials.
        """
        shown = self._rights.header(url)
        answer = self._send(doing, url, method, accept, shown, **how)
        place = answer.url
        if answer.status == 401:
            refused = shown if self._rights.is_ours(place) else self._rights.header(place)
            renewed = self._rights.renewed(place, refused, answer.headers.get("www-authenticate", ""))
        elif answer.status in {403, 404} and not shown and self._rights.is_ours(place):
            renewed = self._unhidden(doing, url)
        else:
            return answer
        again = url if self._rights.is_ours(place) else place
        return self._send(doing, again, method, accept, renewed, **how) if renewed else answer

    def _unhidden(self, doing: str, url: str) -> str:
        """Return the right of an account that nobody asked for: some registries hide what they do not show.

        They deny having it, without a challenge, where ``/v2/`` has one.
        """
        if self._tokens is None or self._open or not self._tokens.withheld():
            return ""
        root = self._http.ask(doing, f"{self._url}/v2/")
        self._open = root.status == 200
        challenge = root.headers.get("www-authenticate", "")
        return self._rights.renewed(url, "", challenge) if root.status == 401 else ""

    def _send(
        self,
        doing: str,
        url: str,
        method: str,
        accept: str,
        shown: str,
        *,
        most: int = MOST_BYTES,
        blob: bool = False,
        follows: Callable[[str], bool] = anywhere,
    ) -> Answer:
        headers = {"Accept": accept, "Authorization": shown}
        http, elsewhere = self._blobs if blob else self._http, self._rights.header
        return http.ask(doing, url, method=method, headers=headers, most=most, elsewhere=elsewhere, follows=follows)


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
