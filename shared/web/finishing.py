"""What every answer of the API gets on its way out: the problem's whole address, an ETag, and 304 for what is known."""

from __future__ import annotations

import hashlib

import azure.functions as func

from shared.domain.links import Links
from shared.web.answers import ProblemAnswer

_OK, _NOT_MODIFIED = 200, 304
# What somebody may read now, the next one at the same machine may not.
_CACHED = "private, no-cache"


def finished(request: func.HttpRequest, answer: func.HttpResponse, links: Links) -> func.HttpResponse:
    """Return an answer as it is sent.

    Args:
        request: that was asked.
        answer: to it.
        links: say where people reach the app.
    """
    if isinstance(answer, ProblemAnswer):
        answer = answer.reached_by(links)
    answer.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.method != "GET" or answer.status_code != _OK:
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer
    answer.headers.setdefault("Cache-Control", _CACHED)
    etag = answer.headers.setdefault("ETag", etag_of(answer.get_body()))
    return _not_modified(answer) if _knows(request.headers.get("if-none-match", ""), etag) else answer


def etag_of(content: bytes) -> str:
    """Return a strong ETag: the same bytes and no others have it (RFC 9110, 8.8.3)."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _knows(said: str, etag: str) -> bool:
    """Weak and strong tags are the same to If-None-Match (RFC 9110, 13.1.2)."""
    tags = {one.strip().removeprefix("W/") for one in said.split(",")}
    return said.strip() == "*" or etag in tags


def _not_modified(answer: func.HttpResponse) -> func.HttpResponse:
    kept = ("ETag", "Cache-Control", "Link", "X-Content-Type-Options")
    headers = {name: answer.headers[name] for name in kept if name in answer.headers}
    return func.HttpResponse(b"", status_code=_NOT_MODIFIED, headers=headers)
