"""What people do by a page: the forms it shows, what they say, and what comes of sending them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.consents import Answer
from shared.domain.promotion.said import Said, Why
from shared.domain.references import Digest, Tag
from shared.errors import Unavailable
from tests.doubles.filled_forms import form_of, forms_of, send
from tests.doubles.paged import READER, Browser
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, NODE, ONE, TAG, TARGET, THREE, TWO, WATCH_LIST, World

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
PAGE = f"pages/targets/{ID}"
ASKED = Policy("asked", approval=ApprovalCheck())


def person(world: World, name: str = "ada", *roles: Role, minutes: int = 5) -> Caller:
    """Somebody who signed in some minutes ago."""
    at = world.clock() - timedelta(minutes=minutes)
    return Caller(Kind.PERSON, f"{name}@33-44", name, frozenset(roles or (Role.APPROVER,)), at)


def arrive(world: World, digest: Digest) -> None:
    """Let a digest appear upstream and come as far as it gets by itself."""
    world.push(digest)
    world.check()
    world.settle()


@pytest.fixture
def world() -> World:
    """A world that bears ONE, and in which TWO waits for people."""
    made = World()
    arrive(made, ONE)
    made.says(ASKED)
    arrive(made, TWO)
    return made


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world, person(world))


def borne(world: World) -> Digest:
    """What the tag bears once everything is done."""
    world.settle()
    return world.base.tags[TARGET, TAG]


def test_the_page_names_the_whole_digest_and_says_what_approving_does(browser: Browser) -> None:
    text = browser.read(PAGE)
    assert f'at-once: <span class="detail"><bdi>base/node:22-alpine becomes {TWO} now' in text
    assert form_of(browser, ID, "approve")["digest"] == TWO


def test_an_approval_by_the_page_promotes_and_leads_back_to_the_page(browser: Browser, world: World) -> None:
    answer = send(browser, ID, {**form_of(browser, ID, "approve"), "why": "it runs in test"})
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/api/{PAGE}?did=approve&")
    assert answer.headers["Location"].endswith("#done")
    assert borne(world) == TWO
    (consent,) = world.target().consents
    assert (consent.answer, consent.by.id, consent.why) == (Answer.AGREED, "ada@33-44", "it runs in test")
    assert "it runs in test" in browser.read(PAGE)


def led_to(browser: Browser, act: str) -> str:
    """Send a form, and return the address of the page that it leads to."""
    answer = send(browser, ID, {**form_of(browser, ID, act), "why": "it runs in test"})
    assert answer.status_code == 303
    return answer.headers["Location"].removeprefix("/api/").partition("#")[0]


def test_what_was_done_is_said_by_the_page_that_it_leads_to_where_the_keyboard_comes(browser: Browser) -> None:
    page = browser.read(led_to(browser, "approve"))
    [told] = re.findall(r'<p class="note good" id="done" role="status" tabindex="-1">(.*)</p>', page)
    assert f"base/node:22-alpine, {TWO[7:19]}" in told
    assert "You approved it" in told


def test_what_was_done_is_said_to_nobody_else_and_of_nothing_else(browser: Browser, world: World) -> None:
    address = led_to(browser, "approve")
    assert 'id="done"' in browser.read(address)
    for changed in (address.replace("did=approve", "did=reject"), address[:-1] + "x", f"{PAGE}?did=approve", PAGE):
        assert 'id="done"' not in browser.read(changed)
    assert 'id="done"' not in browser.read(address.replace(f"{PAGE}?", "pages/system?"))
    browser.caller = person(world, "bob")
    assert 'id="done"' not in browser.read(address)


@pytest.mark.parametrize("act", ["pin", "hold_image", "block_digest", "reject"])
def test_every_act_is_said_in_words(browser: Browser, act: str) -> None:
    browser.caller = replace(browser.caller, roles=frozenset({Role.APPROVER, Role.OPERATOR}))
    page = browser.read(led_to(browser, act))
    assert re.search(r'id="done" role="status".*: You (pinned|hold|blocked|rejected) ', page)


def test_that_it_cannot_be_said_keeps_nothing_from_being_done(browser: Browser, world: World) -> None:
    form = {**form_of(browser, ID, "approve"), "why": "it runs in test"}

    def away(*_: object) -> str:
        raise Unavailable("the storage account does not answer")

    browser.pages._acts.tokens.make = away  # type: ignore[method-assign]
    answer = send(browser, ID, form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/api/{PAGE}")
    assert borne(world) == TWO


def test_a_form_that_is_sent_twice_does_once_and_answers_twice_the_same(browser: Browser, world: World) -> None:
    form = {**form_of(browser, ID, "approve"), "why": "it runs in test"}
    assert [send(browser, ID, form).status_code for _ in range(2)] == [303, 303]
    assert borne(world) == TWO
    assert send(browser, ID, form).status_code == 303
    assert [event.name for event in world.activity.events].count("approved") == 1


def test_a_rejection_a_pin_a_way_back_and_a_block_come_to_what_they_say(browser: Browser, world: World) -> None:
    assert send(browser, ID, {**form_of(browser, ID, "reject"), "why": "not now"}).status_code == 303
    assert borne(world) == ONE
    assert send(browser, ID, {**form_of(browser, ID, "pin"), "why": "stay", "until": "2099-12-31"}).status_code == 303
    pinned = world.target().pinned
    assert pinned is not None
    assert (pinned.digest, str(pinned.until)[:10]) == (ONE, "2099-12-31")
    assert send(browser, ID, {**form_of(browser, ID, "unpin"), "why": "go on"}).status_code == 303
    assert world.target().why is not Why.PINNED
    assert send(browser, ID, {**form_of(browser, ID, "block_digest", TWO), "why": "bad"}).status_code == 303
    assert world.target().blocks(TWO)
    assert send(browser, ID, {**form_of(browser, ID, "release_digest", TWO), "why": "good"}).status_code == 303
    assert not world.target().blocks(TWO)
    assert send(browser, ID, {**form_of(browser, ID, "hold_image"), "why": "wait"}).status_code == 303
    assert world.target().hold is not None
    assert send(browser, ID, {**form_of(browser, ID, "resume_image"), "why": "go"}).status_code == 303
    assert world.target().hold is None


def test_an_override_is_asked_by_one_and_granted_by_another_each_by_the_page(browser: Browser, world: World) -> None:
    form = form_of(browser, ID, "promote_against_gate")
    assert send(browser, ID, {**form, "why": "the shop is down"}).status_code == 303
    text = browser.read(PAGE)
    assert "another approver has to grant it" in text
    assert not [one for _, one in forms_of(text) if one["act"] == "promote_against_gate"]
    browser.caller = person(world, "bob")
    assert send(browser, ID, {**form_of(browser, ID, "promote_against_gate"), "why": "it is"}).status_code == 303
    assert borne(world) == TWO
    assert world.target().why is Why.AGAINST_GATE


def test_a_newer_digest_closes_what_the_form_asked_for_and_says_so(browser: Browser, world: World) -> None:
    form = {**form_of(browser, ID, "approve"), "why": "it runs"}
    arrive(world, THREE)
    answer = send(browser, ID, form)
    assert answer.status_code == 409
    assert f"was seen to be {THREE} since" in answer.get_body().decode()
    assert borne(world) == ONE


def test_a_form_of_an_earlier_decision_is_refused_for_a_digest_of_all_tags_too(browser: Browser, world: World) -> None:
    pin, block = form_of(browser, ID, "pin"), form_of(browser, ID, "block_digest", TWO)
    send(browser, ID, {**form_of(browser, ID, "approve"), "why": "it runs"})
    world.settle()
    for form in (pin, block):
        answer = send(browser, ID, {**form, "why": "stay"})
        assert answer.status_code == 409
        assert "has been decided on since" in answer.get_body().decode()
    assert not world.target().blocks(TWO)


def test_rights_are_those_at_the_click_and_not_those_when_the_page_was_shown(browser: Browser, world: World) -> None:
    form = {**form_of(browser, ID, "approve"), "why": "it runs"}
    browser.caller = person(world, "ada", Role.OPERATOR)
    assert send(browser, ID, form).status_code == 403
    browser.caller = person(world, "ada", Role.READER)
    assert send(browser, ID, form).status_code == 403
    browser.caller = person(world, "ada", minutes=61)
    answer = send(browser, ID, form)
    assert (answer.status_code, "sign-in of the last hour" in answer.get_body().decode()) == (403, True)
    assert borne(world) == ONE


@pytest.mark.parametrize(
    "caller",
    [
        Caller(Kind.KEY, "0123456789ab", "deploy", frozenset(Role)),
        Caller(Kind.APPLICATION, "11@22", "bot", frozenset(Role)),
        Caller(Kind.PERSON, "11@22", "rita", frozenset({Role.READER})),
    ],
    ids=["key", "application", "reader"],
)
def test_who_cannot_act_by_pages_is_shown_no_form_and_costs_no_reading(world: World, caller: Caller) -> None:
    browser = Browser(world, caller)
    assert forms_of(browser.read(PAGE)) == []
    assert browser.parts.form_keys.reads == 0


def test_a_reason_is_asked_for_and_a_refusal_is_a_page_with_what_to_do(browser: Browser, world: World) -> None:
    answer = send(browser, ID, {**form_of(browser, ID, "approve"), "why": " "})
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "say your reason" in answer.get_body().decode()
    assert borne(world) == ONE


def test_a_page_whose_forms_cannot_be_made_is_shown_without_them(world: World) -> None:
    browser = Browser(world, person(world))

    def fails(_: int) -> None:
        raise Unavailable("storage does not answer")

    browser.parts.form_keys.get = fails
    assert forms_of(browser.read(PAGE)) == []


def test_hostile_reasons_and_names_are_text_in_the_forms(browser: Browser, world: World) -> None:
    world.ruler.hold("node", Said("eve", '"><script>alert(1)</script>', world.clock()), listed=True)
    text = browser.read(PAGE)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def candidate_page(world: World, digest: Digest) -> str:
    """Where the page of a digest's candidate is."""
    return f"pages/candidates/{world.candidate(digest).id}"


def test_a_candidates_page_has_the_forms_of_its_own_digest_and_they_do_the_same(browser: Browser, world: World) -> None:
    found = forms_of(browser.read(candidate_page(world, TWO)))
    assert {(action, fields["digest"]) for action, fields in found} == {(f"/api/{PAGE}", TWO)}
    assert {"approve", "reject"} <= {fields["act"] for _, fields in found}
    (fields,) = [fields for _, fields in found if fields["act"] == "approve"]
    assert send(browser, ID, {**fields, "why": "it runs"}).status_code == 303
    assert borne(world) == TWO


def test_a_candidates_page_has_no_form_for_who_only_reads(browser: Browser, world: World) -> None:
    browser.caller = READER
    text = browser.read(candidate_page(world, TWO))
    assert forms_of(text) == []
    assert "Nothing can be done here by you" in text


def test_the_page_of_approvals_leads_to_the_form_that_answers(browser: Browser) -> None:
    assert f'<a href="/api/{PAGE}#acts">yours to answer</a>' in browser.read("pages/approvals")
    browser.caller = READER
    assert "#acts" not in browser.read("pages/approvals")


def test_what_was_rejected_by_its_test_is_tried_again_by_the_page_of_its_candidate() -> None:
    world = World()
    arrive(world, ONE)
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    arrive(world, TWO)
    browser = Browser(world, person(world, "ada", Role.OPERATOR))
    [candidate] = [stored.record for stored in world.candidates.current() if stored.record.digest == TWO]
    page = browser.read(f"pages/candidates/{candidate.id}")
    assert "what failed or was rejected of the entry node is tried again" in page
    [fields] = [fields for _, fields in forms_of(page) if fields["act"] == "retry"]
    world.staging_runs.end(TWO, RunStatus.SUCCEEDED)
    answer = send(browser, ID, {**fields, "why": "the gate is mended"})
    assert answer.status_code == 303
    assert borne(world) == TWO
    assert "You asked that it is tried again" in browser.read(answer.headers["Location"][5:].partition("#")[0])


def test_what_did_not_fail_is_not_offered_to_be_tried_again(browser: Browser, world: World) -> None:
    browser.caller = person(world, "ada", Role.OPERATOR, Role.APPROVER)
    assert [fields for _, fields in forms_of(browser.read(PAGE)) if fields["act"] == "retry"] == []


def test_of_a_digest_of_many_tags_each_thing_is_read_once_for_the_forms_of_all() -> None:
    tags = [f"22-{number}" for number in range(6)]
    world = World(WATCH_LIST.replace(b"[22-alpine]", f"[{', '.join(tags)}]".encode()))
    world.says(ASKED)
    for tag in tags:
        world.hub.push(NODE, Tag(tag), TWO)
    world.check()
    world.settle()
    browser = Browser(world, person(world))
    [candidate] = [stored.record for stored in world.candidates.current()]
    reads: Counter[str] = Counter()
    last, get = world.kept_listings.last, world.candidates.get

    def listed() -> object:
        reads["tasks"] += 1
        return last()

    def got(name: str) -> object:
        reads["candidate"] += 1
        return get(name)

    browser.parts.kept_listings.last, world.candidates.get = listed, got  # type: ignore[method-assign, assignment]
    page = browser.read(f"pages/candidates/{candidate.id}")
    assert len([fields for _, fields in forms_of(page) if fields["act"] == "approve"]) == 4
    assert "stands in that one" in page
    assert reads == {"tasks": 1, "candidate": 1}
