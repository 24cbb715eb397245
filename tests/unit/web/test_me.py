"""The app tells a caller who it is there, and what the app itself is."""

from __future__ import annotations

import json

import azure.functions as func
import pytest
from msgspec.structs import replace

from shared.domain.access.callers import Caller, Kind, Role
from shared.version import VERSION
from shared.web.asked import Asked
from shared.web.me import me
from tests.unit.examples import NOON

pytestmark = pytest.mark.unit

ADA = Caller(Kind.PERSON, "11-22@33-44", "Ada", frozenset({Role.READER, Role.APPROVER}), NOON)


def told(caller: Caller) -> dict[str, object]:
    """What a caller is told."""
    request = func.HttpRequest("GET", "https://tidegate.example/api/me", body=b"")
    answer = me(Asked(request, {}, caller), installation="prod-weu", at=NOON)
    found: dict[str, object] = json.loads(answer.get_body())
    return found


def test_a_person_is_told_by_what_name_and_with_which_roles_the_app_knows_them() -> None:
    found = told(ADA)
    assert (found["name"], found["kind"], found["id"]) == ("Ada", "person", "11-22@33-44")
    assert found["roles"] == ["approver", "reader"]
    assert found["signed_in_at"] == found["at"]


def test_the_app_tells_its_name_and_its_version() -> None:
    found = told(replace(ADA, kind=Kind.KEY, signed_in_at=None))
    assert (found["installation"], found["version"], found["signed_in_at"]) == ("prod-weu", VERSION, None)
