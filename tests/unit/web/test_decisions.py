"""GET and POST /api/decisions: a document that people keep, checked before anything of it is taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from shared.domain.access.callers import Caller
from shared.errors import MalformedRequest
from shared.web.asked import Asked
from shared.web.decisions import LARGEST_BODY, DecisionPages
from tests.doubles.world import ONE, TWO, World
from tests.unit.flows.decided import KEY
from tests.unit.flows.test_lost_account import blocked, pinned

pytestmark = pytest.mark.unit

_ROOT = Path(__file__).resolve().parents[3]


def pages(world: World) -> DecisionPages:
    """What serves the addresses."""
    return DecisionPages(lambda: world.exporter, lambda: world.importer, world.clock)


def asked(body: bytes = b"", caller: Caller = KEY, **query: str) -> Asked:
    """A request."""
    request = func.HttpRequest("POST", "https://x/api/decisions", params=query, body=body)
    return Asked(request, {}, caller)


def exported(world: World) -> dict[str, Any]:
    """Return the document as it is served."""
    document: dict[str, Any] = json.loads(pages(world).export(asked()).get_body())
    return document


def refused(world: World, body: bytes, **query: str) -> str:
    """Return why a document is refused; nothing of it is taken."""
    before = (world.target_or_none(), world.rulings.every())
    with pytest.raises(MalformedRequest) as error:
        pages(world).bring_back(asked(body, **query))
    assert (world.target_or_none(), world.rulings.every()) == before
    return str(error.value)


def changed(world: World, **fields: object) -> bytes:
    """Return the document with other fields at its top."""
    return json.dumps(exported(world) | fields).encode()


def test_the_document_says_its_format_when_it_was_made_and_of_what() -> None:
    document = exported(pinned())
    assert document["tidegate"] == 1
    assert document["registry"] == "tidegatebase"
    assert document["installation"] == "prod-weu"
    assert document["targets"][0]["pinned"]["digest"] == ONE
    assert document["targets"][0]["pinned"]["said"]["why"] == "it breaks the shop"


def test_the_answer_tells_what_became_of_each_word() -> None:
    world = blocked()
    text = json.dumps(exported(world)).encode()
    world.lose_account()
    answer = json.loads(pages(world).bring_back(asked(text)).get_body())
    assert answer["whole"]
    assert answer["counts"]["taken"] == 2
    assert answer["lines"][0] == {
        "about": f"digest:{TWO}",
        "what": "block",
        "detail": answer["lines"][0]["detail"],
        "fate": "taken",
    }


def test_a_dry_run_is_asked_for_by_one_word_and_another_one_is_refused() -> None:
    world = blocked()
    text = json.dumps(exported(world)).encode()
    world.lose_account()
    answer = json.loads(pages(world).bring_back(asked(text, dry_run="true")).get_body())
    assert answer["dry_run"]
    assert world.rulings.every() == ()
    assert "dry_run is true or false" in refused(world, text, dry_run="yes")
    assert "dry_run is true or false" in refused(world, text, dryrun="true")


def test_what_is_no_document_is_refused_whole() -> None:
    world = pinned()
    for body in (b"", b"[]", b"{}", b"\xff", b'{"tidegate": 1}', b"[" * 100_000):
        assert "no document of decisions" in refused(world, body)


def test_a_document_of_a_later_format_is_left_to_a_later_version() -> None:
    world = pinned()
    assert "has format 2" in refused(world, changed(world, tidegate=2))


def test_a_document_that_is_too_large_is_not_read() -> None:
    assert "at most" in refused(pinned(), b" " * (LARGEST_BODY + 1))


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("rulings", 0, "subject"), "latest", "rulings"),
        (("rulings", 0, "said", "at"), "2999-01-01T00:00:00Z", "later than the document"),
        (("rulings", 0, "said", "at"), "2025-01-01T00:00:00", "names no zone"),
        (("rulings", 0, "said", "by"), "ada\nroot", "cannot be printed"),
        (("rulings", 0, "said", "why"), "x" * 3000, "too long"),
        (("targets", 0, "wanted"), "sha256:1", "wanted"),
        (("targets", 0, "repository"), "../etc", "target's id"),
        (("targets", 0, "tag"), "a/b", "target's id"),
        (("targets", 0, "registry"), "a~b", "not the name of a registry"),
        (("targets", 0, "origin", "source", "path"), "Bad Path", "repository"),
        (("targets", 0, "blocked", 0, "digest"), "sha256:1", "digest"),
        (("registry",), "evil.example", "not the name of a registry"),
        (("exported_at",), "2999-01-01T00:00:00Z", "is to come"),
    ],
)
def test_a_document_that_says_what_cannot_be_is_refused_by_where_it_stands(
    path: tuple[str | int, ...], value: object, told: str
) -> None:
    world = blocked()
    document: Any = exported(world)
    place = document
    for name in path[:-1]:
        place = place[name]
    assert place[path[-1]] is not None
    place[path[-1]] = value
    assert told in refused(world, json.dumps(document).encode())


def test_what_stands_in_a_document_twice_is_refused() -> None:
    world = blocked()
    document = exported(world)
    for name in ("rulings", "targets"):
        assert "stands there twice" in refused(world, changed(world, **{name: document[name] * 2}))


def test_a_document_with_fields_of_a_later_version_is_still_read() -> None:
    world = blocked()
    text = changed(world, more="later")
    world.lose_account()
    assert json.loads(pages(world).bring_back(asked(text)).get_body())["whole"]


def test_every_word_of_the_document_has_its_place_in_the_schema() -> None:
    schema = json.loads((_ROOT / "docs" / "decisions.schema.json").read_text())
    assert set(exported(blocked())) <= set(schema["$defs"]["Decisions"]["properties"])
    assert set(exported(pinned())["targets"][0]) <= set(schema["$defs"]["SaidOfTarget"]["properties"])
