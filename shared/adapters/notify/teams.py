"""Workflows of Teams that post cards: https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams.

What they answer says only that the flow has begun; whether the card was posted stands in the flow's history.
"""

from __future__ import annotations

import msgspec

from shared.adapters.notify.answers import taken
from shared.adapters.notify.posting import post
from shared.adapters.redaction import redacted
from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering_teams import teams_payload
from shared.errors import Refused, Unavailable
from shared.notify_settings import Destination
from shared.sender_ports import Sent

# What an old connector of Office 365 says, with status 200.
_FAILED = "Webhook message delivery failed"
_GONE = "The workflow is gone, off, or has a new address: copy it from Teams again and set {setting}"


class TeamsSender:
    """Sends to one workflow.

    Args:
        destination: whose address is that of the workflow's trigger, with its signature.
    """

    takes_ids = False

    def __init__(self, destination: Destination) -> None:
        self._to = destination
        gone = _GONE.format(setting=destination.setting)
        self._hints = {400: gone, 401: gone, 403: gone, 404: gone, 410: gone}

    def send(self, message: Outgoing) -> Sent:
        """See ``Sender``."""
        doing = f"destination {self._to.name} (Teams)"
        body = msgspec.json.encode(teams_payload(message))
        answer = post(doing, self._to.address, {"Content-Type": "application/json; charset=utf-8"}, body)
        sent = taken(doing, answer, self._hints)
        if _FAILED in answer.text:
            raise Refused(f"{doing}: {redacted(answer.text)}. Connectors are retired: use a workflow", code="200")
        if "html" in answer.headers.get("content-type", ""):
            raise Unavailable(f"{doing}: HTTP {answer.status} and a web page, which no workflow answers", code="200")
        return sent
