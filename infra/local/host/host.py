"""The host: every trigger of an app, started together and stopped in good order."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from infra.local.host.deliveries import INVISIBLE_SECONDS
from infra.local.host.hostjson import HostJson
from infra.local.host.http import HttpSide
from infra.local.host.invoke import Invoker
from infra.local.host.keys import Keys
from infra.local.host.listeners import Listeners
from infra.local.host.metadata import Function
from infra.local.host.serving import web_server
from infra.local.host.sign_in_pages import Around


class Host:
    """Serves the functions of one app on 127.0.0.1."""

    def __init__(
        self,
        functions: list[Function],
        host_json: HostJson,
        settings: Mapping[str, str],
        port: int,
        keys: Keys,
        invisible_seconds: float = INVISIBLE_SECONDS,
        around: Around = lambda app: app,
    ):
        """Build every listener; nothing runs yet. Messages are received for ``invisible_seconds``, and renewed.

        ``around`` gives what stands before what is served.

        Raises:
            ConnectionMissingError: the storage connection of a trigger is not set.
        """
        self._invoker = Invoker()
        self._listeners = Listeners(functions, host_json, settings, self._invoker, invisible_seconds)
        http = HttpSide(functions, host_json.route_prefix, keys, self._invoker, settings)
        self._server = web_server(port, around(http))

    def start(self) -> None:
        """Start listening; returns at once."""
        self._listeners.start()
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()

    def stop(self, seconds: float) -> bool:
        """Stop taking work, wait up to ``seconds`` for what runs, and return whether all of it ended."""
        deadline = time.monotonic() + seconds
        self._listeners.stop()
        self._server.shutdown()
        # A message is settled after its function ended, so functions alone are not enough to wait for.
        settled = self._listeners.wait_settled(deadline)
        return self._invoker.close(max(0.0, deadline - time.monotonic())) and settled
