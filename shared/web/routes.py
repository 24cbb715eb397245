"""The table of the HTTP API: every address with its method, the types of its parameters, and who may ask for it.

One function of the Functions host takes every request below ``/api`` that no other function takes, and this table
decides. The host itself maps routes in the alphabetical order of functions' names, and answers 404 to another method:
docs/decisions/0025.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum

import msgspec

from shared.domain.access.callers import Role
from shared.domain.configuration_names import file_named
from shared.domain.evidence import parse_evidence_name
from shared.domain.promotion.identity import group_of
from shared.domain.promotion.target import parts_of_target
from shared.domain.references import parse_digest
from shared.errors import InvalidReference

READING = frozenset(Role)
ACTING = frozenset({Role.APPROVER, Role.OPERATOR})
# Who runs the app says what is watched, by which policy, and whom it trusts: approvers decide by that.
WRITING = frozenset({Role.OPERATOR})
# Who writes the list, and so the policies, does not agree for those whom they ask.
AGREEING = frozenset({Role.APPROVER})


class Method(Enum):
    """The methods of the API."""

    GET = "GET"
    PUT = "PUT"
    POST = "POST"


class Route(msgspec.Struct, frozen=True):
    """One address of the API.

    Attributes:
        name: names what serves it, in ``shared.serving``.
        method: its method.
        path: below ``/api/``; ``{name}`` stands for one segment, whose type is in ``PARAMETERS``.
        roles: a caller must have one of them.
        purpose: one sentence for people.
    """

    name: str
    method: Method
    path: str
    roles: frozenset[Role]
    purpose: str


ROUTES = (
    Route("check_now", Method.POST, "check", ACTING, "Ask for a check of one entry of the watch list, or of all."),
    Route("retry", Method.POST, "retry", ACTING, "Try again what failed, or was rejected."),
    Route(
        "preview",
        Method.POST,
        "preview",
        READING,
        "Tell what another watch list or policy would decide otherwise; changes nothing.",
    ),
    Route("list_images", Method.GET, "images", READING, "Tell how each watched tag stands."),
    Route("get_image", Method.GET, "images/{image}", READING, "Tell how each tag of one entry stands."),
    Route(
        "explain_tags",
        Method.GET,
        "images/{image}/tags",
        READING,
        "Tell for every upstream tag of an entry whether it is taken, and why.",
    ),
    Route("hold_image", Method.POST, "images/{image}/hold", ACTING, "Decide nothing any more for an entry's targets."),
    Route("resume_image", Method.POST, "images/{image}/resume", ACTING, "Decide again for an entry's targets."),
    Route("list_activity", Method.GET, "activity", READING, "List what happened."),
    Route("list_rebuilds", Method.GET, "rebuilds", READING, "List rebuilds of applications."),
    Route("list_candidates", Method.GET, "candidates", READING, "List candidates."),
    Route("get_candidate", Method.GET, "candidates/{candidate}", READING, "Show one candidate."),
    Route(
        "list_evidence",
        Method.GET,
        "candidates/{candidate}/evidence",
        READING,
        "List what is kept of a candidate and of its digest's scan: logs, reports and decisions.",
    ),
    Route(
        "get_evidence",
        Method.GET,
        "candidates/{candidate}/evidence/{evidence}",
        READING,
        "Give a piece of evidence, to be saved.",
    ),
    Route("list_exposure", Method.GET, "exposure", READING, "Tell what is in use and would not be let in any more."),
    Route("list_targets", Method.GET, "targets", READING, "List what the tags of the base registry should point at."),
    Route("get_target", Method.GET, "targets/{target}", READING, "Show one target, and who has what it bore before."),
    Route("roll_back", Method.POST, "targets/{target}/rollback", ACTING, "Go back to a digest that a target bore."),
    Route("pin", Method.POST, "targets/{target}/pin", ACTING, "Pin a target to a digest."),
    Route("unpin", Method.POST, "targets/{target}/unpin", ACTING, "Let a target follow its source again."),
    Route(
        "promote_against_gate",
        Method.POST,
        "targets/{target}/promote",
        ACTING,
        "Ask that a target takes a digest that has not passed its gate, or grant what another one asked.",
    ),
    Route("approve", Method.POST, "targets/{target}/approve", AGREEING, "Agree to a digest that waits for people."),
    Route("reject", Method.POST, "targets/{target}/reject", AGREEING, "Refuse a digest that waits for people."),
    Route("list_waivers", Method.GET, "waivers", READING, "List the findings that people waive for a tag, or ask to."),
    Route("ask_waiver", Method.POST, "targets/{target}/waivers/ask", ACTING, "Ask to waive a finding of a digest."),
    Route(
        "grant_waiver", Method.POST, "targets/{target}/waivers/grant", AGREEING, "Grant a waiver that another asked."
    ),
    Route("revoke_waiver", Method.POST, "targets/{target}/waivers/revoke", ACTING, "Take a waiver back."),
    Route("get_file", Method.GET, "config/{file}", READING, "Show a file of the configuration."),
    Route("put_file", Method.PUT, "config/{file}", WRITING, "Write a file of the configuration in place of one."),
    Route("list_rulings", Method.GET, "rulings", READING, "List what is blocked and what is held."),
    Route("block_digest", Method.POST, "digests/{digest}/block", ACTING, "Refuse a digest, wherever it comes from."),
    Route("release_digest", Method.POST, "digests/{digest}/release", ACTING, "Refuse a digest no more."),
)

# No longer than the host takes a URL.
_LONGEST_PATH = 4096
_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_IMAGE = re.compile(r"[^/\\%\x00-\x1f\x7f]{1,200}")


def _image(text: str) -> str:
    """An entry may be resumed by a name that no watch list would take any more, so its grammar is not asked for."""
    if not _IMAGE.fullmatch(text):
        raise InvalidReference(f"image: {text[:80]!r} is not the name of an entry of the watch list")
    return text


PARAMETERS: Mapping[str, Callable[[str], object]] = {
    "candidate": group_of,
    "file": file_named,
    "digest": parse_digest,
    "evidence": parse_evidence_name,
    "image": _image,
    "target": parts_of_target,
}


class Found(msgspec.Struct, frozen=True):
    """A route that a request is for, and the values of its parameters."""

    route: Route
    parameters: Mapping[str, str]


class Absent(msgspec.Struct, frozen=True):
    """No route is what a request is for.

    Attributes:
        methods: what the path could be asked with; empty where there is no such path.
    """

    methods: tuple[str, ...] = ()


def find(method: str, path: str, routes: tuple[Route, ...] = ROUTES) -> Found | Absent:
    """Return the route that a request is for.

    Args:
        method: of the request.
        path: what follows ``/api/``, decoded once but for ``%2F``, as the Functions host hands it over. Case does not
            matter where the table has words, and one slash may stand at the end.
        routes: the table.

    Returns:
        The route. Where two fit, a word counts before a parameter.

    Raises:
        InvalidReference: a parameter is not of its type.
    """
    fitting = [found for found in (_fit(route, _segments(path)) for route in routes) if found]
    wanted = [found for found in fitting if found.route.method.value == method]
    if not wanted:
        return Absent(tuple(sorted({found.route.method.value for found in fitting})))
    best = min(wanted, key=lambda found: [bool(_PARAMETER.fullmatch(part)) for part in found.route.path.split("/")])
    for name, value in best.parameters.items():
        PARAMETERS[name](value)
    return best


def _segments(path: str) -> list[str]:
    return path.removesuffix("/").split("/") if len(path) <= _LONGEST_PATH else []


def _fit(route: Route, segments: list[str]) -> Found | None:
    parts = route.path.split("/")
    if len(parts) != len(segments):
        return None
    parameters = {}
    for part, segment in zip(parts, segments, strict=True):
        if segment and (name := _PARAMETER.fullmatch(part)):
            parameters[name[1]] = segment
        elif part != segment.lower():
            return None
    return Found(route, parameters)
