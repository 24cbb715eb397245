"""The trigger of a workflow of Teams: it takes nearly everything, and what it cannot post then nobody sees.

The answer only says that the flow has begun. What becomes of it stands in the flow's history, here in what is kept:
https://learn.microsoft.com/azure/connectors/connectors-native-reqres and, for the size after expansion,
https://github.com/MicrosoftDocs/msteams-docs/issues/11274
"""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from infra.local.emulator.front import Route
from infra.local.emulator.wire import arm_error
from infra.local.receivers.cards import calls_of, wrong_with
from infra.local.receivers.kept import Kept, Received

WORKFLOW = "0123456789abcdef0123456789abcdef"
SIGNATURE = "c-3iiBjByin64STF8bVGeRrjAu6qhGR7QAs_wZ-aF4Q"
# The port, the encoded slashes and the order are as Power Automate writes them; whoever rewrites them breaks them.
PATH = (
    f"/powerautomate/automations/direct/workflows/{WORKFLOW}/triggers/manual/paths/invoke"
    f"?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"
)
# Names of chats are short and its properties few, so what is posted is the card within a string within JSON.
_LARGEST = 28_672


class Teams:
    """One workflow that posts each card it is given to a channel.

    Args:
        kept: is given what arrives.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def routes(self) -> list[Route]:
        """Return the one request that there is."""
        pattern = "/powerautomate/automations/direct/workflows/<workflow>/triggers/manual/paths/invoke"
        return [Route("POST", pattern, "message", self.post)]

    def post(self, request: Request, workflow: str) -> Response:
        """Begin the flow, or refuse whoever may not begin it."""
        if workflow != WORKFLOW:
            return arm_error(404, "WorkflowNotFound", f"The workflow '{workflow}' could not be found.")
        asked = request.full_path
        if asked != PATH:
            return arm_error(401, "DirectApiAuthorizationRequired", "The signature is not this trigger's.")
        body = request.get_data(as_text=True)
        payload = _object(body)
        if payload is None or request.mimetype != "application/json":
            return arm_error(400, "TriggerInputSchemaMismatch", "The input body for trigger 'manual' is not an object.")
        why = _why_not_posted(payload)
        calls = () if why else calls_of(payload)
        self._kept.add(Received("teams", body, not why, why, {}, calls))
        return Response(status=202)


def _why_not_posted(payload: dict[str, Any]) -> str:
    attachments = payload.get("attachments")
    if not isinstance(attachments, list):
        return "the result of the evaluation of 'foreach' is Null, it must be a valid array"
    if not attachments:
        return "the flow posts each card, and there is none"
    for one in attachments:
        if wrong := wrong_with(one):
            return wrong
        size = expanded(one["content"])
        if size > _LARGEST:
            return f"MessageSizeExceeded: {size} bytes, whereas max allowed size is {_LARGEST} bytes"
    return ""


def expanded(card: object) -> int:
    """Return a card's size as it is counted: one string within a message's JSON, whose quotes count twice.

    What was measured once, 28,897 bytes of 24,453, lies between this and what was sent.
    """
    return len(json.dumps(json.dumps(card)))


def _object(body: str) -> dict[str, Any] | None:
    try:
        payload = json.loads(body)
    except ValueError:
        return None
    return payload if isinstance(payload, dict) else None
