"""Messages are held within what each service takes, and what strangers wrote stays text in each."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from infra.local.receivers import blocks, cards
from infra.local.receivers.teams import expanded
from shared.domain.notices.event import notice_event
from shared.domain.notices.outgoing import Item, Line, Outgoing
from shared.domain.notices.rendering import JOINER, Cut, plain, shown, title_of
from shared.domain.notices.rendering_slack import escaped, slack_payload
from shared.domain.notices.rendering_teams import teams_payload
from shared.domain.notices.rendering_text import mail_letter, short_letter
from tests.unit.domain.notices.messages import (
    DIGEST_OF,
    EVERY_KIND,
    HOSTILE,
    PAGE,
    hostile,
    largest,
    message,
    messages,
    texts,
)

pytestmark = pytest.mark.unit


def slack_problem(payload: dict[str, Any]) -> str:
    """What Slack would say."""
    return blocks.wrong_with(payload["blocks"])


def teams_problem(payload: dict[str, Any]) -> str:
    """What Teams would say."""
    (attachment,) = payload["attachments"]
    size = expanded(attachment["content"])
    return cards.wrong_with(attachment) or ("" if size <= 28_672 else f"{size} bytes")


def event_problem(body: bytes) -> str:
    """What a receiver of webhooks would say."""
    event = json.loads(body)
    small = len(body) < 20 * 1000 + 1
    return "" if small and event["specversion"] == "1.0" and event["id"] and event["type"] else "no event"


JUDGED: tuple[tuple[Callable[[Outgoing], Any], Callable[[Any], str]], ...] = (
    (slack_payload, slack_problem),
    (teams_payload, teams_problem),
    (notice_event, event_problem),
    (mail_letter, lambda letter: "" if len(letter.title) <= 200 and len(letter.text) <= 60_000 else "too long"),
    (short_letter, lambda letter: "" if len(letter.title) <= 200 and len(letter.text) <= 2_000 else "too long"),
)


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize(("render", "problem"), JUDGED)
def test_every_kind_fits_every_service_with_500_findings_and_the_longest_names(
    kind: str, render: Callable[[Outgoing], Any], problem: Callable[[Any], str]
) -> None:
    assert problem(render(largest(kind, again=True))) == ""
    assert problem(render(largest(kind, short=True))) == ""


@given(messages)
@settings(max_examples=25, deadline=None)
def test_nothing_that_strangers_write_breaks_a_limit(told: Outgoing) -> None:
    for render, problem in JUDGED:
        assert problem(render(told)) == ""


@given(messages)
@settings(max_examples=25, deadline=None)
def test_nothing_that_strangers_write_becomes_a_link_or_a_mention(told: Outgoing) -> None:
    ours = {f"{PAGE}|Open the page", f"{PAGE}|open"}
    assert set(blocks.calls_of(slack_payload(told))) <= ours
    assert cards.calls_of(teams_payload(told)) == ()
    assert not any(character in mail_letter(told).title for character in "\r\n\x00")


@given(texts)
@settings(deadline=None)
def test_what_slack_shows_of_an_escaped_text_is_the_text(text: str) -> None:
    line = plain(text, 4000)
    read_back = escaped(line).replace(JOINER, "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert read_back == line.replace(JOINER, "")


def test_names_with_underscores_are_not_touched() -> None:
    assert escaped("team/my_image:1.2_beta") == "team/my_image:1.2_beta"
    assert escaped("*all* <!here>") == f"{JOINER}*{JOINER}all{JOINER}*{JOINER} &lt;!here&gt;"


def test_what_cannot_be_seen_is_made_visible() -> None:
    assert plain("a\u202eb\x00c\x1b[31m\nd\ud83d", 100) == "a\\u202eb\\u0000c\\u001b[31m d\\ud83d"


def test_a_text_that_is_cut_says_so_within_its_length() -> None:
    assert plain("a" * 30, 20) == "a" * 13 + "… (cut)"
    assert plain("a" * 20, 20) == "a" * 20


def test_a_message_that_is_whole_says_nothing_of_cuts() -> None:
    assert shown(message(), Cut(300, 10, 10)).notes == ()


def test_what_is_left_out_is_counted_and_said() -> None:
    told = message(items=(Item("a"),) * 7, more=1000)
    assert shown(told, Cut(300, 10, 3)).notes == ("and 1,004 more",)
    assert "cut to what its service takes" in shown(message(lines=(Line("a", "b" * 500),)), Cut(300, 10, 3)).notes[0]


@pytest.mark.parametrize("render", [slack_payload, teams_payload, mail_letter, short_letter, notice_event])
def test_every_service_is_told_installation_digest_page_and_that_it_may_have_come_before(
    render: Callable[[Outgoing], Any],
) -> None:
    told = str(render(message(again=True)))
    assert "prod-weu" in told
    assert DIGEST_OF in told
    assert PAGE in told
    assert "again" in told


@pytest.mark.parametrize("render", [slack_payload, teams_payload, mail_letter, short_letter])
def test_a_short_message_is_title_and_page_alone(render: Callable[[Outgoing], Any]) -> None:
    told = str(render(message(short=True)))
    assert "Approval needed: runtime 8" in told
    assert PAGE in told
    assert DIGEST_OF not in told


@pytest.mark.parametrize(
    "link", ["/api/pages/targets/a", "javascript:alert(1)", "https://a.example/<x>", "https://a b"]
)
def test_what_is_no_absolute_address_becomes_no_link(link: str) -> None:
    told = message(link=link, items=(Item("a", link=link),))
    assert blocks.calls_of(slack_payload(told)) == ()
    assert "actions" not in teams_payload(told)["attachments"][0]["content"]
    assert "selectAction" not in str(teams_payload(told))
    assert "Page: " in mail_letter(told).text


def test_a_mark_of_being_sent_again_is_never_cut_off() -> None:
    told = message(title="a" * 400, again=True)
    assert title_of(told).endswith(" (again)")
    assert mail_letter(told).title.endswith(" (again)")


def test_an_event_tells_machines_what_it_is_about() -> None:
    event = json.loads(notice_event(message(target="base/runtime:8", image="runtime", digest=DIGEST_OF)))
    assert (event["id"], event["type"], event["source"]) == (
        "n-1",
        "tidegate.notice.approval-needed",
        "/tidegate/prod-weu",
    )
    assert (event["subject"], event["time"]) == ("base/runtime:8", "2026-11-28T04:05:06Z")
    assert event["data"]["digest"] == DIGEST_OF
    assert event["data"]["lines"][0] == {"label": "Digest", "text": DIGEST_OF}
    assert not event["data"]["cut"]
    assert json.loads(notice_event(largest("rejected") if "rejected" in EVERY_KIND else largest("promoted")))["data"][
        "cut"
    ]


def test_hostile_text_is_there_and_is_text() -> None:
    run = json.dumps(teams_payload(hostile()), ensure_ascii=False)
    assert "evil.example" in run
    assert "<at>" not in run
    assert "Bcc" in mail_letter(hostile()).text
    assert "\n.\n" not in mail_letter(hostile(HOSTILE)).text
