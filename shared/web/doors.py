"""Which of the two doors a request comes to: that of the API, or that of the pages, which is built by its first one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import azure.functions as func

from shared.web.answers import guarded
from shared.web.pages.table import is_page


class Door(Protocol):
    """Serves requests."""

    def serve(self, request: func.HttpRequest) -> func.HttpResponse:
        """Answer one."""
        ...


class Doors:
    """Serves every request that no other function of the app takes.

    Args:
        api: the door of the API.
        pages: makes the door of the pages; called once, when the first one is asked for.
        request_id: makes the id of a request.
    """

    def __init__(self, api: Door, pages: Callable[[], Door], request_id: Callable[[], str]) -> None:
        self._api = api
        self._make = pages
        self._request_id = request_id
        self._pages: Door | None = None
        self._lock = threading.Lock()

    def serve(self, request: func.HttpRequest) -> func.HttpResponse:
        """Answer a request; where not even the door of the pages can be made, there is no page to say so."""
        if not is_page(request.route_params.get("path") or ""):
            return self._api.serve(request)
        return guarded(lambda: self._of_pages().serve(request), self._request_id)

    def _of_pages(self) -> Door:
        with self._lock:
            if self._pages is None:
                self._pages = self._make()
            return self._pages
