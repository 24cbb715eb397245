"""How many requests a registry takes in a minute, of all who ask and of each of them.

https://learn.microsoft.com/azure/container-registry/container-registry-skus
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.rate_limits import Window
from infra.local.emulator.settings import Settings
from infra.local.emulator.throttle import Buckets
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.wire import registry_error

_MINUTE = 60
_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_TOO_MANY = (
    "Too many requests. Please visit https://aka.ms/acr/skus#sku-feature-matrix to view limits of all service tiers."
)


class RegistryLimits:
    """Refuses what one registry's data plane would; the guard of its front.

    Args:
        settings: ``registry_limits``.
        tokens: say whose request it is.
        clock: seconds, from whenever.
    """

    def __init__(self, settings: Settings, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._tokens = tokens
        self._clock = clock
        self._buckets = Buckets(clock)

    def __call__(self, request: Request, route: Route) -> Response | None:
        """Return the refusal, or ``None`` where the request may go on.

        ``Retry-After`` counts down to the end of the minute, as documented, whenever the next token comes; whoever asks
        before is served if there is one.
        """
        limits = self._settings.now.registry_limits
        if not limits:
            return None
        for kind, caller in self._counted(request, route):
            limit = limits.get(kind)
            if limit is not None and not self._buckets.take((kind, caller), limit, limit / _MINUTE).given:
                return self._refusal()
        return None

    def _counted(self, request: Request, route: Route) -> Iterator[tuple[str, str]]:
        """Yield as what a request counts, and for whom: for everybody, and then for its caller if a token names one."""
        if request.path.startswith("/oauth2/"):
            yield "oauth", ""
            return
        token = self._tokens.read("acr-access", request.headers.get("Authorization", "").removeprefix("Bearer "))
        kinds = [_KINDS.get(request.method, "writes"), *(["referrers"] if route.kind == "GET referrers" else [])]
        for kind in kinds:
            yield kind, ""
            if token:
                yield f"identity_{kind}", str(token["sub"])

    def _refusal(self) -> Response:
        response = registry_error(429, "TOOMANYREQUESTS", _TOO_MANY)
        response.headers["Retry-After"] = str(math.ceil(_MINUTE - self._clock() % _MINUTE))
        return response


class Burst:
    """Refuses what Microsoft's public registry would; the guard of its front.

    Its refusal is plain text without ``Retry-After``, as in https://github.com/Azure/acr/issues/754.

    Args:
        settings: ``mcr_burst``.
        clock: seconds, from whenever.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._window = Window(clock)

    def __call__(self, request: Request, _: Route) -> Response | None:
        """Return the refusal, or ``None`` where the request may go on."""
        burst = self._settings.now.mcr_burst
        if not burst or self._window.use(request.remote_addr or "", int(burst[0]), burst[1]):
            return None
        return Response("Ref A: 0 Ref B: 0 Ref C: 0", 429, content_type="text/plain")
