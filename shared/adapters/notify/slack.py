"""Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

from __future__ import annotations

import msgspec

from shared.adapters.notify.answers import taken
from shared.adapters.notify.posting import post
from shared.adapters.redaction import redacted
from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering_slack import slack_payload
from shared.errors import Refused, Unavailable
from shared.notify_settings import Destination
from shared.sender_ports import Sent

_GONE = "The webhook or its channel is gone: make a new one in Slack and set {setting}"


class SlackSender:
    """Sends to one channel.

    Args:
        destination: whose address is that of the webhook.
    """

    takes_ids = False

    def __init__(self, destination: Destination) -> None:
        self._to = destination
        gone = _GONE.format(setting=destination.setting)
        self._hints = {403: gone, 404: gone, 410: gone}

    def send(self, message: Outgoing) -> Sent:
        """See ``Sender``."""
        doing = f"destination {self._to.name} (Slack)"
        body = msgspec.json.encode(slack_payload(message))
        answer = post(doing, self._to.address, {"Content-Type": "application/json; charset=utf-8"}, body)
        sent = taken(doing, answer, self._hints)
        if answer.text.strip() == "ok":
            return sent
        if '"ok":false' in answer.text.replace(" ", ""):
            # Slack's other interface answers so, and 200.
            raise Refused(f"{doing}: {redacted(answer.text)}. {self._to.setting} is no incoming webhook", code="200")
        raise Unavailable(f"{doing}: HTTP {answer.status} and not the word ok, which is not Slack's answer", code="200")
