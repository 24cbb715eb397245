"""The twin's own port: what was counted, which faults to play, what to change, what the registries tell."""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.wrappers import Request, Response

from infra.local.emulator.counting import Counts
from infra.local.emulator.events import Events
from infra.local.emulator.faults import Faults
from infra.local.emulator.front import Route
from infra.local.emulator.operations import Operations
from infra.local.emulator.registries import PARTS, UPSTREAMS
from infra.local.emulator.runs import Runs
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import arm_error, json_object, json_reply


class Control:
    """The routes of the control port; nothing in Azure is like it."""

    def __init__(
        self,
        counts: Counts,
        faults: Faults,
        settings: Settings,
        operations: Operations,
        runs: Runs,
        events: Events,
    ) -> None:
        self._counts = counts
        self._faults = faults
        self._settings = settings
        self._operations = operations
        self._runs = runs
        self._events = events

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("GET", "/health", "GET health", lambda _: json_reply({"status": "ok"})),
            Route("GET", "/counts", "GET counts", lambda _: json_reply(self._counts.snapshot())),
            Route("DELETE", "/counts", "DELETE counts", lambda _: _done(self._counts.reset)),
            Route("GET", "/faults", "GET faults", lambda _: json_reply(self._faults.snapshot())),
            Route("POST", "/faults", "POST fault", self.add_fault),
            Route("DELETE", "/faults", "DELETE faults", lambda _: _done(self._faults.clear)),
            Route("GET", "/settings", "GET settings", lambda _: json_reply(self._settings.snapshot())),
            Route("POST", "/settings", "POST settings", self.change_settings),
            Route("GET", "/operations", "GET operations", lambda _: json_reply(self._operations.snapshot())),
            Route("GET", "/runs", "GET runs", lambda _: json_reply(self._runs.listed())),
            Route("POST", "/registry-events/<part>", "POST registry events", self.registry_events),
        ]

    def add_fault(self, request: Request) -> Response:
        """Add one fault; 400 says what is wrong with it."""
        try:
            self._faults.add(json_object(request))
        except (TypeError, ValueError) as error:
            return arm_error(400, "InvalidFault", str(error))
        return Response(status=204)

    def change_settings(self, request: Request) -> Response:
        """Change the named settings; 400 names those that do not exist."""
        try:
            self._settings.change(json_object(request))
        except ValueError as error:
            return arm_error(400, "InvalidSetting", str(error))
        return Response(status=204)

    def registry_events(self, request: Request, part: str) -> Response:
        """Take the notifications of one part's registry."""
        if part not in (*UPSTREAMS, *PARTS.values()):
            return arm_error(404, "NotFound", f"{part} is not a registry of the twin.")
        self._events.receive(part, json_object(request)["events"])
        return Response(status=204)


def _done(action: Callable[[], None]) -> Response:
    action()
    return Response(status=204)
