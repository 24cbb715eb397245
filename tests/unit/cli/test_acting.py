"""What people do from a terminal is what they do through the API: said why, of a digest, and refused as there."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from shared.cli.exchange import Answer, Sent
from shared.cli.exits import Exit, Unreached
from shared.domain.access.callers import Role
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.said import Said, Why
from shared.domain.promotion.statuses import Status
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from tests.doubles.app import AppInMemory
from tests.doubles.world import ONE, THREE, TWO, WATCH_LIST, World
from tests.unit.cli.conftest import Terminal, Typed

pytestmark = pytest.mark.unit

BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
TAG = "node:22-alpine"
WHY = ("--reason", "the shop is slow on it")


def before(terminal: Terminal, world: World, *digests: str) -> Terminal:
    """The same terminal before a world in which digests have arrived."""
    if terminal.app.world is not world:
        terminal.app = AppInMemory(world)
        terminal.send = terminal.app.send
    for digest in digests:
        world.push(digest)  # type: ignore[arg-type]
        world.check()
        world.settle()
    return terminal


@pytest.fixture
def moved(terminal: Terminal) -> Terminal:
    """A tag that moved once."""
    return before(terminal, World(), ONE, TWO)


@pytest.fixture
def awaiting(terminal: Terminal) -> Terminal:
    """A tag whose newest digest waits for people, of whom the key is one by the policy."""
    world = before(terminal, World()).app.world
    world.says(Policy("asked", approval=ApprovalCheck(machines=(terminal.app.id_of(Role.APPROVER),))))
    terminal.role = Role.APPROVER
    return before(terminal, world, ONE)


def wanted(terminal: Terminal) -> tuple[str, Why]:
    """What the tag is to bear, and why."""
    target = terminal.app.world.target()
    return target.wanted, target.why


def answering(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let somebody at the terminal answer."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_tag_goes_back_to_what_it_bore_before(moved: Terminal) -> None:
    assert moved.type("rollback", TAG, *WHY).status == Exit.FINE
    assert wanted(moved) == (ONE, Why.ROLLED_BACK)


def test_a_tag_that_is_pinned_is_let_free_again(moved: Terminal) -> None:
    assert moved.type("pin", TAG, *WHY).status == Exit.FINE
    assert wanted(moved) == (TWO, Why.PINNED)
    assert moved.type("unpin", TAG, *WHY).status == Exit.FINE
    assert wanted(moved) == (TWO, Why.NEWEST)


def test_a_tag_is_pinned_until_a_day(moved: Terminal) -> None:
    typed = moved.type("pin", "base/node:22-alpine", "--to", ONE, "--until", "2099-12-31", *WHY, "--json")
    assert (typed.status, typed.document["target"]["wanted"]) == (Exit.FINE, ONE)
    assert typed.document["target"]["pinned"]["until"] == "2099-12-31T23:59:59Z"
    assert moved.type("rollback", TAG, "--to", TWO, *WHY).status == Exit.CONFLICT


@pytest.mark.parametrize("until", ["2099-12-31T18:00", "soon", "2099-99-99", "d"])
def test_a_time_that_is_none_changes_nothing(moved: Terminal, until: str) -> None:
    assert moved.type("pin", TAG, "--until", until, *WHY).status == Exit.USAGE
    assert wanted(moved) == (TWO, Why.NEWEST)


@pytest.mark.parametrize("command", ["rollback", "pin", "unpin", "block", "hold", "retry"])
def test_nothing_is_done_for_no_reason(moved: Terminal, command: str) -> None:
    what = {"block": ONE, "hold": "node", "retry": "node"}.get(command, TAG)
    for reason in ((), ("--reason", " ")):
        assert moved.type(command, what, *reason).status == Exit.USAGE
    assert wanted(moved) == (TWO, Why.NEWEST)
    assert [one for one in moved.app.asked if one.method == "POST"] == []


def test_a_dry_run_says_what_would_be_asked_and_asks_nothing(moved: Terminal) -> None:
    typed = moved.type("rollback", TAG, *WHY, "--dry-run", "--json")
    path = f"/api/targets/{moved.app.world.target().id}/rollback"
    request = {"method": "POST", "path": path, "body": {"number": 2, "why": "the shop is slow on it"}}
    assert (typed.status, typed.document["request"], typed.document["now"]["wanted"]) == (Exit.FINE, request, TWO)
    assert "would take base/node:22-alpine back" in moved.type("rollback", TAG, *WHY, "--dry-run").out
    assert [one for one in moved.app.asked if one.method == "POST"] == []


def test_who_acts_on_a_decision_that_another_took_the_place_of_is_told_of_a_conflict(moved: Terminal) -> None:
    world = moved.app.world

    def meanwhile(sent: Sent) -> Answer:
        if sent.method == "POST":
            world.actor.pin(world.target().id, Digest(ONE), None, Said("bob", "mine", world.clock()))
        return moved.app.send(sent)

    moved.send = meanwhile
    typed = moved.type("pin", TAG, "--to", TWO, *WHY, "--json")
    assert (typed.status, typed.document["target"]["wanted"], wanted(moved)[0]) == (Exit.CONFLICT, ONE, ONE)


def test_who_is_there_is_asked_for_a_reason_and_whether_it_is_meant(
    moved: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "it is slow\nno\n")
    typed = moved.type("rollback", TAG, interactive=True)
    assert (typed.status, wanted(moved)[0]) == (Exit.NO, TWO)
    assert "Take base/node:22-alpine back to the digest before? [y/N]" in typed.err
    answering(monkeypatch, "it is slow\nyes\n")
    assert moved.type("rollback", TAG, interactive=True).status == Exit.FINE
    chosen = moved.app.world.target().chosen
    assert chosen is not None
    assert (chosen.said.why, chosen.said.by.split()[0]) == ("it is slow", "operator")


def test_a_reader_may_do_nothing(moved: Terminal) -> None:
    moved.role = Role.READER
    typed = moved.type("rollback", TAG, *WHY)
    assert (typed.status, wanted(moved)[0]) == (Exit.DENIED, TWO)
    assert "the role approver or operator is needed here" in typed.err


def test_a_digest_is_blocked_listed_and_released(moved: Terminal) -> None:
    assert moved.type("block", TWO, *WHY).status == Exit.FINE
    assert wanted(moved)[0] == ONE
    assert [row[:2] for row in moved.type("rulings").rows] == [["blocked", TWO]]
    assert moved.type("release", TWO, *WHY).status == Exit.FINE
    assert moved.type("rulings").out == "nothing is blocked or held\n"
    assert moved.type("block", "sha256:1", *WHY).status == Exit.USAGE


def test_an_entry_is_held_and_goes_on(moved: Terminal) -> None:
    typed = moved.type("hold", "node", *WHY)
    assert (typed.status, typed.out.splitlines()[0]) == (
        Exit.FINE,
        f"hold of node is in force, by {moved.app.world.target().hold.by}: the shop is slow on it",  # type: ignore[union-attr]
    )
    assert moved.type("resume", "node", *WHY).status == Exit.FINE
    assert moved.app.world.target().hold is None


def agree(terminal: Terminal, digest: str, command: str = "approve", *more: str) -> Typed:
    """Say something of a digest."""
    return terminal.type(command, TAG, "--digest", digest, *WHY, *more)


def test_a_digest_that_waits_is_agreed_to_and_promoted(awaiting: Terminal) -> None:
    assert agree(awaiting, ONE).status == Exit.FINE
    awaiting.app.world.settle()
    assert wanted(awaiting) == (ONE, Why.NEWEST)


def test_a_digest_that_waits_is_refused(awaiting: Terminal) -> None:
    assert agree(awaiting, ONE, "reject").status == Exit.FINE
    awaiting.app.world.settle()
    assert (awaiting.app.world.status(ONE), wanted(awaiting)[0]) == (Status.REJECTED, "")


def test_who_agrees_to_what_a_newer_digest_took_the_place_of_is_told_of_a_conflict(awaiting: Terminal) -> None:
    before(awaiting, awaiting.app.world, TWO)
    typed = agree(awaiting, ONE)
    assert (typed.status, "reason: superseded" in typed.err) == (Exit.CONFLICT, True)
    assert agree(awaiting, THREE, "approve", "--json").document["reason"] in {"not-waiting", "superseded"}
    assert wanted(awaiting)[0] == ""


def test_no_digest_is_agreed_to_that_nobody_names(awaiting: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert awaiting.type("approve", TAG, *WHY).status == Exit.USAGE
    answering(monkeypatch, "y\n")
    typed = awaiting.type("approve", TAG, *WHY, interactive=True)
    assert (typed.status, ONE in typed.err) == (Exit.FINE, True)
    typed = awaiting.type("approve", TAG, *WHY, interactive=True)
    assert typed.status == Exit.CONFLICT


def test_a_candidates_id_means_its_only_tag(awaiting: Terminal) -> None:
    candidate = awaiting.app.world.candidate(ONE).id
    assert awaiting.type("approve", candidate, "--digest", ONE, *WHY).status == Exit.FINE


def test_a_key_that_no_policy_names_agrees_to_nothing(terminal: Terminal) -> None:
    world = World()
    world.says(Policy("asked", approval=ApprovalCheck()))
    terminal.role = Role.APPROVER
    assert agree(before(terminal, world, ONE), ONE).status == Exit.DENIED
    terminal.role = Role.OPERATOR
    assert agree(terminal, ONE).status == Exit.DENIED


def test_what_a_gate_rejected_takes_two_to_be_promoted(terminal: Terminal) -> None:
    world = World()
    before(terminal, world, ONE)
    world.says(Policy("standard", scan=ScanCheck()))
    world.push(TWO)
    world.check()
    world.settle()
    world.scan_ends(TWO, BAD)
    world.settle()
    assert world.status(TWO) is Status.REJECTED
    terminal.role = Role.APPROVER
    first = terminal.type("promote", TAG, "--to", TWO, *WHY, "--json")
    assert (first.status, first.document["target"]["became"]) == (Exit.FINE, "asked")
    assert wanted(terminal)[0] == ONE
    assert terminal.type("promote", TAG, "--to", TWO, *WHY).status == Exit.DENIED
    assert wanted(terminal)[0] == ONE


def test_who_asked_for_a_waiver_cannot_grant_it(terminal: Terminal) -> None:
    world = World()
    world.says(Policy("standard", scan=ScanCheck()))
    before(terminal, world, ONE)
    world.scan_ends(ONE, BAD)
    world.settle()
    terminal.role = Role.APPROVER
    about = (TAG, BAD.id, "--package", "openssl", "--digest", ONE, *WHY)
    assert terminal.type("waivers", "ask", *about, "--until", "2099-12-31").status == Exit.FINE
    assert terminal.type("waivers", "grant", *about).status == Exit.DENIED
    (row,) = terminal.type("waivers", "list", "--asked").rows
    assert row[1:3] == [BAD.id, "openssl"]
    assert terminal.type("waivers", "revoke", *about).status == Exit.FINE
    assert terminal.type("waivers", "list").out == "nothing is waived\n"
    assert terminal.type("waivers", "ask", *about, "--until", "soon").status == Exit.USAGE


def test_what_failed_is_tried_again_only_where_it_is_said_what(moved: Terminal) -> None:
    assert moved.type("retry", *WHY).status == Exit.USAGE
    typed = moved.type("retry", "--status", "rejected", "--since", "2d", *WHY, "--json")
    assert (typed.status, typed.document["count"]) == (Exit.FINE, 0)
    assert moved.type("retry", "other", *WHY).status == Exit.ABSENT


def test_every_act_bears_a_key_of_its_own_that_stays_with_its_tries(moved: Terminal) -> None:
    for command in ("pin", "unpin"):
        moved.type(command, TAG, *WHY)
    keys = [one.headers["Idempotency-Key"] for one in moved.app.asked if one.method == "POST"]
    assert len(set(keys)) == len(keys) == 2


def test_an_act_whose_answer_was_lost_is_answered_as_it_was_and_done_once(moved: Terminal) -> None:
    lost: list[Sent] = []

    def losing(sent: Sent) -> Answer:
        answer = moved.app.send(sent)
        if sent.method == "POST" and not lost:
            lost.append(sent)
            raise Unreached("connection reset")
        return answer

    moved.send = losing
    typed = moved.type("pin", TAG, "--to", ONE, *WHY, "--json")
    assert (typed.status, typed.document["target"]["wanted"], len(lost)) == (Exit.FINE, ONE, 1)
    assert moved.app.world.target().number == 3


def test_who_waits_for_a_rollback_is_told_when_the_registry_has_it_or_that_it_took_too_long(moved: Terminal) -> None:
    moved.while_waiting = [lambda: moved.app.world.pass_time(timedelta(seconds=1)), moved.app.world.settle]
    typed = moved.type("rollback", TAG, *WHY, "--wait", "--json")
    assert (typed.status, typed.document["target"]["reached"]) == (Exit.FINE, True)
    typed = moved.type("rollback", TAG, "--to", TWO, *WHY, "--wait", "--within", "90s")
    assert (typed.status, moved.passed >= 90) == (Exit.LATE, True)


# Names that digests keep.


@pytest.fixture
def named(terminal: Terminal) -> Terminal:
    """A tag that moved once, whose digests keep names."""
    watch_list = WATCH_LIST + b"    referrers: 'off'\n    unique_tag: '{tag}-{yyyymmdd}.{n}'\n"
    return before(terminal, World(watch_list, travels=True), ONE, TWO)


def test_a_tag_goes_back_to_a_name_that_a_digest_keeps(named: Terminal) -> None:
    assert named.type("rollback", TAG, "--to", "22-alpine-20260101.1", *WHY).status == Exit.FINE
    assert wanted(named) == (ONE, Why.ROLLED_BACK)
    shown = named.type("show", TAG)
    assert "keeps the name 22-alpine-20260101.1" in shown.out


def test_a_tag_is_pinned_to_a_name_that_a_digest_keeps(named: Terminal) -> None:
    assert named.type("pin", TAG, "--to", "22-alpine-20260101.2", *WHY).status == Exit.FINE
    assert wanted(named) == (TWO, Why.PINNED)


def test_a_name_that_no_digest_keeps_is_told(named: Terminal) -> None:
    typed = named.type("rollback", TAG, "--to", "22-alpine-20260101.9", *WHY)
    assert typed.status == Exit.USAGE
    assert "22-alpine-20260101.9" in typed.err
    assert wanted(named)[0] == TWO
