"""GET /api/openapi.json, GET /api/reference and GET /api/problems/{problem}: what the API says of itself.

What makes them is loaded by the first that asks.
"""

from __future__ import annotations

from functools import cached_property

import azure.functions as func

from shared.domain.links import Links
from shared.web.asked import Asked
from shared.web.route import JSON


class Described:
    """Serves what the API says of itself.

    Args:
        links: say where people reach the app.
        installation: its short name.
    """

    def __init__(self, links: Links, installation: str) -> None:
        self._links = links
        self._installation = installation

    def document(self, _: Asked) -> func.HttpResponse:
        """Return the document, OpenAPI 3.1."""
        return func.HttpResponse(self._document, mimetype=JSON)

    @cached_property
    def _document(self) -> bytes:
        """The same for as long as the process lives."""
        from shared.domain.notices.event import NoticeEvent  # noqa: PLC0415
        from shared.web.openapi import Sent, document  # noqa: PLC0415

        purpose = "A notice, sent to each destination of the kind webhook as a CloudEvent, signed by Standard Webhooks."
        notice = Sent("notice", purpose, NoticeEvent, "application/cloudevents+json")
        return document(self._links, sent=(notice,))

    def reference(self, _: Asked) -> func.HttpResponse:
        """Return the page that describes the API."""
        from shared.web.reference import reference  # noqa: PLC0415

        return reference(self._links, self._installation)

    def problem(self, asked: Asked) -> func.HttpResponse:
        """Return the page of a type of problem."""
        from shared.web.reference import explained  # noqa: PLC0415

        return explained(asked.parameters["problem"], self._links)
