"""What serves each page of the table, put together from the parts when the first page is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import azure.functions as func

from shared.bootstrap import Parts
from shared.domain.access.callers import Caller
from shared.flows.board import Boards
from shared.telemetry.spans import acting, current_traceparent
from shared.web.asked import Asked, Handler
from shared.web.pages.environment import Writer
from shared.web.pages.front import PageFront
from shared.web.pages.now import now_view


class Pages:
    """The pages.

    Args:
        parts: the other parts of the app.
        identify: tells who asks.
    """

    def __init__(self, parts: Parts, identify: Callable[[func.HttpRequest], Caller]) -> None:
        self._parts = parts
        self._identify = identify

    @cached_property
    def front(self) -> PageFront:
        """What serves them."""
        sign_in = self._parts.settings.sign_in
        return PageFront(self._handlers, self._identify, acting, self.writer, _request_id, sign_in=sign_in)

    @cached_property
    def writer(self) -> Writer:
        """Writes them."""
        settings = self._parts.settings
        return Writer(settings.installation, self._parts.clock, sign_in=settings.sign_in)

    @cached_property
    def boards(self) -> Boards:
        """How everything stands."""
        parts = self._parts
        return Boards(
            parts.watch_lists.in_force,
            parts.observations,
            parts.targets,
            parts.candidates,
            parts.troubles,
            parts.tools,
            parts.watches,
            parts.budgets,
            parts.kept_listings,
            parts.target_book.registry,
            parts.settings.base_server,
            parts.clock,
        )

    @property
    def _handlers(self) -> Mapping[str, Handler]:
        return {
            "now": self._now,
            "style": lambda _: self.writer.asset("style"),
            "script": lambda _: self.writer.asset("script"),
        }

    def _now(self, asked: Asked) -> func.HttpResponse:
        board = self.boards.now()
        return self.writer.page("now", now_view(board), asked.caller, as_of=board.at)


def _request_id() -> str:
    """The trace's, where one is kept: the log is searched by it."""
    return current_traceparent().split("-")[1]
