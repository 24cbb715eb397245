"""Pages of the API itself, plain and without script: its reference, and what each type of problem means."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import azure.functions as func
import msgspec

from shared.domain.links import Links
from shared.web.openapi import problems_of
from shared.web.parameters import PARAMETERS
from shared.web.problems import Problem
from shared.web.route import PAGE, Route, Value
from shared.web.routes import ROUTES
from shared.web.schemas import schemas

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; form-action 'self'; "
        "base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PAGE = (
    '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="/api/pages/style.css"></head>\n<body><main>\n<h1>{title}</h1>\n{body}\n'
    "</main></body>\n</html>\n"
)


def reference(links: Links, installation: str, routes: Iterable[Route] = ROUTES) -> func.HttpResponse:
    """Return the page that describes the API.

    Args:
        links: say where people reach the app.
        installation: its short name.
        routes: the table.
    """
    named = f"Tidegate's API{f' · {installation}' if installation else ''}"
    document = escape(links.of("/api/openapi.json"))
    about = (
        f'<p>For programs: <a href="{document}">openapi.json</a> (OpenAPI 3.1). Every request names its caller: by an '
        "API key in the header <code>x-api-key</code>, or by sign-in.</p>"
    )
    sections = [_route(one, links) for one in sorted(routes, key=lambda one: (one.path, one.method.value))]
    return _page(named, "\n".join([about, *sections, _problems(links)]))


def explained(name: str, links: Links) -> func.HttpResponse:
    """Return the page of a type of problem."""
    told = Problem(name).explained
    body = (
        f"<p><code>{escape(name)}</code>, status {told.status}</p>\n<h2>What it means</h2>\n"
        f"<p>{escape(told.means)}</p>\n"
        f'<h2>What to do</h2>\n<p>{escape(told.todo)}</p>\n<p><a href="{escape(links.reference())}">The API</a></p>'
    )
    return _page(told.title, body)


def _page(title: str, body: str) -> func.HttpResponse:
    text = _PAGE.format(title=escape(title), body=body)
    return func.HttpResponse(text, mimetype=PAGE, charset="utf-8", headers=dict(_HEADERS))


def _route(route: Route, links: Links) -> str:
    roles = ", ".join(sorted(role.value for role in route.roles))
    problems = ", ".join(_linked(one, links) for one in problems_of(route))
    parts = [
        f'<section id="{escape(route.name)}"><h2>{route.method.value} /api/{escape(route.path)}</h2>',
        f"<p>{escape(route.purpose)} For {escape(roles)}.</p>",
        _table("Parameters", ("where", "name", "meaning", "example"), _values(route)),
        _table("Body", ("name", "meaning", "example"), _fields(route)),
        f"<p>Answered with {route.status}. Problems: {problems}.</p>",
    ]
    return "\n".join(part for part in parts if part) + "\n</section>"


def _values(route: Route) -> list[tuple[str, ...]]:
    named = (part[1:-1] for part in route.path.split("/") if part.startswith("{"))
    paths = [("path", name, PARAMETERS[name].meaning, PARAMETERS[name].example) for name in named]
    return [*paths, *_told("query", route.query), *_told("header", route.headers)]


def _told(place: str, values: Iterable[Value]) -> list[tuple[str, ...]]:
    return [(place, one.name, one.meaning, "" if one.example is None else str(one.example)) for one in values]


def _fields(route: Route) -> list[tuple[str, ...]]:
    if route.body is bytes:
        return [("", "the file itself", "")]
    if route.body is None:
        return []
    examples = route.example or {}
    names = (field.encode_name for field in msgspec.structs.fields(route.body))
    return [(name, _meaning(route, name), str(examples.get(name, ""))) for name in names]


def _meaning(route: Route, name: str) -> str:
    _, named = schemas([route.body])
    told = named[route.body.__name__]["properties"].get(name, {}).get("description", "")
    return str(told)


def _table(caption: str, heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    lines = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody></table>"


def _problems(links: Links) -> str:
    lines = "\n".join(f"<li>{_linked(one, links)}: {escape(one.explained.means)}</li>" for one in Problem)
    return f'<section id="problems"><h2>Problems</h2>\n<ul>\n{lines}\n</ul></section>'


def _linked(one: Problem, links: Links) -> str:
    return f'<a href="{escape(links.problem(one.value))}">{escape(one.value)}</a>'
