"""What serves each page of the table, put together from the parts when the first page is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import azure.functions as func

from shared.bootstrap import Parts
from shared.domain.access.callers import Caller
from shared.domain.events.messages import MESSAGE_QUEUES
from shared.flows.board import Boards
from shared.flows.show_candidate import show_candidate
from shared.flows.survey import read_target
from shared.page_acting import PageActs
from shared.rules.reading import readable
from shared.telemetry.spans import acting, request_id
from shared.web.asked import Asked, Handler
from shared.web.candidates import impact_of
from shared.web.pages.activity import activity_view, all_lines, as_csv
from shared.web.pages.approvals import approvals_view
from shared.web.pages.candidate import RELOAD_AFTER, candidate_view
from shared.web.pages.dependants import dependants_view
from shared.web.pages.editor import Editor
from shared.web.pages.environment import Writer
from shared.web.pages.exposure import exposure_view
from shared.web.pages.front import PageFront
from shared.web.pages.images import image_view, images_view
from shared.web.pages.now import now_view
from shared.web.pages.system import system_view
from shared.web.pages.target import target_view

_MOST_DIED = 20
_MOST_SAID = 20


class Pages:
    """The pages.

    Args:
        parts: the other parts of the app.
        identify: tells who asks.
        acts: what serves each address of the API that acts, by its name.
    """

    def __init__(
        self, parts: Parts, identify: Callable[[func.HttpRequest], Caller], acts: Mapping[str, Handler]
    ) -> None:
        self._parts = parts
        self._identify = identify
        self._acts = PageActs(parts, acts)

    @cached_property
    def front(self) -> PageFront:
        """What serves them."""
        sign_in = self._parts.settings.sign_in
        return PageFront(self._handlers, self._identify, acting, self.writer, request_id, sign_in=sign_in)

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

    @cached_property
    def _editor(self) -> Editor:
        admitting, acts = self._parts.admitting, self._acts
        return Editor(
            acts.handlers["put_file"],
            lambda: admitting.writer,
            lambda: admitting.comparer,
            acts.tokens,
            acts.deeds,
            lambda: self.writer,
        )

    @property
    def _handlers(self) -> Mapping[str, Handler]:
        return {
            "now": self._now,
            "images": self._images,
            "image": self._image,
            "candidate": self._candidate,
            "target": self._target,
            "act": self._acts.forms.take,
            "try": self._acts.trials.take,
            "edit": self._editor.show,
            "write": self._editor.take,
            "impact": self._impact,
            "waves": self._waves,
            "wave": self._wave,
            "speak": self._speak,
            "approvals": self._approvals,
            "dependants": self._dependants,
            "exposure": self._exposure,
            "activity": self._activity,
            "activity_csv": self._activity_csv,
            "system": self._system,
            "style": lambda _: self.writer.asset("style"),
            "script": lambda _: self.writer.asset("script"),
        }

    def _now(self, asked: Asked) -> func.HttpResponse:
        board = self.boards.now()
        return self.writer.page("now", now_view(board), asked.caller, as_of=board.at)

    def _images(self, asked: Asked) -> func.HttpResponse:
        board = self.boards.now()
        return self.writer.page("images", images_view(board, asked.request), asked.caller, as_of=board.at)

    def _image(self, asked: Asked) -> func.HttpResponse:
        board, name = self.boards.now(), asked.parameters["image"]
        view = image_view(board, self._parts.watch_lists.in_force(), name, asked.request)
        return self.writer.page("image", view, asked.caller, as_of=board.at)

    def _approvals(self, asked: Asked) -> func.HttpResponse:
        board = self.boards.now()
        view = approvals_view(board, asked.caller, asked.request)
        return self.writer.page("approvals", view, asked.caller, as_of=board.at)

    def _candidate(self, asked: Asked) -> func.HttpResponse:
        parts = self._parts
        name, registry = asked.parameters["candidate"], parts.target_book.registry
        shown = show_candidate(parts.candidates, parts.targets, parts.evidence, registry, name)
        impact = impact_of(shown.candidate, parts.dependants.impact.of_candidate)
        view = candidate_view(shown, self._acts.of_candidate(shown, asked.caller), impact)
        return self.writer.page("candidate", view, asked.caller, reload_after=RELOAD_AFTER if view.under_way else 0)

    def _target(self, asked: Asked) -> func.HttpResponse:
        target, lines = read_target(self._parts.targets, self._parts.activity, asked.parameters["target"])
        beside = self._parts.travelling.beside(target)
        offers, done = self._acts.offers(target, asked.caller), self._acts.deeds.told(asked)
        view = target_view(target, lines, offers, beside, done)
        return self.writer.page("target", view, asked.caller, reload_after=RELOAD_AFTER if view.under_way else 0)

    def _dependants(self, asked: Asked) -> func.HttpResponse:
        board = self.boards.now()
        rebuilds, _ = readable(stored.record for stored in self._parts.rebuilds.current())
        view = dependants_view(board, rebuilds, asked.request)
        return self.writer.page("dependants", view, asked.caller, as_of=board.at)

    def _impact(self, asked: Asked) -> func.HttpResponse:
        from shared.web.pages.impact import impact_view  # noqa: PLC0415

        name = asked.parameters["image"]
        told = self._parts.dependants.impact.of_entry(self._parts.watch_lists.in_force(), name)
        return self.writer.page("impact", impact_view(name, told, asked.request), asked.caller)

    def _waves(self, asked: Asked) -> func.HttpResponse:
        from shared.web.pages.waves import waves_view  # noqa: PLC0415

        view = waves_view(self._parts.rolling.lister.of_late(), asked.request)
        return self.writer.page("waves", view, asked.caller)

    def _wave(self, asked: Asked) -> func.HttpResponse:
        from shared.web.pages.waves import wave_view  # noqa: PLC0415

        wave = self._parts.rolling.lister.one(asked.parameters["wave"])
        events = self._parts.activity.of(f"wave:{wave.id}", _MOST_SAID)
        view = wave_view(wave, self._acts.words(wave, asked.caller), events, self._acts.deeds.told(asked))
        return self.writer.page("wave", view, asked.caller, reload_after=RELOAD_AFTER if view.under_way else 0)

    def _speak(self, asked: Asked) -> func.HttpResponse:
        return self._acts.waves.take(asked)

    def _exposure(self, asked: Asked) -> func.HttpResponse:
        board = self.boards.now()
        waivers = self._parts.admitting.exceptions.now().exceptions.waivers
        view = exposure_view(board, waivers, asked.request)
        return self.writer.page("exposure", view, asked.caller, as_of=board.at)

    def _activity(self, asked: Asked) -> func.HttpResponse:
        view = activity_view(asked.request, self._parts.activity, self._parts.clock)
        return self.writer.page("activity", view, asked.caller)

    def _activity_csv(self, asked: Asked) -> func.HttpResponse:
        lines = all_lines(asked.request, self._parts.activity, self._parts.clock)
        return self.writer.table("activity.csv", as_csv(lines))

    def _system(self, asked: Asked) -> func.HttpResponse:
        parts, board = self._parts, self.boards.now()
        watch_list, problem = parts.watch_lists.in_force(), parts.watch_lists.not_taken
        died = [line for queue in MESSAGE_QUEUES for line in parts.activity.of(f"queue:{queue}", _MOST_DIED)]
        view = system_view(
            board,
            asked.caller,
            watch_list,
            (problem.detail, problem.since) if problem is not None else ("", None),
            died,
            [stored.key for stored in parts.api_keys.every()],
            sign_in=parts.settings.sign_in,
            public_url=parts.settings.public_url,
            destinations=self._acts.destinations(asked.caller),
            done=self._acts.deeds.told(asked),
        )
        return self.writer.page("system", view, asked.caller, as_of=board.at)
