"""GET and POST /api/decisions: what people decided, as one document, to be kept elsewhere and to be brought back."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from shared.domain.decisions.checking import read_decisions
from shared.domain.decisions.document import MEDIA_TYPE, written
from shared.errors import MalformedInput, MalformedRequest
from shared.flows.export_decisions import DecisionExporter
from shared.flows.import_decisions import DecisionImporter
from shared.ports import Clock
from shared.web.answers import json_answer
from shared.web.asked import Asked

# A thousand tags with everything that their records hold.
LARGEST_BODY = 16 * 1024 * 1024
_ANSWERS = {"": False, "false": False, "true": True}


class DecisionPages:
    """Serves documents of what people decided.

    Args:
        exporter: reads what people decided.
        importer: brings it back.
        clock: tells the time.
    """

    def __init__(
        self,
        exporter: Callable[[], DecisionExporter],
        importer: Callable[[], DecisionImporter],
        clock: Clock,
    ) -> None:
        self._exporter = exporter
        self._importer = importer
        self._clock = clock

    def export(self, asked: Asked) -> func.HttpResponse:  # noqa: ARG002  whoever may ask gets all of it
        """Return the document of what people decided until now."""
        return func.HttpResponse(written(self._exporter().export()), mimetype=MEDIA_TYPE)

    def bring_back(self, asked: Asked) -> func.HttpResponse:
        """Bring back what a document says.

        Args:
            asked: the body is the document; ``dry_run=true`` tells what would come of it, and writes nothing.

        Returns:
            200 with what became of each word; ``whole`` is false where the same document is to be sent again.

        Raises:
            MalformedRequest: 400 for what is no document, 413 for one that is too large.
        """
        body, dry_run = asked.request.get_body(), _dry_run(asked)
        if len(body) > LARGEST_BODY:
            raise MalformedRequest(f"the body has {len(body)} bytes; at most {LARGEST_BODY} are read", status=413)
        try:
            decisions = read_decisions(body, self._clock())
        except MalformedInput as error:
            raise MalformedRequest(str(error)) from error
        return json_answer(self._importer().take(decisions, asked.caller, dry_run=dry_run))


def _dry_run(asked: Asked) -> bool:
    """Whoever misspells it means to write nothing, so that another word is refused."""
    text = asked.request.params.get("dry_run", "")
    unknown = set(asked.request.params) - {"dry_run"}
    if text not in _ANSWERS or unknown:
        raise MalformedRequest("dry_run is true or false, and nothing else can be said beside it")
    return _ANSWERS[text]
