"""``python -m tests.bench.check.delay PORT TO MILLISECONDS``: a TCP proxy that makes a registry far away.

What a client sends arrives late by the given time, answers come back at once: one request, one delay. Pieces wait side
by side, of one connection and of many, so the delay adds time and takes no throughput. TLS passes through unread.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque


class _Near(asyncio.Protocol):
    """The client's side of one connection."""

    def __init__(self, to: int, seconds: float) -> None:
        self._to = to
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        # In the order they came in; the clock alone would not keep the order of two that are due at once.
        self._waiting: deque[bytes] = deque()
        self._far: asyncio.Task[asyncio.WriteTransport] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._far = self._loop.create_task(self._connect(transport))

    async def _connect(self, near: asyncio.WriteTransport) -> asyncio.WriteTransport:
        far, _ = await self._loop.create_connection(lambda: _Far(near), "127.0.0.1", self._to)
        return far

    def data_received(self, data: bytes) -> None:
        self._waiting.append(data)
        self._loop.call_later(self._seconds, self._arrive)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the loop names it
        self._loop.call_later(self._seconds, self._leave)

    def _arrive(self) -> None:
        assert self._far is not None
        self._far.result().write(self._waiting.popleft())

    def _leave(self) -> None:
        assert self._far is not None
        self._far.result().close()


class _Far(asyncio.Protocol):
    """The registry's side: its answers go back as they are."""

    def __init__(self, near: asyncio.WriteTransport) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        self._near.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the loop names it
        self._near.close()


async def serve(port: int, to: int, seconds: float) -> None:
    """Listen until the process is stopped.

    Args:
        port: of 127.0.0.1, to listen on.
        to: port of 127.0.0.1 that is made far away.
        seconds: how late a request arrives; long enough to connect to ``to`` before.
    """
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Near(to, seconds), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) / 1000))
