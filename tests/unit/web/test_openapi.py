"""The API's document says what the table of routes says, and nothing that it does not hold."""

from __future__ import annotations

import json
import re
from functools import cache
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from shared.domain.links import Links
from shared.web.openapi import Sent, document, problems_of
from shared.web.parameters import PARAMETERS
from shared.web.problems import Problem
from shared.web.reference import explained, reference
from shared.web.route import Method, Route
from shared.web.routes import ROUTES, find

pytestmark = pytest.mark.unit

LINKS = Links("https://tidegate.example.net")
BY_NAME = pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)


@cache
def whole() -> dict[str, Any]:
    """The document, as clients read it."""
    read: dict[str, Any] = json.loads(document(LINKS))
    return read


def operation(route: Route) -> dict[str, Any]:
    """What the document says of a route."""
    said: dict[str, Any] = whole()["paths"][f"/api/{route.path}"][route.method.value.lower()]
    return said


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema, or that which it refers to."""
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: dict[str, Any] = whole()["components"]["schemas"][name] if name else schema
    return found


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(whole()).iter_errors()) == []
    assert whole()["servers"] == [{"url": "https://tidegate.example.net"}]


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to() -> None:
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', document(LINKS).decode()))
    assert referred == set(whole()["components"]["schemas"])
    assert not [name for name in referred if name.startswith("shared.")]


# What these do, their address says.
NOTHING_TO_SAY = frozenset({"test_destination", "ask_housekeeping"})


@BY_NAME
def test_every_route_has_types(route: Route) -> None:
    assert route.answer is not None
    assert (route.body is not None) == (route.method is not Method.GET and route.name not in NOTHING_TO_SAY)
    if route.body in {None, bytes}:
        assert route.example is None
    else:
        msgspec.convert(msgspec.to_builtins(route.example), route.body)


@BY_NAME
def test_every_route_is_told_with_who_may_ask_and_by_what_it_is_asked(route: Route) -> None:
    said = operation(route)
    assert said["operationId"] == route.name
    assert said["x-roles"] == sorted(role.value for role in route.roles)
    named = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    assert {one["name"] for one in said["parameters"] if one["in"] == "path"} == named
    assert ("requestBody" in said) == (route.body is not None)


@BY_NAME
def test_every_kind_of_problem_is_told_with_its_status(route: Route) -> None:
    said = operation(route)["responses"]
    for kind in problems_of(route):
        assert f"`{kind.value}`" in said[str(kind.explained.status)]["description"]
    assert str(route.status) in said
    assert ("304" in said) == (route.method is Method.GET)


@pytest.mark.parametrize("name", PARAMETERS)
def test_an_example_of_a_path_is_one_that_the_table_reads(name: str) -> None:
    one = PARAMETERS[name]
    one.read(one.example)
    assert re.search(one.pattern, one.example)


def test_every_type_of_problem_is_told_somewhere_but_those_of_no_address() -> None:
    told = {kind for route in ROUTES for kind in problems_of(route)}
    of_pages = {Problem.WRONG_MEDIA}
    assert set(Problem) - told == {Problem.NO_ADDRESS, Problem.WRONG_METHOD} | of_pages


def test_fields_are_told_by_what_their_records_say_of_them() -> None:
    pin = resolved(whole()["components"]["schemas"]["Pin"])["properties"]
    assert set(pin) == {"why", "number", "digest", "unique_tag", "until"}
    assert all(one.get("description") for one in pin.values())


def test_what_is_sent_to_others_is_told_as_webhooks() -> None:
    class Told(msgspec.Struct):
        """What happened."""

        id: str

    sent = Sent("told", "Something happened.", Told, "application/cloudevents+json")
    said = json.loads(document(LINKS, ROUTES, (sent,)))
    assert list(OpenAPIV31SpecValidator(said).iter_errors()) == []
    body = said["webhooks"]["told"]["post"]["requestBody"]["content"]
    assert body == {"application/cloudevents+json": {"schema": {"$ref": "#/components/schemas/Told"}}}
    assert "webhooks" not in whole()


class Read(HTMLParser):
    """What stands in a page: its elements, its text, and where it links to."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.links: set[str] = set()
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.elements.add(tag)
        self.links |= {value or "" for name, value in attrs if name in {"href", "src", "action"}}

    def handle_data(self, data: str) -> None:
        """Remember the text."""
        self.text += data


def test_the_readable_page_tells_every_route_and_links_to_our_own_pages_alone() -> None:
    answer = reference(LINKS, "prod-weu <b>")
    page = Read(answer.get_body())
    assert [one.name for one in ROUTES if f"{one.method.value} /api/{one.path}" not in page.text] == []
    assert "prod-weu <b>" in page.text
    assert not page.elements & {"script", "b", "iframe", "style"}
    ours = {link.removeprefix("https://tidegate.example.net") for link in page.links}
    assert all(link.startswith("/api/") for link in ours)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", Problem, ids=lambda one: one.value)
def test_behind_every_type_of_problem_there_is_a_page(kind: Problem) -> None:
    path = kind.path.removeprefix("/api/")
    found = find("GET", path)
    assert getattr(found, "parameters", {}) == {"problem": kind.value}
    page = Read(explained(kind.value, LINKS).get_body())
    assert kind.explained.title in page.text
    assert kind.explained.todo in page.text
