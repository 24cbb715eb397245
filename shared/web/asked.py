"""A request that the table of routes let in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller


class Asked(msgspec.Struct, frozen=True):
    """What a handler is handed.

    Attributes:
        request: as the Functions host handed it over; its query and its body are what may be read of it.
        parameters: those of the path, of their types.
        caller: who asks; has a role that the route wants.
    """

    request: func.HttpRequest
    parameters: Mapping[str, str]
    caller: Caller


Handler = Callable[[Asked], func.HttpResponse]
