"""What a message says, of one notice and of many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.links import Links
from shared.domain.notices.composing import MOST_ITEMS, message, title_of, trial, tried_again
from shared.domain.notices.kinds import KINDS, Severity
from shared.domain.notices.notice import Notice
from shared.domain.references import Digest

pytestmark = pytest.mark.unit

AT = datetime(2026, 3, 28, 7, 30, tzinfo=UTC)
LINKS = Links("https://tidegate.example.net")
PAGES = "https://tidegate.example.net/api/pages"
LONG = "n" * 255


def notice(kind: str = "blocked", number: int = 0, **fields: object) -> Notice:
    """A notice."""
    at = AT + timedelta(minutes=number)
    return Notice(kind=kind, about=f"digest:{number}", mark="1", at=at, detail=f"detail {number}", **fields)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_has_a_title_a_fact_and_a_link_that_is_whole(kind: str) -> None:
    one = message("msg_1", [notice(kind)], LINKS, "prod")
    assert one.title.startswith(KINDS[kind].title)
    assert (one.kind, one.severity, one.installation) == (kind, KINDS[kind].severity, "prod")
    assert one.lines[0].text == "detail 0"
    assert one.link.startswith(PAGES)


@pytest.mark.parametrize(
    ("about", "page"),
    [
        ("target:base~base~node~22", "targets/base~base~node~22"),
        ("candidate:docker.io~library~node~~node~0", "candidates/docker.io~library~node~~node~0"),
        ("image:a b", "images/a%20b"),
        ("task:apps/shop", "dependants"),
        ("repository:docker.io/library/node", "system"),
    ],
)
def test_a_notice_links_to_exactly_what_it_is_about(about: str, page: str) -> None:
    one = Notice(kind="tag-gone", about=about, mark="1", at=AT)
    assert message("msg_1", [one], LINKS, "").link == f"{PAGES}/{page}"


def test_what_is_built_elsewhere_leads_to_who_is_built_on_its_entry() -> None:
    one = Notice(kind="not-rebuilt", about="task:github:contoso/shop/build.yml@main", mark="1", at=AT, images=("node",))
    assert message("msg_1", [one], LINKS, "").link == f"{PAGES}/images/node/impact"


def test_a_message_of_one_kind_says_how_many_and_names_the_most_urgent() -> None:
    one = message("msg_1", [notice(number=number) for number in range(500)], LINKS, "", cause="blocked")
    assert (one.title, one.kind, one.cause) == ("500 x blocked", "blocked", "blocked")
    assert (len(one.items), one.more, one.lines) == (MOST_ITEMS, 450, ())
    assert one.at == AT + timedelta(minutes=499)


def test_a_message_of_several_kinds_counts_each_and_is_as_urgent_as_the_worst() -> None:
    mixed = [notice("promoted", 1), notice("promoted", 2), notice("known-exploited-in-use", 3)]
    one = message("msg_1", mixed, LINKS, "")
    assert (one.kind, one.severity) == ("digest", Severity.CRITICAL)
    assert one.title == "3 notices: 2 promoted, 1 known-exploited-in-use"
    assert [(line.label, line.text) for line in one.lines] == [("promoted", "2"), ("known-exploited-in-use", "1")]
    assert one.items[0].kind == "known-exploited-in-use"
    assert one.link == PAGES


def test_what_is_over_says_what_and_is_not_urgent() -> None:
    one = message("msg_1", [notice("solved", closes="base-tag-missing", place="base/node:22")], LINKS, "")
    assert (one.title, one.severity) == ("Solved: Base tag missing: base/node:22", Severity.INFO)


def test_what_still_lasts_says_so() -> None:
    assert title_of(notice("tag-gone", stage=1, images=("node",))) == "Tag gone (still): node"


def test_what_the_service_refused_is_sent_as_title_and_link_alone() -> None:
    for notices in ([notice()], [notice(number=1), notice(number=2)]):
        one = message("msg_1", notices, LINKS, "", short=True)
        assert (one.short, one.lines, one.items, one.more) == (True, (), (), 0)
        assert one.title
        assert one.link


def test_no_text_of_a_stranger_is_longer_than_it_may_be() -> None:
    long = Notice(
        kind="blocked", about=f"target:{LONG}", mark="1", at=AT, detail="d" * 9000, images=(LONG,) * 500, place=LONG
    )
    one = message("msg_1", [long], LINKS, "")
    assert max(len(line.text) for line in one.lines) <= 10 * 257
    many = message("msg_1", [long, long], LINKS, "")
    assert max(len(item.text) for item in many.items) <= 300


def test_what_all_notices_have_in_common_is_for_machines() -> None:
    digest = Digest("sha256:" + "1" * 64)
    pair = [
        Notice(kind="blocked", about="target:a", mark=str(number), at=AT, images=("node",), digest=digest)
        for number in range(2)
    ]
    one = message("msg_1", pair, LINKS, "")
    assert (one.image, one.target, one.digest) == ("node", "a", digest)
    other = message("msg_1", [pair[0], Notice(kind="blocked", about="target:b", mark="9", at=AT)], LINKS, "")
    assert (other.image, other.target, other.digest) == ("", "", "")


def test_messages_of_our_own_say_what_they_are_for() -> None:
    again = tried_again("msg_1", AT, "410: gone", LINKS, "prod", AT)
    assert (again.kind, again.lines[-1].text) == ("tried-again", "410: gone")
    assert trial("msg_1", "ada", LINKS, "prod", AT).kind == "test"
