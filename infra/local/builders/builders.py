"""All builders together on one port, what goes wrong with them, and what they began."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from werkzeug.serving import BaseWSGIServer
from werkzeug.wrappers import Request, Response

from infra.local.builders import events, github, pipelines
from infra.local.builders.builds import Builds
from infra.local.emulator.counting import Counts
from infra.local.emulator.faults import Faults
from infra.local.emulator.front import Front, Route
from infra.local.emulator.server import close, listen
from infra.local.emulator.wire import json_reply
from infra.local.topology import Topology


class Builders:
    """GitHub, Azure Pipelines and a builder that takes events, listening from ``start`` to ``stop``.

    Args:
        topology: the port.
        context: shows the twin's certificate.
        counts: is told of every request.
        faults: what goes wrong on demand, by the front ``builders``.
        lets_in: tells whether a token is the app's identity's for Azure DevOps.
    """

    def __init__(
        self,
        topology: Topology,
        context: ssl.SSLContext,
        counts: Counts,
        faults: Faults,
        lets_in: Callable[[str], bool],
    ) -> None:
        self._topology, self._context, self._counts, self._faults = topology, context, counts, faults
        self.builds = {
            "github": Builds("success", "cancelled"),
            "pipelines": Builds("succeeded", "canceled"),
            "events": Builds("built", "undecided"),
        }
        self.github = github.GitHub(self.builds["github"])
        self.events = events.EventBuilder(self.builds["events"])
        self._pipelines = pipelines.Pipelines(self.builds["pipelines"], lets_in)
        self._servers: list[BaseWSGIServer] = []

    def start(self) -> None:
        """Listen."""
        routes = [*self.github.routes(), *self._pipelines.routes(), *self.events.routes()]
        front = Front("builders", routes, self._counts, self._faults)
        self._servers.append(listen(front, self._topology.port("builders"), self._context))

    def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            close(server)

    def forget(self) -> None:
        """Be as at the start."""
        for builds in self.builds.values():
            builds.forget()
        self.events.forget()

    def routes(self) -> list[Route]:
        """Return what the control port is asked about them."""
        return [
            Route("GET", "/builds", "GET builds", self._begun),
            Route("PUT", "/builds/<name>", "PUT builds", self._be),
            Route("DELETE", "/builds", "DELETE builds", self._forget),
        ]

    def _begun(self, _: Request) -> Response:
        begun: dict[str, object] = {name: builds.snapshot() for name, builds in self.builds.items()}
        return json_reply({**begun, "told": self.events.told})

    def _be(self, request: Request, name: str) -> Response:
        try:
            self.builds[name].be(request.get_json(force=True))
        except (KeyError, ValueError, TypeError) as error:
            return Response(str(error), 400)
        return Response(status=204)

    def _forget(self, _: Request) -> Response:
        self.forget()
        return Response(status=204)


def dispatcher_settings(topology: Topology) -> dict[str, str]:
    """Return the product's settings by which builds are asked for at the twin's builders.

    Args:
        topology: where they listen.
    """
    where = topology.https("builders")
    return {
        "DISPATCH_GITHUB": f"github:{where}{github.PREFIX} token={github.TOKEN}",
        "DISPATCH_PIPELINES": f"pipelines:{where}{pipelines.PREFIX}",
        "DISPATCH_EVENTS": f"events:{where}{events.PATH} send={events.SEND} answer={events.ANSWER}",
    }


def app_settings(topology: Topology) -> dict[str, str]:
    """Return the same with GitHub asked by an App, whose key the twin's vault holds.

    Args:
        topology: where they listen.
    """
    key = f"{topology.https('vault')}/keys/{github.KEY}"
    app = f"app={github.APP} installation={github.INSTALLATION} key={key}"
    by_app = f"github:{topology.https('builders')}{github.PREFIX} {app}"
    return {**dispatcher_settings(topology), "DISPATCH_GITHUB": by_app}
