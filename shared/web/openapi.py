"""The API's document, OpenAPI 3.1, made of the table of routes. https://spec.openapis.org/oas/v3.1.1"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from shared.domain.links import Links
from shared.domain.promotion.actions import Refusal
from shared.web.answers import REQUEST_ID
from shared.web.callers import KEY_HEADER
from shared.web.parameters import PARAMETERS
from shared.web.problems import Problem
from shared.web.route import JSON, OCTETS, Method, Route, Value
from shared.web.routes import ROUTES
from shared.web.schemas import REFERENCE, Schema, schemas
from shared.web.shown_targets import ShownTarget

VERSION = "1"
_PROBLEM_MEDIA = "application/problem+json"
_NAMES = re.compile(r"\{([a-z_]+)\}")
_ALWAYS = (
    Problem.MALFORMED,
    Problem.NO_IDENTITY,
    Problem.NO_ROLE,
    Problem.TOO_MANY,
    Problem.DEFECT,
    Problem.REFUSED,
    Problem.NOT_NOW,
)
_CHANGING = (Problem.OTHER_SITE, Problem.STILL_RUNNING, Problem.KEY_REUSED, Problem.LIST_NOT_VALID)
_SECURITY = {
    "key": {"type": "apiKey", "in": "header", "name": KEY_HEADER, "description": "An API key of Tidegate."},
    "token": {"type": "http", "scheme": "bearer", "description": "A token for the app registration, by sign-in."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "AppServiceAuthSession",
        "description": "A browser's session after sign-in; what changes something is taken from our own pages alone.",
    },
}
_WAITS = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_KNOWN_AS = {"description": "Under which the app's log has it, if it is a defect.", "schema": {"type": "string"}}
# Headers of problems, by their status.
_WITH: Mapping[int, dict[str, Any]] = {
    HTTPStatus.TOO_MANY_REQUESTS: _WAITS,
    HTTPStatus.SERVICE_UNAVAILABLE: _WAITS,
    HTTPStatus.INTERNAL_SERVER_ERROR: {REQUEST_ID: _KNOWN_AS},
}
_ABOUT = (
    "Every request names its caller: by an API key in `x-api-key`, or by sign-in. Roles do not contain each other. "
    "What goes wrong is a problem (RFC 9457), whose type is an address with a page. Lists are told in parts: `next` in "
    "the body, and in the header Link, is where to go on. What is read has an ETag, and is answered by 304 for who has "
    "it. "
    "What acts says the state that is wanted, so that asking twice does nothing twice; it may name the digest and the "
    "`number` of the decision that was seen, and is answered 409 with the present state where that moved on."
)


class Sent(msgspec.Struct, frozen=True):
    """What is sent to others.

    Attributes:
        name: of it.
        purpose: one sentence for people.
        body: the record that is sent.
        media: as what it is sent.
    """

    name: str
    purpose: str
    body: Any
    media: str = JSON


class ProblemTold(msgspec.Struct, frozen=True):
    """A problem (RFC 9457).

    Attributes:
        type: the address of the type of problem, which is what clients go by; it has a page.
        title: a few words, the same for every problem of the type.
        status: of the answer.
        detail: what is wrong here, for people.
        reason: why what acts was declined, by name.
        target: how the target stands now, where one is acted on.
        problems: everything that is wrong with a file, each with its line.
        request_id: under which the app's log has what failed, where that is a defect; also the header X-Request-Id.
    """

    type: str
    title: str
    status: int
    detail: str
    reason: Refusal | UnsetType = UNSET
    target: ShownTarget | UnsetType | None = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    request_id: str | UnsetType = UNSET


def document(links: Links, routes: tuple[Route, ...] = ROUTES, sent: tuple[Sent, ...] = ()) -> bytes:
    """Return the document, as JSON.

    Args:
        links: say where people reach the app.
        routes: the table.
        sent: what is sent to others.
    """
    return msgspec.json.encode(described(links, routes, sent))


def described(links: Links, routes: tuple[Route, ...] = ROUTES, sent: tuple[Sent, ...] = ()) -> dict[str, Any]:
    """Return the same as ``document`` does, as plain objects."""
    kinds = _Kinds(routes, sent)
    by_path = groupby(sorted(routes, key=lambda one: one.path), lambda one: one.path)
    paths = {f"/api/{path}": dict(_operation(one, kinds) for one in group) for path, group in by_path}
    webhooks = {one.name: {"post": _sending(one, kinds)} for one in sent}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tidegate", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": links.public_url.rstrip("/") or "/"}],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        **({"webhooks": webhooks} if webhooks else {}),
        "components": {"securitySchemes": _SECURITY, "schemas": kinds.named},
    }


class _Kinds:
    """The schemas of every type that the table names."""

    def __init__(self, routes: tuple[Route, ...], sent: tuple[Sent, ...]) -> None:
        self._places: dict[Any, int] = {}
        for kind in (ProblemTold, *_types_of(routes), *(one.body for one in sent)):
            self._places.setdefault(kind, len(self._places))
        self._each, self.named = schemas(self._places)

    def of(self, kind: Any) -> Schema:
        """Return the schema of a type."""
        return self._each[self._places[kind]]


def _types_of(routes: tuple[Route, ...]) -> Iterator[Any]:
    for route in routes:
        yield from (kind for kind in (route.answers, route.body) if kind not in {None, bytes, str})
        yield from (value.kind for value in (*route.query, *route.headers))


def _operation(route: Route, kinds: _Kinds) -> tuple[str, dict[str, Any]]:
    answer = {str(route.status): _answer(route, kinds)}
    if route.method is Method.GET:
        answer["304"] = {"description": "Who asks has it already."}
    return route.method.value.lower(), {
        "operationId": route.name,
        "summary": route.purpose,
        "tags": [route.path.split("/")[0].partition(".")[0]],
        "x-roles": sorted(role.value for role in route.roles),
        "parameters": list(_parameters(route, kinds)),
        **_body(route, kinds),
        "responses": {**answer, **_problems(route)},
    }


def _parameters(route: Route, kinds: _Kinds) -> Iterator[dict[str, Any]]:
    for name in _NAMES.findall(route.path):
        one = PARAMETERS[name]
        schema = {"type": "string", **({"pattern": one.pattern} if one.pattern else {})}
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": one.meaning,
            "schema": schema,
            "example": one.example,
        }
    for place, values in (("query", route.query), ("header", route.headers)):
        yield from (_value(one, place, kinds) for one in values)


def _value(value: Value, place: str, kinds: _Kinds) -> dict[str, Any]:
    told = {"name": value.name, "in": place, "description": value.meaning, "schema": kinds.of(value.kind)}
    return told if value.example is None else {**told, "example": value.example}


def _body(route: Route, kinds: _Kinds) -> dict[str, Any]:
    if route.body is None:
        return {}
    if route.body is bytes:
        # No body is an empty file, which is told as any other.
        return {"requestBody": {"required": False, "content": {OCTETS: {}}}}
    content = {"schema": kinds.of(route.body), "example": route.example}
    return {"requestBody": {"required": bool(route.example), "content": {JSON: content}}}


def _answer(route: Route, kinds: _Kinds) -> dict[str, Any]:
    typed = route.answers not in {bytes, str}
    content = {media: {"schema": kinds.of(route.answers)} if typed else {} for media in route.media}
    return {"description": route.purpose, "headers": _headers(route), "content": content}


def _headers(route: Route) -> dict[str, Any]:
    told = {}
    if route.method is Method.GET or Problem.CHANGED in route.problems:
        told["ETag"] = "Changes whenever what is answered does."
    if any(value.name == "after" for value in route.query) and route.method is Method.GET:
        told["Link"] = 'Where to go on, with rel="next" (RFC 8288); absent at the end.'
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in told.items()}


def problems_of(route: Route) -> list[Problem]:
    """Return every type of problem that a route may answer with, in the order of their statuses."""
    found = {*_ALWAYS, *route.problems}
    found |= set(_CHANGING) if route.headers and route.method is not Method.GET else set()
    found |= {Problem.NOT_FOUND} if _NAMES.search(route.path) else set()
    found |= {Problem.TOO_LARGE} if route.body is not None else set()
    return sorted(found, key=lambda one: (one.explained.status, one.value))


def _problems(route: Route) -> Mapping[str, Any]:
    grouped = groupby(problems_of(route), lambda one: one.explained.status)
    return {str(status): _refusal(status, tuple(kinds)) for status, kinds in grouped}


def _refusal(status: int, kinds: tuple[Problem, ...]) -> dict[str, Any]:
    told = "; ".join(f"`{one.value}`: {one.explained.title}" for one in kinds)
    schema = {"$ref": REFERENCE.format(name=ProblemTold.__name__)}
    headers = {"headers": _WITH[status]} if status in _WITH else {}
    return {"description": told, **headers, "content": {_PROBLEM_MEDIA: {"schema": schema}}}


def _sending(one: Sent, kinds: _Kinds) -> dict[str, Any]:
    content = {one.media: {"schema": kinds.of(one.body)}}
    taken = {"2XX": {"description": "It was taken; anything else is tried again."}}
    return {"summary": one.purpose, "requestBody": {"required": True, "content": content}, "responses": taken}
