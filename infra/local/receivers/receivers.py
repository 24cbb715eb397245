"""All receivers together: their ports, their faults, and what they kept."""

from __future__ import annotations

import ssl
from urllib.parse import quote

from werkzeug.serving import BaseWSGIServer
from werkzeug.wrappers import Request, Response

from infra.local.emulator.counting import Counts
from infra.local.emulator.faults import Faults
from infra.local.emulator.front import Front, Route
from infra.local.emulator.server import close, listen
from infra.local.emulator.wire import json_reply
from infra.local.receivers import mail, slack, teams, webhook
from infra.local.receivers.kept import Kept
from infra.local.topology import Topology


class Receivers:
    """Slack, a workflow of Teams, a receiver of webhooks and a mail server, listening from ``start`` to ``stop``.

    Args:
        topology: ports.
        context: shows the twin's certificate.
        counts: is told of every request.
        faults: what goes wrong on demand, by the fronts ``slack``, ``teams``, ``webhook`` and ``mail``.
    """

    def __init__(self, topology: Topology, context: ssl.SSLContext, counts: Counts, faults: Faults) -> None:
        self.kept = Kept()
        self._topology, self._context, self._counts, self._faults = topology, context, counts, faults
        ports = topology.port("mail"), topology.port("mail_tls")
        self._mail = mail.MailServer(ports, context, counts, faults, self.kept)
        self._servers: list[BaseWSGIServer] = []

    def start(self) -> None:
        """Listen on every port."""
        fronts = {
            "slack": slack.Slack(self.kept).routes(),
            "teams": teams.Teams(self.kept).routes(),
            "webhook": webhook.WebhookReceiver(self.kept).routes(),
        }
        for name, routes in fronts.items():
            front = Front(name, routes, self._counts, self._faults)
            self._servers.append(listen(front, self._topology.port(name), self._context))
        self._mail.start()

    def stop(self) -> None:
        """Stop listening."""
        for server in self._servers:
            close(server)
        self._mail.stop()

    def routes(self) -> list[Route]:
        """Return what the control port is asked about them."""
        return [
            Route("GET", "/received", "GET received", self._received),
            Route("DELETE", "/received", "DELETE received", self._forget),
        ]

    def _received(self, request: Request) -> Response:
        return json_reply(self.kept.snapshot(request.args.get("front", "")))

    def _forget(self, _: Request) -> Response:
        self.kept.clear()
        return Response(status=204)


def destination_settings(topology: Topology) -> dict[str, str]:
    """Return the product's settings by which notices go to the twin's receivers, one of each kind.

    Args:
        topology: where they listen.
    """
    login = f"{mail.USER}:{quote(mail.PASSWORD)}@localhost"
    who = "from=tidegate@example.net&to=platform@example.net,security@example.net"
    return {
        "NOTIFY_SLACK": f"slack:{topology.https('slack')}{slack.PATH}",
        "NOTIFY_TEAMS": f"teams:{topology.https('teams')}{teams.PATH}",
        "NOTIFY_WEBHOOK": f"webhook:{topology.https('webhook')}{webhook.PATH} {webhook.SECRET}",
        "NOTIFY_MAIL": f"mail:smtp://{login}:{topology.port('mail')}?{who}",
        "NOTIFY_MAIL_TLS": f"mail:smtps://{login}:{topology.port('mail_tls')}?{who}",
    }
