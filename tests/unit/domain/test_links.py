"""Links are made of one address and of names that mean nothing to an address."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.links import Links

pytestmark = pytest.mark.unit

LINKS = Links("https://tidegate.example.net")


def test_a_link_begins_with_where_people_reach_the_app() -> None:
    assert LINKS.now() == "https://tidegate.example.net/api/pages"
    assert LINKS.image("node") == "https://tidegate.example.net/api/pages/images/node"
    assert LINKS.problem("not-found") == "https://tidegate.example.net/api/problems/not-found"
    assert Links("https://example.net/tidegate/").approvals() == "https://example.net/tidegate/api/pages/approvals"


def test_a_link_is_a_path_where_nobody_said_where_the_app_is_reached() -> None:
    assert Links().target("base~library~node~22") == "/api/pages/targets/base~library~node~22"
    assert Links().system() == "/api/pages/system"


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_a_name_stays_one_segment_whatever_it_holds(name: str) -> None:
    parts = urlsplit(LINKS.image(name))
    assert (parts.netloc, parts.query, parts.fragment) == ("tidegate.example.net", "", "")
    before, _, segment = parts.path.rpartition("/")
    assert (before, unquote(segment)) == ("/api/pages/images", name)
