"""ARM's asynchronous operations, in both forms that the service uses.

https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.arm import PROVIDER, not_found
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import json_reply, provider_error
from infra.local.topology import SUBSCRIPTION, Topology

OPERATION_RESULTS = f"/subscriptions/{SUBSCRIPTION}/{PROVIDER}/locations/<region>/operationResults/<operation>"
# How long the parts of a signed address are: a certificate, a signature and a hash.
_CERTIFICATE, _SIGNATURE_BYTES = 2615, 256
# Ticks of .NET, tenths of microseconds, at the beginning of 1970.
_EPOCH_TICKS = 621_355_968_000_000_000
_IMPORT_PACE, _TASK_RUN_PACE = 10, 30


@dataclass(frozen=True)
class Outcome:
    """How a long-running operation ended; no ``code`` means well."""

    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class _Operation:
    outcome: Callable[[], Outcome | None]
    pending: Callable[[], dict[str, str]] = field(default=dict)


class LongRunning:
    """Operations by the path that tells of them."""

    def __init__(self, topology: Topology, settings: Settings) -> None:
        self._base = topology.https("arm")
        self._settings = settings
        self._key = secrets.token_bytes(32)
        self._certificate = secrets.token_urlsafe(_CERTIFICATE)[:_CERTIFICATE]
        self._lock = threading.Lock()
        self._operations: dict[str, _Operation] = {}

    def track(
        self, path: str, outcome: Callable[[], Outcome | None], pending: Callable[[], dict[str, str]] = dict
    ) -> None:
        """Keep an operation.

        Args:
            path: where it is asked about.
            outcome: tells how it ended, or ``None`` while it goes on.
            pending: what an answer says beside the status while it goes on.
        """
        with self._lock:
            self._operations[path] = _Operation(outcome, pending)

    def location(self, path: str, request: Request) -> dict[str, str]:
        """Return the headers of a 202 whose result is asked for at ``Location``; the address is new every time."""
        return {"Location": self._signed(path, request), **self._pace(_IMPORT_PACE)}

    def async_operation(self, path: str, request: Request) -> dict[str, str]:
        """Return the headers of a 201 whose status is asked for at ``Azure-AsyncOperation``."""
        return {"Azure-AsyncOperation": self._signed(path, request), **self._pace(_TASK_RUN_PACE)}

    def result(self, request: Request, **_: str) -> Response:
        """Answer a poll of ``Location``: 202 while it goes on, then 200 or the error it ended with."""
        operation = self._find(request)
        outcome = operation.outcome()
        if outcome is None:
            body = {**operation.pending(), "status": "Accepted"}
            return json_reply(body, 202, self.location(request.path, request))
        if outcome.code:
            return provider_error(409 if outcome.code == "Conflict" else 400, outcome.code, outcome.message)
        return json_reply({"status": "Succeeded"})

    def status(self, request: Request, **_: str) -> Response:
        """Answer a poll of ``Azure-AsyncOperation``: always 200, the status is in the body."""
        outcome = self._find(request).outcome()
        if outcome is None:
            return json_reply({"status": "Creating"}, headers=self._pace(_TASK_RUN_PACE))
        if outcome.code:
            return json_reply({"status": "Failed", "error": {"code": outcome.code, "message": outcome.message}})
        return json_reply({"status": "Succeeded"})

    def _find(self, request: Request) -> _Operation:
        shown = request.args
        signed = self._sign(request.path, shown.get("t", ""))
        if any(shown.get(name) != value for name, value in signed.items()) or request.path not in self._operations:
            abort(not_found(request.path.rpartition("/")[2]))
        return self._operations[request.path]

    def _pace(self, seconds: int) -> dict[str, str]:
        short = self._settings.now.short_retry_after
        return {"Retry-After": str(seconds if short is None else short)}

    def _signed(self, path: str, request: Request) -> str:
        ticks = str(time.time_ns() // 100 + _EPOCH_TICKS)
        query = {"api-version": request.args.get("api-version", ""), "t": ticks, **self._sign(path, ticks)}
        return f"{self._base}{path}?{urlencode(query)}"

    def _sign(self, path: str, ticks: str) -> dict[str, str]:
        text = f"{path}?{ticks}".encode()
        signature = hashlib.shake_256(self._key + text).digest(_SIGNATURE_BYTES)
        stamp = hmac.new(self._key, text, hashlib.sha256).digest()
        return {"c": self._certificate, "s": _text(signature), "h": _text(stamp)}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
