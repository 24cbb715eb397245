"""Access tokens of a registry's own API, kept until they end: the SDK asks for a new one at every request.

It sends each request without a token, is challenged, exchanges the identity's token, and then that one for a token of
the scope: four requests for one. With a token at hand it is one. A token that the registry does not take is forgotten,
and the SDK meets the challenge as before.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

import base64
import binascii
import re
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy

# A token is good for one repository, and for reading or for changing it: what is told of it, or what it holds. None is
# shown where a blob is read: that is redirected to a storage account, which must not see one.
_REPOSITORY = re.compile(r"/acr/v1/(?P<repository>[^/]+)|/v2/(?P<content>.+)/(?:manifests|referrers|blobs/uploads)/")
# A blob is pushed by three methods and its manifest by one of them, all by the token of one scope.
_PUSHES = frozenset({"POST", "PATCH", "PUT"})
_BEARER = "Bearer "
_UNAUTHORIZED = 401
# A token of 75 minutes is a kilobyte or two.
_MOST = 1000
# One that ends while its request is on its way is asked for anew by a challenge: no harm, four requests.
_EARLY_SECONDS = 60.0


class _Claims(msgspec.Struct):
    exp: float


_CLAIMS = msgspec.json.Decoder(_Claims)


class KeptTokens(SansIOHTTPPolicy[Any, Any]):
    """Shows the token that was good for the same repository before; a policy that stands before authentication.

    Args:
        clock: tells the time, in seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str, float]] = {}

    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Show the token of a repository, if there is one."""
        token, ends = self._kept.get(_place(request), ("", 0.0))
        if token and ends > self._clock():
            request.http_request.headers["Authorization"] = token

    def on_response(self, request: PipelineRequest[Any], response: PipelineResponse[Any, Any]) -> None:
        """Keep the token that was good, and forget one that was not."""
        place, shown = _place(request), request.http_request.headers.get("Authorization", "")
        if not place[1]:
            return
        with self._lock:
            self._kept.pop(place, None)
            ends = _ends(shown) - _EARLY_SECONDS
            if response.http_response.status_code != _UNAUTHORIZED and ends > self._clock():
                self._kept[place] = (shown, ends)
                if len(self._kept) > _MOST:
                    del self._kept[next(iter(self._kept))]


def _place(request: PipelineRequest[Any]) -> tuple[str, str]:
    """What a token is for: the method and the repository; none is kept where the repository is not in the address."""
    sent = request.http_request
    found = _REPOSITORY.match(urlsplit(sent.url).path)
    if found is None:
        return sent.method, ""
    if found["content"]:
        return "push" if sent.method in _PUSHES else sent.method, f"content of {unquote(found['content'])}"
    return sent.method, found["repository"]


def _ends(header: str) -> float:
    """When the token of a header ends, in seconds since 1970; 0 if it does not say."""
    parts = header.removeprefix(_BEARER).split(".")
    if not header.startswith(_BEARER) or len(parts) != 3:
        return 0.0
    try:
        return _CLAIMS.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))).exp
    except (msgspec.DecodeError, binascii.Error, UnicodeError):
        return 0.0
