"""One request to whoever builds: bounded in size and time, never sent again, and no redirect is followed.

Of a request that asks for a build it counts whether it went out: without an answer after that, it may have begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from shared.adapters.deadlines import Deadlines, Exchange
from shared.adapters.redaction import redacted
from shared.errors import NotTaken, Refused, ServiceError, Unavailable, UnusableAnswer

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

# Seconds: to connect, between two pieces of an answer, and of all together.
_CONNECT, _READ, _LONGEST = 5.0, 20.0, 40.0
# A page of a hundred runs of GitHub's has some 1.5 MB.
_LARGEST = 8 * 1024 * 1024
_MOST_TOLD = 2000
_HEADERS = {"User-Agent": "tidegate", "Accept": "application/json"}
_DEADLINES = Deadlines()
_OBJECTS = msgspec.json.Decoder()


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        status: HTTP status.
        headers: by their names in lower case.
        body: all of it; what came of it, where it broke off.
        whole: whether it came as a whole.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool = True

    @property
    def text(self) -> str:
        """What it says, fit to be shown."""
        return redacted(self.body[:_MOST_TOLD].decode("utf-8", "replace"))

    def json(self, doing: str) -> Any:
        """Return what the body says.

        Raises:
            UnusableAnswer: it is no JSON object, or broke off.
        """
        try:
            found = _OBJECTS.decode(self.body) if self.whole else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise UnusableAnswer(f"{doing}: HTTP {self.status} with an answer that is not the service's: {self.text}")
        return found


def once(
    doing: str, method: str, url: str, headers: Mapping[str, str], body: object = None, *, secret: bool = False
) -> Answer:
    """Send a request once, by a connection of its own: one that was kept may have died unseen.

    Args:
        doing: what is asked and of whom, for the error's message.
        method: of the request.
        url: as the settings and a checked place make it.
        headers: of the request.
        body: sent as it is if it is bytes, else as JSON; ``None`` for none.
        secret: whether the address is one, so that only its host is told anywhere.

    Returns:
        The answer, whatever its status.

    Raises:
        NotTaken: it was not sent as a whole.
        Unavailable: it was, and no answer came.
        Refused: the machine is not set up for it.
    """
    exchange = _DEADLINES.begin(_LONGEST)
    content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
    kind = {} if content is None or isinstance(body, bytes) else {"Content-Type": "application/json"}
    try:
        return _sent(method, url, {**_HEADERS, **kind, **headers}, content, exchange, secret=secret)
    except ServiceError:
        raise
    except Exception as error:  # noqa: BLE001  libraries raise much over what they are sent
        # Not chained: a library's text may quote the address or a header, and be logged.
        raise _no_answer(doing, error, exchange) from None
    finally:
        _DEADLINES.end(exchange)


def _sent(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None, exchange: Exchange, *, secret: bool
) -> Answer:
    # Both cost 0.1 s, and not every process asks.
    from shared.adapters.connections import Connections  # noqa: PLC0415
    from shared.adapters.kept_alive import Discreet, KeptAlive  # noqa: PLC0415

    connections = Connections(_CONNECT, _READ, Discreet if secret else KeptAlive)
    try:
        response = connections.send(method, url, headers, body, exchange)
        named = {name.lower(): value for name, value in response.headers.itermerged()}
        said, whole = _read(response)
        return Answer(response.status, named, said, whole and not exchange.over)
    finally:
        connections.close()


def _read(response: BaseHTTPResponse) -> tuple[bytes, bool]:
    """Of a body that breaks off, what came is enough to know the status."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    said = b""
    try:
        for piece in response.stream(64 * 1024, decode_content=True):
            said += piece
            if len(said) > _LARGEST:
                return said[:_LARGEST], False
    except (HTTPError, OSError):
        return said, False
    finally:
        response.close()
    return said, True


def _no_answer(doing: str, error: Exception, exchange: Exchange) -> ServiceError:
    from requests.exceptions import RequestException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError, LocationValueError  # noqa: PLC0415

    name, words = type(error).__name__, redacted(str(error)) or "no reason given"
    if isinstance(error, RequestException | LocationValueError | ValueError) and not isinstance(error, HTTPError):
        return Refused(f"{doing}: the request cannot be written down or the proxy cannot be used: {words}", code=name)
    if exchange.sock is None:
        return NotTaken(f"{doing}: no connection, nothing was sent ({name}): {words}", code=name)
    return Unavailable(f"{doing}: it was sent and no answer came, so it may have begun ({name}): {words}", code=name)
