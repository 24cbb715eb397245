"""The control port's commands that clean up a registry: ``acr purge``, and the day's work of a retention policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from werkzeug.exceptions import abort
from werkzeug.wrappers import Request, Response

from infra.local.emulator.contents import Contents
from infra.local.emulator.front import Route
from infra.local.emulator.purge import Purge
from infra.local.emulator.purge_request import PurgeRequest, seconds
from infra.local.emulator.registries import PARTS
from infra.local.emulator.retention import Retention
from infra.local.emulator.wire import arm_error, json_object, json_reply


class Cleanups:
    """Both commands; each is over when it is answered.

    Args:
        contents: finds a registry's, by its part.
        retention: the policies.
    """

    def __init__(self, contents: Callable[[str], Contents], retention: Retention) -> None:
        self._contents = contents
        self._retention = retention

    def routes(self) -> list[Route]:
        """Return the routes served."""
        return [
            Route("POST", "/purge", "POST purge", self.purge),
            Route("POST", "/retention", "POST retention", self.retain),
        ]

    def purge(self, request: Request) -> Response:
        """Purge, and answer what was deleted; 400 says what is wrong with the options."""
        try:
            wanted = PurgeRequest.read(json_object(request))
        except (TypeError, ValueError) as error:
            return arm_error(400, "InvalidPurge", str(error))
        return json_reply(asdict(Purge(self._of(wanted.registry), wanted).run()))

    def retain(self, request: Request) -> Response:
        """Do what a policy does in a day, ``later`` than it is, and answer what was deleted."""
        body = json_object(request)
        registry = str(body.get("registry", ""))
        try:
            later = seconds(str(body.get("later", "")))
        except ValueError as error:
            return arm_error(400, "InvalidRetention", str(error))
        return json_reply({"manifests": self._retention.run(registry, self._of(registry), later)})

    def _of(self, registry: str) -> Contents:
        if registry not in PARTS:
            abort(arm_error(400, "InvalidRegistry", f"registry: there are {', '.join(PARTS)}; not {registry!r}"))
        return self._contents(PARTS[registry])
