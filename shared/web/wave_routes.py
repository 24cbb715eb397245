"""The part of the table of routes about waves of rebuilds, and about what is kept of rebuilds."""

from __future__ import annotations

from shared.domain.waves.states import WaveState
from shared.web.acting_bodies import OnTarget
from shared.web.acting_routes import KEY
from shared.web.problems import Problem
from shared.web.route import ACTING, READING, Later, Method, Route, Value, part

_WAVE = Later("shared.web.shown_waves", "ShownWave")


def _word(name: str, path: str, purpose: str) -> Route:
    """Return a route by which a person says something of a wave."""
    return Route(
        name,
        Method.POST,
        f"waves/{{wave}}/{path}",
        ACTING,
        purpose,
        _WAVE,
        headers=(KEY,),
        body=OnTarget,
        example={"why": "as the runbook says", "number": 7},
        problems=(Problem.DECLINED,),
    )


WAVE_ROUTES = (
    Route(
        "list_waves",
        Method.GET,
        "waves",
        READING,
        "List waves of rebuilds, by repository, tag and decision.",
        Later("shared.web.shown_waves", "WavesPart"),
        query=part(
            Value("repository", "Only those of one repository of the base registry.", str, "base/node"),
            Value("state", "Only those in one state.", WaveState, WaveState.HELD.value),
        ),
    ),
    Route("get_wave", Method.GET, "waves/{wave}", READING, "Show one wave with its members and their results.", _WAVE),
    _word("continue_wave", "continue", "Have the others of a wave on hold rebuilt, whatever its canaries said."),
    _word("restore_wave", "restore", "Have a wave's tag go back to what its members were built on before."),
    _word("cancel_wave", "cancel", "Have nobody else of a wave rebuilt; its tag stays where it is."),
    Route(
        "get_rebuild_evidence",
        Method.GET,
        "rebuilds/{rebuild}/evidence/{evidence}",
        READING,
        "Give a log that is kept of a rebuild, to be saved.",
        bytes,
        media=("text/plain",),
        problems=(Problem.NOT_VALID,),
    ),
)
