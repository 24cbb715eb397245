"""Documents of what people decided meet accounts that know more, less or otherwise: the later word counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from shared.domain.access.api_keys import new_key
from shared.domain.access.callers import Role
from shared.domain.decisions.document import written as document
from shared.domain.decisions.words import Fate
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.rulings import Kind
from shared.domain.promotion.said import Chosen, Pinned, Said, Why
from shared.domain.promotion.target import Adopted, Former
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.errors import UNREADABLE, NotPermitted, ServiceError, Unavailable
from tests.doubles.world import ONE, TWO, World
from tests.unit.flows.decided import (
    ID,
    KEY,
    acted,
    arrive,
    borne,
    bring_back,
    export,
    fates,
    look,
    lose,
    person,
    read,
    said,
)
from tests.unit.flows.test_lost_account import (
    ASKED,
    TAKES_OVER,
    against_its_gate,
    blocked,
    held,
    pinned,
    refused,
    rolled_back,
)

pytestmark = pytest.mark.unit

OF_TWO = Policy("of-two", approval=ApprovalCheck(required=2))
SCANNED = Policy("scanned", approval=ApprovalCheck(), scan=ScanCheck())
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)


def unpin(world: World) -> None:
    """Let the pin be taken back."""
    acted(world.actor.unpin(ID, said(world)))


def release(world: World) -> None:
    """Let the block be taken back."""
    world.ruler.release(TWO, said(world))


def resume(world: World) -> None:
    """Let the hold be taken back."""
    world.ruler.resume("node", said(world))


def agree(world: World) -> None:
    """Let somebody agree to what another one refused."""
    acted(world.approver.approve(ID, TWO, person(world, "bob"), "it is Monday", world.clock()))


def pin_forward(world: World) -> None:
    """Let what was gone back from be pinned."""
    acted(world.actor.pin(ID, TWO, None, said(world)))


SINCE = [(pinned, unpin), (blocked, release), (held, resume), (refused, agree), (rolled_back, pin_forward)]


@pytest.mark.parametrize(("decided", "since"), SINCE)
def test_an_older_document_overrules_nothing_that_was_said_since(
    decided: Callable[[], World], since: Callable[[World], None]
) -> None:
    world = decided()
    older = export(world)
    since(world)
    world.settle()
    before = world.target()
    bring_back(world, older, person(world))
    world.settle()
    assert borne(world) == TWO
    assert world.target() == before


@pytest.mark.parametrize(("decided", "since"), SINCE)
def test_an_older_document_after_the_newest_overrules_nothing_either(
    decided: Callable[[], World], since: Callable[[World], None]
) -> None:
    world = decided()
    older = export(world)
    since(world)
    world.settle()
    newest = lose(world)
    bring_back(world, newest, person(world))
    bring_back(world, older, person(world))
    look(world)
    assert borne(world) == TWO
    assert world.target().hold is None


@pytest.mark.parametrize(("decided", "since"), SINCE)
def test_the_newest_document_after_an_older_one_brings_what_was_said_last(
    decided: Callable[[], World], since: Callable[[World], None]
) -> None:
    world = decided()
    older = export(world)
    since(world)
    world.settle()
    newest = lose(world)
    bring_back(world, older, person(world))
    bring_back(world, newest, person(world))
    look(world)
    assert borne(world) == TWO


def test_what_was_said_on_the_new_account_before_the_document_came_stays() -> None:
    world = pinned()
    text = lose(world)
    look(world)
    acted(world.actor.pin(ID, TWO, None, said(world, "it is mended")))
    outcome = bring_back(world, text)
    world.settle()
    assert Fate.NEWER_HERE in fates(outcome)
    assert borne(world) == TWO


def test_an_approval_counts_again_when_a_person_who_may_approve_brings_it_back() -> None:
    world = World(TAKES_OVER)
    arrive(world, ONE)
    world.says(OF_TWO)
    arrive(world, TWO)
    acted(world.approver.approve(ID, TWO, person(world, "eve"), "it runs", world.clock()))
    text = lose(world)
    bring_back(world, text, person(world))
    look(world)
    assert borne(world) == ONE
    acted(world.approver.approve(ID, TWO, person(world, "bob"), "it runs", world.clock()))
    world.settle()
    assert borne(world) == TWO


@pytest.mark.parametrize("caller", ["key", "operator"])
def test_what_lets_something_in_is_brought_back_by_no_one_who_could_not_agree_to_it(caller: str) -> None:
    world = World(TAKES_OVER)
    arrive(world, ONE)
    world.says(OF_TWO)
    arrive(world, TWO)
    acted(world.approver.approve(ID, TWO, person(world, "eve"), "it runs", world.clock()))
    text = lose(world)
    world.says(ASKED)
    outcome = bring_back(world, text, KEY if caller == "key" else _only_operator(world))
    look(world)
    assert Fate.NOT_ALLOWED in fates(outcome)
    assert borne(world) == ONE
    assert world.target().consents == ()


def _only_operator(world: World):

    return msgspec.structs.replace(person(world), roles=frozenset({Role.OPERATOR}))


@pytest.mark.parametrize("field", ["pinned", "chosen", "adopted", "former"])
@pytest.mark.parametrize("stage", ["empty", "known"])
def test_a_document_of_an_operator_leads_a_tag_to_no_digest_that_was_never_let_in(field: str, stage: str) -> None:
    world = rolled_back()
    decisions = read(world, export(world))
    if stage == "empty":
        lose(world)
        world.base.tags.clear()
    evil, at = Digest(f"sha256:{'e' * 64}"), decisions.exported_at
    of_evil = {
        "pinned": Pinned(evil, Said("eve", "as it was", at)),
        "chosen": Chosen(evil, 10**6, Said("eve", "as it was", at)),
        "adopted": Adopted(evil, 10**6),
        "former": (Former(evil, at),),
    }
    forged = msgspec.structs.replace(decisions.targets[0], **{field: of_evil[field]})
    outcome = bring_back(world, document(msgspec.structs.replace(decisions, targets=(forged,))))
    target = world.targets.get(ID)
    assert target is not None
    assert evil not in {target.record.wanted, *(one.digest for one in target.record.former)}
    assert target.record.pinned is None
    assert field == "former" or not outcome.whole


def test_an_override_that_nobody_may_bring_back_leaves_what_stands_as_it_is() -> None:
    world = against_its_gate()
    outcome = bring_back(world, lose(world), KEY)
    look(world)
    assert Fate.NOT_ALLOWED in fates(outcome)
    assert borne(world) == TWO
    assert world.target().forced == ()


def test_an_override_is_still_said_of_its_digest_with_who_asked_and_who_granted() -> None:
    world = against_its_gate()
    before = world.target().forced
    bring_back(world, lose(world), person(world))
    assert world.target().forced == before
    assert world.target().why is Why.AGAINST_GATE


def test_a_waiver_is_brought_back_and_a_revoked_one_is_not() -> None:
    world = World(TAKES_OVER)
    arrive(world, ONE)
    for name in ("openssl", "zlib"):
        at = world.clock()
        acted(world.waiver.ask(ID, ONE, BAD.id, name, "2099-12-31", person(world, "eve"), "not reachable", at))
    older = export(world)
    acted(world.waiver.revoke(ID, ONE, BAD.id, "zlib", person(world), "it is", world.clock() + timedelta(seconds=1)))
    newest = lose(world)
    bring_back(world, newest, person(world))
    bring_back(world, older, person(world))
    assert [one.package for one in world.target().waived] == ["openssl"]


def test_a_revoked_waiver_that_an_older_document_brought_back_goes_with_the_newest_one() -> None:
    world = World(TAKES_OVER)
    arrive(world, ONE)
    at = world.clock()
    acted(world.waiver.ask(ID, ONE, BAD.id, "zlib", "2099-12-31", person(world, "eve"), "not reachable", at))
    older = export(world)
    acted(world.waiver.revoke(ID, ONE, BAD.id, "zlib", person(world), "it is", at + timedelta(seconds=1)))
    newest = lose(world)
    bring_back(world, older, person(world))
    assert [one.package for one in world.target().waived] == ["zlib"]
    bring_back(world, newest, person(world))
    assert world.target().waived == ()


def test_keys_are_exported_by_name_alone_and_those_to_be_made_anew_are_told() -> None:
    world = pinned()
    kept, text = new_key("deploy", Role.APPROVER, world.clock(), [])
    world.api_keys.add(kept)
    document = lose(world)
    assert kept.hash.encode() not in document
    assert text.encode() not in document
    outcome = bring_back(world, document)
    assert outcome.keys_to_make == ("deploy",)
    assert world.api_keys.every() == ()


def test_what_stands_in_a_new_base_registry_counts_and_people_are_heard_there_too() -> None:
    world = pinned()
    text = lose(world)
    world.base_name = "tidegatebase2"
    world.start()
    bring_back(world, text)
    look(world)
    target = world.target()
    assert (target.registry, target.wanted, target.why) == ("tidegatebase2", ONE, Why.PINNED)
    assert borne(world) == ONE


@pytest.mark.parametrize("error", [Unavailable("no answer"), NotPermitted("no")])
def test_while_the_base_registry_cannot_be_read_a_tag_is_left_and_the_rest_is_taken(error: Exception) -> None:
    world = blocked()
    text = lose(world)
    world.base.fail("digest", error)  # type: ignore[arg-type]
    first = bring_back(world, text)
    assert not first.whole
    assert world.target_or_none() is None
    assert world.rulings.get(Kind.BLOCK, TWO) is not None
    assert bring_back(world, text).whole
    look(world)
    assert borne(world) == ONE


def test_a_row_that_cannot_be_read_is_told_and_the_rest_is_exported() -> None:
    world = blocked()
    world.targets.fail("every", ServiceError("1 row of the table cannot be read", code=UNREADABLE))
    document = read(world, export(world))
    assert document.lacks
    assert [one.subject for one in document.rulings] == [TWO]


def test_what_is_taken_is_told_in_the_activity_log_by_name_before_it_is_written() -> None:
    world = blocked()
    text = lose(world)
    bring_back(world, text)
    told = [event for event in world.activity.events if event.name == "brought-back"]
    assert {event.subject for event in told} == {f"digest:{TWO}", f"target:{ID}"}
    assert all("restore (API key 0123456789ab)" in event.detail for event in told)
