"""Passing a registry request on to the real registry, streaming both ways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO
from urllib.parse import urlsplit

import requests
from werkzeug.wrappers import Request, Response

from infra.local.emulator.backing import Backing

# RFC 9110 section 7.6.1: these belong to one connection and are not passed on.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization"}
_OURS = _HOP_BY_HOP | {"authorization", "host", "content-length", "expect"}
_CHUNK = 1 << 16


def forward(request: Request, backing: Backing, body: bytes | None = None) -> Response:
    """Ask the real registry what was asked of the front, and return its answer unread.

    The method is kept, so HEAD stays HEAD. Locations handed out for uploads are made relative, so that they lead back
    through the front.

    Args:
        request: what was asked.
        backing: the real registry.
        body: the request's, if it has been read already.
    """
    url = backing.url + request.environ["RAW_URI"]
    outgoing = requests.Request(request.method, url, _headers(request), data=body)
    prepared = backing.session.prepare_request(outgoing)
    if body is None:
        _attach_body(prepared, request)
    answer = backing.session.send(prepared, stream=True, timeout=300, allow_redirects=False)
    headers = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP]
    response = Response(_stream(answer), answer.status_code, headers)
    response.autocorrect_location_header = False
    if "Location" in response.headers:
        response.headers["Location"] = _relative(response.headers["Location"])
    return response


def _headers(request: Request) -> dict[str, str]:
    passed = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
    return passed | {"Accept-Encoding": "identity"}


def _relative(location: str) -> str:
    """Return an upload location without scheme and host, as ACR hands it out."""
    address = urlsplit(location)
    return f"{address.path}?{address.query}" if address.query else address.path


def _attach_body(prepared: requests.PreparedRequest, request: Request) -> None:
    """Give the request its body as a stream: of known length, or in chunks."""
    if request.content_length:
        prepared.body = _pieces(request.stream)  # type: ignore[assignment]
        prepared.headers["Content-Length"] = str(request.content_length)
    elif "chunked" in request.headers.get("Transfer-Encoding", ""):
        prepared.body = _pieces(request.stream)  # type: ignore[assignment]
        prepared.headers["Transfer-Encoding"] = "chunked"
        prepared.headers.pop("Content-Length", None)


def _pieces(stream: IO[bytes]) -> Iterable[bytes]:
    while piece := stream.read(_CHUNK):
        yield piece


def _stream(answer: requests.Response) -> Iterable[bytes]:
    with answer:
        yield from answer.raw.stream(_CHUNK, decode_content=False)
