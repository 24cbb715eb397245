"""Connections that lie idle between two checks and live on, for upstreams and for Azure's SDKs alike.

Imports ``requests``, so this module is itself imported only where something is asked.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Session
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from azure.core.pipeline.transport import RequestsTransport

# As many as there are threads that run functions; what is beyond waits for no connection, it makes one.
CONNECTIONS = 32
# Azure forgets a connection that is silent for four minutes, without a word to either side, and what is sent over it
# then is waited for in vain: https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout
_OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)


class KeptAlive(HTTPAdapter):
    """An adapter whose pools keep ``CONNECTIONS`` connections, and say a word on each that is idle every minute."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: tuple[str, str] | str | None = None
    ) -> Any:
        """See ``HTTPAdapter``: what tells one pool of connections from another."""
        host, attributes = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**attributes, "socket_options": _OPTIONS}


def sdk_transport(connect_seconds: float, read_seconds: float) -> RequestsTransport:
    """Return what Azure's SDKs send with, for clients that share their connections.

    Args:
        connect_seconds: to connect.
        read_seconds: between two pieces of an answer.
    """
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415  upstreams need none of it

    session = Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, KeptAlive())
    return RequestsTransport(
        session=session, session_owner=False, connection_timeout=connect_seconds, read_timeout=read_seconds
    )
