"""Pools of connections that tell of every request: one place for upstreams, registries, Azure and storage alike.

The instrumentation of ``urllib3`` that there is makes a span of each, and nearly all of them say that all is well.
Imports ``urllib3``, so this module is itself imported only where something is asked.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool

from shared.adapters import listening
from shared.call_ports import Call


class _Told(HTTPConnectionPool):
    """A pool whose requests are told of."""

    def urlopen(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, *rest: Any, **more: Any
    ) -> BaseHTTPResponse:
        """See ``HTTPConnectionPool``."""
        began, status, error = time.time_ns(), 0, ""
        try:
            answer = super().urlopen(method, url, body, headers, *rest, **more)
            status = answer.status
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            signed = "Authorization" in (headers or self.headers)
            listening.tell(Call(method, self._told_as(url), status, error, signed, began, time.time_ns()))
        return answer

    def _told_as(self, url: str) -> str:
        """Where a proxy stands between, addresses are whole already."""
        address = url if "://" in url else f"{self.scheme}://{self.host}:{self.port}{url}"
        return address.partition("?")[0]


class _ToldTls(_Told, HTTPSConnectionPool):
    """The same over TLS."""


class _Discreet(_Told):
    """A pool of which only the host is told, where whoever knows the whole address may write there."""

    def _told_as(self, url: str) -> str:
        scheme, _, rest = super()._told_as(url).partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"


class _DiscreetTls(_Discreet, HTTPSConnectionPool):
    """The same over TLS."""


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Told, "https": _ToldTls}
DISCREET: dict[str, type[HTTPConnectionPool]] = {"http": _Discreet, "https": _DiscreetTls}
