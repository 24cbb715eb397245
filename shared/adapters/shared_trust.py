"""Connections of ``requests`` that share what they trust: the bundle of authorities is read once for all of them.

Reading certifi's bundle takes the processor some 35 ms and 0.8 MB, and a check opens many connections at once.
https://requests.readthedocs.io/en/latest/user/advanced/#transport-adapters

Imports ``requests``, so this module is itself imported only where a session is opened.
"""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH


class SharedTrust(HTTPAdapter):
    """An adapter whose connections use one TLS context for each bundle, but where a client certificate is set."""

    def __init__(self, **options: Any) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        super().__init__(**options)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: tuple[str, str] | str | None = None
    ) -> Any:
        """See ``HTTPAdapter``: what tells one pool of connections from another."""
        host, attributes = super().build_connection_pool_key_attributes(request, verify, cert)
        if not _shares(verify, cert):
            return host, attributes
        return host, {"ssl_context": self._context(_bundle(verify))}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """See ``HTTPAdapter``: a shared context says all, and naming the bundle would have it read again."""
        if _shares(verify, cert):
            conn.cert_reqs = "CERT_REQUIRED"
        else:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]

    def _context(self, bundle: str) -> ssl.SSLContext:
        with self._lock:
            if bundle not in self._contexts:
                folder = Path(bundle).is_dir()
                self._contexts[bundle] = ssl.create_default_context(
                    cafile=None if folder else bundle, capath=bundle if folder else None
                )
            return self._contexts[bundle]


def _shares(verify: Any, cert: Any) -> bool:
    bundle = Path(_bundle(verify)) if verify else None
    return cert is None and bundle is not None and (bundle.is_file() or bundle.is_dir())


def _bundle(verify: Any) -> str:
    return str(DEFAULT_CA_BUNDLE_PATH if verify is True else verify)
