"""How many requests ARM takes of one caller, and the registries' resource provider of one kind.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence

from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.rate_limits import Window
from infra.local.emulator.role_definitions import REGISTRIES
from infra.local.emulator.settings import Settings
from infra.local.emulator.throttle import EARLY, Buckets, Grant, Waits
from infra.local.emulator.wire import arm_error
from infra.local.topology import SUBSCRIPTION

_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_LEFT = "emulator.left"


class ArmLimits:
    """Refuses what is beyond the limits in the settings, and says in the headers how much is left.

    Args:
        settings: ``arm_buckets`` and ``provider_limits``.
        clock: seconds, from whenever.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._buckets = Buckets(clock)
        self._waits = Waits(clock)
        self._window = Window(clock)

    def by_caller(self, request: Request, client: str) -> Response | None:
        """Return ARM's refusal where the caller has no token left for requests of this kind."""
        kind = _KINDS.get(request.method, "writes")
        bucket = self._settings.now.arm_buckets.get(kind)
        if not bucket:
            return None
        again = self._again(request, (client, kind))
        grant = Grant(0, again) if again else self._buckets.take((client, kind), *bucket)
        request.environ[_LEFT] = (kind, grant.left)
        if grant.given:
            return None
        return _of_subscription(request, again or self._tell((client, kind), grant.wait))

    def by_provider(self, request: Request, client: str, route: Route) -> Response | None:
        """Return the provider's refusal where a kind of request has been asked for too often, by anybody."""
        limit = self._settings.now.provider_limits.get(route.kind)
        if not limit:
            return None
        window = (route.kind, int(limit[0]), limit[1])
        again = self._again(request, (client, route.kind))
        if not again and self._window.use(*window):
            return None
        ends = self._window.look(*window).resets - self._clock()
        return _of_provider(route, limit, again or self._tell((client, route.kind), ends))

    def tell(self, request: Request, response: Response) -> None:
        """Say in an answer how many requests of its kind the caller has left."""
        if _LEFT in request.environ:
            kind, left = request.environ[_LEFT]
            response.headers[f"x-ms-ratelimit-remaining-subscription-{kind}"] = str(left)

    def _again(self, request: Request, who: Hashable) -> int:
        """Return for how many seconds a caller has still to wait that was told to; 0 if it may ask."""
        told = self._waits.look(who)
        if told is None:
            return 0
        request.environ[EARLY] = told.early
        return math.ceil(told.left)

    def _tell(self, who: Hashable, wait: float) -> int:
        seconds = max(1, math.ceil(wait))
        self._waits.tell(who, seconds)
        return seconds


def _of_subscription(request: Request, seconds: int) -> Response:
    names = request.path.strip("/").split("/")
    kept = [name for number, name in enumerate(names) if number % 2 == 0 or names[number - 1] == "providers"]
    operation = "/".join([request.method, *kept]).upper()
    message = (
        f"Number of requests for subscription '{SUBSCRIPTION}' and operation '{operation}' exceeded the backend "
        f"storage limit. Please try again after '{seconds}' seconds."
    )
    return _refusal("SubscriptionRequestsThrottled", message, seconds)


def _of_provider(route: Route, limit: Sequence[float], seconds: int) -> Response:
    interval = time.strftime("%H:%M:%S", time.gmtime(limit[1]))
    message = (
        f"Number of requests for action '{REGISTRIES}/{route.action or route.kind}' exceeded the limit of "
        f"'{limit[0]:g}' for time interval '{interval}'. Please try again after '{seconds}' seconds."
    )
    return _refusal("ResourceRequestsThrottled", message, seconds)


def _refusal(code: str, message: str, seconds: int) -> Response:
    response = arm_error(429, code, message)
    response.headers["Retry-After"] = str(seconds)
    return response
