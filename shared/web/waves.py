"""GET /api/waves and GET /api/waves/{wave}, and below that the words that people say of a wave, by POST."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func

from shared.domain.promotion.actions import Declined
from shared.domain.promotion.said import Said
from shared.domain.references import parse_path
from shared.domain.waves.states import WaveState
from shared.ports import Clock
from shared.web.acting_bodies import DECODERS, OnTarget
from shared.web.answers import json_answer, part_answer, problem
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line
from shared.web.queries import after_of, limit_of, one_of

# Loaded by the first who asks for waves.
if TYPE_CHECKING:
    from shared.domain.waves.wave import Word
    from shared.flows.list_waves import WaveLister
    from shared.flows.speak_of_waves import WaveSpeaker


class WavePages:
    """Serves waves.

    Args:
        lister: gives who lists them.
        speaker: gives who hears what people say of them.
        clock: tells the time.
    """

    def __init__(self, lister: Callable[[], WaveLister], speaker: Callable[[], WaveSpeaker], clock: Clock) -> None:
        self._lister = lister
        self._speaker = speaker
        self._clock = clock

    def listed(self, asked: Asked) -> func.HttpResponse:
        """List waves: all, of one ``state`` or of one ``repository``, at most so many (``limit``), ``after`` one.

        Raises:
            MalformedRequest, InvalidReference: a parameter is not what it should be.
        """
        from shared.web.shown_waves import WavesPart, line_of  # noqa: PLC0415

        request = asked.request
        repository, state = request.params.get("repository", ""), one_of(request, "state", WaveState)
        if repository:
            parse_path(repository)
        states = (state,) if state is not None else ()
        found = self._lister().some(limit_of(request), repository=repository, states=states, after=after_of(request))
        lines = tuple(map(line_of, found.waves))
        part = WavesPart(waves=lines, next=found.after, unreadable=found.unreadable)
        return part_answer(part, request, found.after)

    def one(self, asked: Asked) -> func.HttpResponse:
        """Show one wave with its members; 404 if there is none with the id."""
        from shared.web.shown_waves import shown_wave  # noqa: PLC0415

        return json_answer(shown_wave(self._lister().one(asked.parameters["wave"])))

    def go_on(self, asked: Asked) -> func.HttpResponse:
        """Have the others rebuilt, whatever the canaries said."""
        return self._say(asked, _words().CONTINUE)

    def restore(self, asked: Asked) -> func.HttpResponse:
        """Have the tag go back to the digest before."""
        return self._say(asked, _words().RESTORE)

    def cancel(self, asked: Asked) -> func.HttpResponse:
        """Have nobody else rebuilt."""
        return self._say(asked, _words().CANCEL)

    def _say(self, asked: Asked, word: Word) -> func.HttpResponse:
        """Return 200 with the wave from then on, or 409 with the reason by name."""
        from shared.web.shown_waves import shown_wave  # noqa: PLC0415

        body: OnTarget = decoded(asked.request.get_body(), DECODERS[OnTarget], OnTarget)
        said = Said(asked.caller.said, one_line(body.why, "why"), self._clock())
        done = self._speaker().say(asked.parameters["wave"], word, said, body.number)
        if isinstance(done, Declined):
            return problem(done.detail, 409, reason=done.reason.value)
        return json_answer(shown_wave(done))


def _words() -> type[Word]:
    from shared.domain.waves.wave import Word  # noqa: PLC0415

    return Word
