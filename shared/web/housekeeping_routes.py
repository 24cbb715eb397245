"""The part of the table of routes about what is deleted from registries."""

from __future__ import annotations

from shared.domain.housekeeping.reasons import Place
from shared.web.acting_routes import KEY
from shared.web.route import WRITING, Later, Method, Route, Value, part

_PLACE = Value("place", "Only what is there.", Place, Place.STAGING.value)
_NAME = Value("name", "Only the repository, or the registry with runs, of this name.", str, "base/node")
# As many as `shared.flows.list_house` lists at once, which is loaded when somebody asks.
_MOST_SITES = 100


def _shown(name: str) -> Later:
    """Return a type that nobody loads who only serves."""
    return Later("shared.web.housekeeping", name)


HOUSEKEEPING_ROUTES = (
    Route(
        "list_housekeeping",
        Method.GET,
        "housekeeping",
        WRITING,
        "Tell what would be deleted from registries and why, and why all else stays; deletes nothing.",
        _shown("HousekeepingPart"),
        query=part(_PLACE, _NAME, most=_MOST_SITES),
    ),
    Route(
        "ask_housekeeping",
        Method.POST,
        "housekeeping",
        WRITING,
        "Have what nobody needs any more deleted soon, and not only once a day.",
        _shown("ShownRound"),
        status=202,
        headers=(KEY,),
    ),
)
