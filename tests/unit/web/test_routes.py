"""The table of the HTTP API: what each request is for, by method and path alone."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from shared.domain.access.callers import Role
from shared.errors import InvalidReference
from shared.web.routes import PARAMETERS, ROUTES, Absent, Found, Method, Route, find
from tests.doubles.world import ONE

pytestmark = pytest.mark.unit

TARGET = "tidegatebase~base~node~22-alpine"
CANDIDATE = "docker.io~library~node~~node~" + "0" * 32
EXAMPLES = {
    "image": "node",
    "digest": ONE,
    "target": TARGET,
    "file": "vex~a.json",
    "candidate": CANDIDATE,
    "evidence": "scan-1-1.log",
    "problem": "not-found",
    "destination": "team-chat",
    "notice": "0" * 32,
    "rebuild": "contosoapps~shop~" + "0" * 32,
    "wave": f"{TARGET}~7",
}


def example(route: Route) -> str:
    """A path that a route is for."""
    return route.path.format(**EXAMPLES)


def route(method: str, path: str) -> Found:
    """The route that a request is for."""
    found = find(method, path)
    assert isinstance(found, Found), found
    return found


@pytest.mark.parametrize("wanted", ROUTES, ids=lambda one: one.name)
def test_every_route_of_the_table_is_found_by_its_method_and_its_path(wanted: Route) -> None:
    found = route(wanted.method.value, example(wanted))
    assert found.route is wanted
    assert found.parameters == {name: EXAMPLES[name] for name in EXAMPLES if f"{{{name}}}" in wanted.path}


@pytest.mark.parametrize("wanted", ROUTES, ids=lambda one: one.name)
def test_a_path_is_asked_with_another_method_and_is_told_which_it_has(wanted: Route) -> None:
    taken = tuple(sorted(one.method.value for one in ROUTES if one.path == wanted.path))
    for method in ("HEAD", "OPTIONS", "PATCH", "DELETE", "TRACE", "BREW", ""):
        assert find(method, example(wanted)) == Absent(taken)


def test_names_are_given_once_and_no_two_routes_take_the_same_requests() -> None:
    assert len({one.name for one in ROUTES}) == len(ROUTES)
    for one, other in combinations(ROUTES, 2):
        assert (one.method, "/".join(shape(one))) != (other.method, "/".join(shape(other)))


def shape(one: Route) -> list[str]:
    """A route's path without the names of its parameters."""
    return ["{}" if part.startswith("{") else part for part in one.path.split("/")]


def test_every_parameter_of_the_table_has_a_type_and_every_type_is_used() -> None:
    named = {part[1:-1] for one in ROUTES for part in one.path.split("/") if part.startswith("{")}
    assert named == set(PARAMETERS)


@pytest.mark.parametrize("name", ["images.yaml", "images~a.yml", "waivers.yaml", "notify.yaml", "trust~a~b.pem"])
def test_every_file_that_can_be_written_is_one_by_the_document_too(name: str) -> None:
    file = PARAMETERS["file"]
    assert file.read(name) == name.replace("~", "/")
    assert re.search(file.pattern, name)
    assert not re.search(file.pattern, f"{name}/")


def test_nothing_that_changes_anything_is_open_to_who_may_only_read() -> None:
    # These are asked for with a body, and nothing comes of it.
    reading = {one.name for one in ROUTES if one.method is not Method.GET and Role.READER in one.roles}
    assert reading == {"preview", "validate_file", "compare_file", "judge_dockerfile"}
    assert {one.name for one in ROUTES if not one.roles} == set()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "candidate",
        "/candidates",
        "candidates//",
        f"candidates//{CANDIDATE}",
        f"targets/{TARGET}//pin",
        f"targets/{TARGET}/pin/now",
        "candidates%2F" + CANDIDATE,
        "candidates\\" + CANDIDATE,
        "candidates;a=b",
        "candidates\x00",
        "candidates ",
        "images//tags",
        "./candidates",
        "health",
        "webhooks/acr",
        "candidates/" * 400,
        "x" * 5000,
    ],
    ids=lambda part: repr(part)[:30],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_the_table_does_not_have_is_for_nothing(method: str, path: str) -> None:
    assert find(method, path) == Absent()


def test_words_count_in_any_case_and_one_slash_at_the_end_is_none() -> None:
    assert route("GET", "Candidates/").route.name == "list_candidates"
    assert route("GET", f"TARGETS/{TARGET}/").parameters == {"target": TARGET}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "candidates/no~such"),
        ("GET", "candidates/.."),
        ("GET", "targets/nonsense"),
        ("GET", "targets/" + "a" * 4000),
        ("POST", "targets/../pin"),
        ("POST", "digests/latest/block"),
        ("POST", f"digests/{ONE.upper()}/block"),
        ("POST", "images/a%2Fb/hold"),
        ("GET", "images/a\nb/tags"),
    ],
)
def test_a_parameter_that_is_not_of_its_type_is_refused(method: str, path: str) -> None:
    with pytest.raises(InvalidReference):
        find(method, path)


def test_a_word_counts_before_a_parameter_wherever_the_table_has_both() -> None:
    roles = frozenset(Role)
    one = Route("one", Method.GET, "images/{image}", roles, "")
    several = Route("several", Method.GET, "images/all", roles, "")
    for routes in ((one, several), (several, one)):
        found = find("GET", "images/ALL", routes)
        assert isinstance(found, Found)
        assert (found.route.name, found.parameters) == ("several", {})
    assert find("POST", "images/all", (one, several)) == Absent(("GET",))
