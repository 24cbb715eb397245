"""One POST to a destination: bounded in size and time, through the machine's proxies, and no redirect is followed.

Whether the request went out is what counts: without an answer after that, it may have arrived.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from shared.adapters.deadlines import Deadlines, Exchange
from shared.adapters.notify.unheard import unheard
from shared.adapters.redaction import redacted
from shared.errors import NotTaken, Refused, ServiceError, Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

log = logging.getLogger("tidegate.notices")

# Seconds: to connect, between two pieces of an answer, and of all together.
_CONNECT, _READ, _LONGEST = 5.0, 15.0, 25.0
# Bytes of an answer that are read: it is a word, or a page of something in between.
_LARGEST = 16 * 1024
_HEADERS = {"User-Agent": "tidegate", "Accept": "*/*"}
DEADLINES = Deadlines()


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        status: HTTP status.
        headers: by their names in lower case.
        text: the first of the body.
    """

    status: int
    headers: Mapping[str, str]
    text: str


def post(doing: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send a request once, by a connection of its own: one that was kept may have died unseen.

    Args:
        doing: to which destination, for the error's message; never the address.
        url: as the settings have it.
        headers: of the request.
        body: of the request.

    Returns:
        The answer, whatever its status.

    Raises:
        NotTaken: it was not sent as a whole.
        Unavailable: it was, and no answer came.
        Refused: the machine is not set up for it.
    """
    exchange = DEADLINES.begin(_LONGEST)
    try:
        with unheard():
            return _once(url, {**_HEADERS, **headers}, body, exchange)
    except ServiceError:
        raise
    except Exception as error:  # noqa: BLE001  libraries raise much over what they are sent
        # Not chained: a library's text may quote the address, and be logged.
        raise _no_answer(doing, error, exchange) from None
    finally:
        DEADLINES.end(exchange)


def _once(url: str, headers: Mapping[str, str], body: bytes, exchange: Exchange) -> Answer:
    # Both cost 0.1 s, and not every process sends.
    from shared.adapters.connections import Connections  # noqa: PLC0415
    from shared.adapters.kept_alive import Discreet  # noqa: PLC0415

    connections = Connections(_CONNECT, _READ, Discreet)
    try:
        response = connections.send("POST", url, headers, body, exchange)
        named = {name.lower(): value for name, value in response.headers.itermerged()}
        return Answer(response.status, named, _first(response))
    finally:
        connections.close()


def _first(response: BaseHTTPResponse) -> str:
    """The status is what was waited for: of a body that breaks off, what came is enough."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    said = b""
    try:
        for piece in response.stream(4096, decode_content=False):
            said += piece
            if len(said) >= _LARGEST:
                break
    except (HTTPError, OSError) as error:
        log.debug("an answer broke off after %d bytes: %s", len(said), type(error).__name__)
    finally:
        response.close()
    return said[:_LARGEST].decode("utf-8", "replace")


def _no_answer(doing: str, error: Exception, exchange: Exchange) -> ServiceError:
    from requests.exceptions import RequestException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError, LocationValueError  # noqa: PLC0415

    name, words = type(error).__name__, redacted(str(error)) or "no reason given"
    if isinstance(error, RequestException | LocationValueError | ValueError) and not isinstance(error, HTTPError):
        return Refused(f"{doing}: the request cannot be written down or the proxy cannot be used: {words}", code=name)
    if exchange.sock is None:
        return NotTaken(f"{doing}: no connection, nothing was sent ({name}): {words}", code=name)
    return Unavailable(f"{doing}: it was sent and no answer came, so it may have arrived ({name}): {words}", code=name)
