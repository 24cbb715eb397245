"""Connections that lie idle between two checks and live on, for upstreams and for Azure's SDKs alike.

Imports ``requests``, so this module is itself imported only where something is asked.
"""

from __future__ import annotations

import socket
import ssl
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from requests import PreparedRequest, Session
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from shared.adapters.told_calls import DISCREET, POOLS

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
    """An adapter whose pools keep ``CONNECTIONS`` connections, and say a word on each that is idle every minute.

    All connections that trust one bundle of authorities share its TLS context, where ``requests`` would read the bundle
    for each of them and hold it as long as the connection lives.
    """

    pools = POOLS

    def __init__(self) -> None:
        super().__init__(pool_maxsize=CONNECTIONS)

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        """See ``HTTPAdapter``: where connections are pooled."""
        super().init_poolmanager(*sizes, **options)
        self.poolmanager.pool_classes_by_scheme = self.pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """See ``HTTPAdapter``: the same behind a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self.pools
        return manager

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: tuple[str, str] | str | None = None
    ) -> Any:
        """See ``HTTPAdapter``: what tells one pool of connections from another."""
        host, attributes = super().build_connection_pool_key_attributes(request, verify, cert)
        if not verify or cert:
            return host, {**attributes, "socket_options": _OPTIONS}
        bundle = str(DEFAULT_CA_BUNDLE_PATH if verify is True else verify)
        return host, {"socket_options": _OPTIONS, "ssl_context": trust(bundle)}

    def cert_verify(self, conn: Any, url: str, verify: bool | str, cert: tuple[str, str] | str | None) -> None:
        """See ``HTTPAdapter``: it would name the bundle to the pool, whose connections would read it once more."""
        if not verify or cert:
            super().cert_verify(conn, url, verify, cert)


class Discreet(KeptAlive):
    """The same to where an address is a secret: of what is asked, only the host is told."""

    pools = DISCREET


@cache
def trust(bundle: str) -> ssl.SSLContext:
    """Return what verifies certificates and names by a bundle of authorities.

    Reading certifi's takes the processor some 35 ms and 0.8 MB, and a check opens many connections at once.

    Args:
        bundle: a file, or a folder as OpenSSL reads it.

    Raises:
        OSError: there is no such bundle, or it is none.
    """
    folder = Path(bundle).is_dir()
    return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)


def sdk_transport(connect_seconds: float, read_seconds: float) -> RequestsTransport:
    """Return what Azure's SDKs send with, for clients that share their connections.

    Args:
        connect_seconds: to connect.
        read_seconds: between two pieces of an answer.
    """
    from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415  upstreams need none of it

    session = Session()
    machine = session.merge_environment_settings("https://", {}, False, None, None)
    # Which proxy is meant depends on the address. Without one the machine is asked once, and not for each request,
    # of which that is a tenth.
    session.trust_env = bool(getproxies())
    for scheme in ("https://", "http://"):
        session.mount(scheme, KeptAlive())
    return RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=connect_seconds,
        read_timeout=read_seconds,
        connection_verify=machine["verify"],
    )
