"""Which notices go where, when, and what a file may not say."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.notices.kinds import KINDS, Severity, Usually
from shared.domain.notices.notice import Notice
from shared.domain.notices.routes import Route, read_routes, usual_routes, ways
from shared.domain.notices.when import DAILY, NOW, parse_when
from shared.errors import MalformedInput
from shared.notify_yaml import read_notify, unknown_owners

pytestmark = pytest.mark.unit

AT = datetime(2026, 3, 28, 7, 30, tzinfo=UTC)
BOTH = ("chat", "mail")


def notice(kind: str = "blocked", **fields: object) -> Notice:
    """A notice."""
    return Notice(kind=kind, about="digest:1", mark="1", at=AT, **fields)


def found(one: Notice, *routes: Route, owners: Collection[str] | None = ()) -> dict[str, str]:
    """Where a notice goes, and when."""
    return {name: when.text for name, when in ways(one, owners, routes, BOTH).items()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_without_a_file_each_kind_goes_everywhere_when_it_usually_does(kind: object) -> None:
    assert hasattr(kind, "name")
    usual = {Usually.NOW: NOW.text, Usually.DAILY: DAILY.text}.get(KINDS[kind.name].usually)
    assert found(notice(kind.name), *usual_routes(BOTH)) == (dict.fromkeys(BOTH, usual) if usual else {})


def test_the_first_route_to_a_destination_that_takes_a_notice_counts() -> None:
    routes = (Route(("mail",), kinds=("pinned",)), Route(("mail",), when=DAILY), Route(("mail",), when=NOW))
    assert found(notice(), *routes) == {"mail": DAILY.text}


def test_what_is_usually_not_told_is_told_by_a_route_that_names_it() -> None:
    assert found(notice("approval-decided"), Route(BOTH)) == {}
    assert found(notice("approval-decided"), Route(("mail",), kinds=("approval-decided",))) == {"mail": NOW.text}


def test_all_troubles_have_one_name() -> None:
    route = Route(("chat",), kinds=("trouble",))
    assert found(notice("tag-gone"), route) == {"chat": NOW.text}
    assert found(notice("blocked"), route) == {}
    assert found(notice("solved", closes="tag-gone"), route) == {"chat": NOW.text}


def test_a_route_takes_what_is_as_urgent_as_it_says() -> None:
    route = Route(("chat",), severity=Severity.WARNING)
    assert found(notice("pinned"), route) == {}
    assert found(notice("blocked"), route) == {"chat": NOW.text}


def test_owners_are_told_of_theirs_and_of_what_is_everybodys_or_nobody_knows() -> None:
    route = Route(("chat",), owners=("a",))
    assert found(notice(images=("x",)), route, owners=("b",)) == {}
    assert found(notice(images=("x",)), route, owners=("b", "a")) == {"chat": NOW.text}
    assert found(notice(), route, owners=()) == {"chat": NOW.text}
    assert found(notice(images=("x",)), route, owners=None) == {"chat": NOW.text}


def test_a_route_may_name_entries() -> None:
    route = Route(("chat",), images=("node",))
    assert found(notice(images=("python",)), route) == {}
    assert found(notice(images=("node", "python")), route) == {"chat": NOW.text}


def test_nobody_is_told_of_itself() -> None:
    assert found(notice("destination-broken", not_to="chat"), Route(BOTH)) == {"mail": NOW.text}


def test_a_late_reminder_is_part_of_the_days_message() -> None:
    assert found(notice("tag-gone", stage=3), Route(("chat",))) == {"chat": NOW.text}
    assert found(notice("tag-gone", stage=4), Route(("chat",))) == {"chat": DAILY.text}


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("now", AT),
        ("window 5m", AT + timedelta(minutes=5)),
        ("daily 08:00", datetime(2026, 3, 28, 8, 0, tzinfo=UTC)),
        ("daily 07:30", datetime(2026, 3, 29, 7, 30, tzinfo=UTC)),
        ("daily 08:00 Europe/Berlin", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_the_next_of_its_zone_also_over_the_change_of_clocks(text: str, due: datetime) -> None:
    assert parse_when(text).due(AT) == due


@pytest.mark.parametrize(
    "text", ["", "soon", "window 0m", "window 1441m", "daily 24:00", "daily 08:00 Nowhere/At_All", "daily 8:00"]
)
def test_what_says_no_time_is_told(text: str) -> None:
    with pytest.raises(MalformedInput, match="says no time"):
        parse_when(text)


FILE = b"""routes:
  - to: chat
    kinds: [trouble, approval-needed]
    severity: warning
    owners: a
    when: window 5m
  - to: [mail, chat]
"""


def test_a_file_says_what_it_says() -> None:
    first, second = read_notify(FILE, BOTH)
    assert first == Route(
        ("chat",), ("trouble", "approval-needed"), Severity.WARNING, owners=("a",), when=parse_when("window 5m")
    )
    assert second == Route(("mail", "chat"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[]", "line 1: the document: expected a mapping with `routes`"),
        (b"routes: []\nroute: 1", "line 2: route: is not known"),
        (b"routes:\n  - to: pager", "line 2: routes[0].to: there is no destination"),
        (
            b"routes:\n  - to: chat\n    kinds:\n      - trouble\n      - nonsense",
            "line 5: routes[0].kinds[1]: there is",
        ),
        (b"routes:\n  - to: chat\n    kinds: []", "line 3: routes[0].kinds: expected a name"),
        (b"routes:\n  - kinds: trouble", "line 2: routes[0]: `to` names no destination"),
        (b"routes:\n  - to: chat\n    severity: loud", "line 3: routes[0].severity: is none of info, action"),
        (b"routes:\n  - to: chat\n    when: soon", "line 3: routes[0].when: 'soon' says no time"),
        (b"routes:\n  - to: chat\n    at: now", "line 3: routes[0].at: is not known; a route has"),
        (b"routes: [text]", "line 1: routes[0]: expected a mapping"),
        (b"routes: [", "line"),
        (b"x" * 300_000, "more than 262144 bytes"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: bytes, told: str) -> None:
    with pytest.raises(MalformedInput) as raised:
        read_notify(text, BOTH)
    assert told in str(raised.value)


def test_owners_and_entries_that_there_are_not_are_named() -> None:
    text = b"routes:\n  - {to: chat, owners: [a, b]}\n  - {to: chat, images: [x]}"
    told = unknown_owners(text, {"a"}, {"node"})
    assert told.splitlines() == [
        "line 2: routes[0].owners[1]: there is no owner called 'b'; there are: a",
        "line 3: routes[1].images[0]: there is no entry of the watch list called 'x'; there are: node",
    ]


def test_many_routes_are_refused() -> None:
    assert read_routes({"routes": [{"to": "chat"}] * 201})[1][0][1] == "201 routes are more than 200"
