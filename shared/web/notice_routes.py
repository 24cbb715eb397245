"""The part of the table of routes about what people are told: destinations, and notices."""

from __future__ import annotations

from typing import Any

from shared.domain.pages import MOST_LISTED
from shared.web.acting_routes import KEY
from shared.web.notices import Muting, Resending
from shared.web.problems import Problem
from shared.web.route import ACTING, READING, Later, Method, Route, Value, limit

_DESTINATION = Value("destination", "Only those to one destination.", str, "team-chat")
_STATE = Value("state", "Only those of which this became at some destination.", str, "pending")
_MUTING: Any = {"until": "2099-01-01T00:00:00Z", "why": "as the runbook says"}
_RESENDING: Any = {"destination": "team-chat", "why": "as the runbook says"}


def _shown(name: str) -> Later:
    """Return a type that nobody loads who only serves."""
    return Later("shared.web.shown_notices", name)


NOTICE_ROUTES = (
    Route(
        "list_destinations",
        Method.GET,
        "destinations",
        READING,
        "Tell how each destination of notices fares.",
        _shown("DestinationsListed"),
    ),
    Route(
        "test_destination",
        Method.POST,
        "destinations/{destination}/test",
        ACTING,
        "Send a message to a destination now, and tell what it answered.",
        _shown("Tried"),
        headers=(KEY,),
    ),
    Route(
        "mute_destination",
        Method.POST,
        "destinations/{destination}/mute",
        ACTING,
        "Send nothing to a destination for a time; what is to be told waits.",
        _shown("MutedDestination"),
        headers=(KEY,),
        body=Muting,
        example=_MUTING,
    ),
    Route(
        "list_notices",
        Method.GET,
        "notices",
        READING,
        "List what was told of late, and what is to be told.",
        _shown("NoticesListed"),
        query=(_DESTINATION, _STATE, limit(MOST_LISTED)),
    ),
    Route(
        "resend_notice",
        Method.POST,
        "notices/{notice}/resend",
        ACTING,
        "Have a notice sent once more.",
        _shown("Resent"),
        headers=(KEY,),
        body=Resending,
        example=_RESENDING,
        problems=(Problem.DECLINED,),
    ),
)
