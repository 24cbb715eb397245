"""The pages of images, candidates, tags and approvals: what they show, in the words of the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.board import Group
from shared.domain.promotion.said import Said
from shared.domain.promotion.standing import Standing
from shared.domain.promotion.statuses import Status
from shared.domain.scan.findings import Finding
from shared.flows.show_candidate import show_candidate
from shared.web.pages.approvals import approvals_view
from shared.web.pages.candidate import CandidateView, candidate_view
from shared.web.pages.images import images_view
from shared.web.pages.target import target_view
from tests.doubles.paged import APPROVER, READER, Browser, request_for
from tests.doubles.registries import TEST_FAILED_LOG
from tests.doubles.world import BASE, ONE, TWO, World
from tests.unit.web.pages.test_now import asking, promoted

pytestmark = pytest.mark.unit

ID = f"{BASE}~base~node~22-alpine"
SCANNED = Policy("scanned", scan=ScanCheck(), approval=ApprovalCheck())
LOW = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.LOW)


def lines(world: World, query: str = "") -> list[Any]:
    """The rows of the page of images."""
    board = Browser(world).pages.boards.now()
    return list(images_view(board, request_for(f"pages/images?{query}")).part.rows)


def rejected() -> World:
    """A world whose tag moved to what its gate rejected."""
    world = promoted()
    world.staging_runs.end(TWO, RunStatus.FAILED, log=TEST_FAILED_LOG)
    world.push(TWO)
    world.check()
    world.settle()
    return world


def candidate_of(world: World, digest: str) -> CandidateView:
    """What the page of a candidate shows."""
    found = next(one.record.id for one in world.candidates.current() if one.record.digest == digest)
    return candidate_view(show_candidate(world.candidates, world.targets, world.evidence, BASE, found))


def test_a_current_tag_shows_its_digest_and_how_many_applications_are_built_on_it() -> None:
    world = promoted()
    world.list_tasks()
    (row,) = lines(world)
    assert (row.line.status, row.line.upstream, row.line.base, row.way) == (Standing.CURRENT, ONE, ONE, ())
    assert (row.line.built.tasks, row.line.built.current) == (1, 1)
    assert "1/1 applications" in Browser(world).read("pages/images")


def test_a_rejected_digest_shows_how_far_it_came_beside_what_stays_in_force() -> None:
    (row,) = lines(rejected())
    assert (row.line.status, row.line.base) == (Standing.REJECTED, ONE)
    assert [(stage.name, stage.word) for stage in row.way] == [("staging", "copied"), ("gate", "rejected")]


def test_what_was_rejected_long_ago_is_still_shown_so_by_its_trouble() -> None:
    world = rejected()
    world.run_for(timedelta(days=3))
    assert list(world.candidates.current()) == []
    (row,) = lines(world)
    assert (row.line.status, row.line.reason) == (Standing.REJECTED, "candidate-rejected")
    assert TWO in row.line.detail
    assert [stage.word for stage in row.way] == ["copied", "rejected"]


def test_what_needs_people_comes_first_then_what_has_lasted_longest() -> None:
    listed = b"images: [{name: a, source: node, tags: ['1', '2'], target: base/a}]"
    world = World(listed)
    world.push(ONE, "1")  # type: ignore[arg-type]
    world.check()
    world.run_for(timedelta(minutes=30))
    assert [row.line.tag for row in lines(world)] == ["2", "1"]
    assert [row.line.status for row in lines(world)] == [Standing.NEVER_THERE, Standing.CURRENT]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=22-alp", 1),
        ("text=NODE", 1),
        (f"text={TWO[7:19]}", 1),
        ("text=nowhere", 0),
        ("group=stopped", 1),
        ("group=current", 0),
        ("status=rejected", 1),
        ("team=web", 0),
        ("from=5000", 1),
    ],
)
def test_the_list_is_filtered_by_its_query_alone(query: str, found: int) -> None:
    assert len(lines(rejected(), query)) == found


@pytest.mark.parametrize(
    "query", ["from=-1", "from=x", "from=99999999", "group=nothing", "status=x", "text=" + "x" * 201]
)
def test_a_query_that_is_none_is_refused_in_words(query: str) -> None:
    answer = Browser(promoted()).ask(f"pages/images?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0].encode() in answer.get_body()


def test_a_hundred_rows_are_a_page_and_the_next_one_says_where_it_begins() -> None:
    tags = ", ".join(f"22-{tag}" for tag in range(125))
    entries = [f"{{name: n{one}, source: node{one}, tags: [{tags}], target: b{one}}}" for one in range(2)]
    browser = Browser(World(f"images: [{', '.join(entries)}]".encode()))
    seen: list[str] = []
    board, query = browser.pages.boards.now(), "?group=waiting"
    while query:
        part = images_view(board, request_for(f"pages/images{query}")).part
        seen += [row.line.place for row in part.rows]
        assert len(part.rows) <= 100
        query = part.next
    assert (len(seen), len(set(seen))) == (250, 250)
    assert "201–250 of 250" in browser.read("pages/images?from=200")


def test_the_page_of_an_entry_shows_its_tags_and_an_unknown_one_is_none() -> None:
    browser = Browser(rejected())
    assert "base/node:22-alpine" in browser.read("pages/images/node")
    assert browser.ask("pages/images/nothing").status_code == 404


def test_a_candidate_shows_its_way_its_tag_and_its_evidence() -> None:
    view = candidate_of(rejected(), TWO)
    assert [change.status.value for change in view.way][-1] == "rejected"
    assert [(at.says, at.newest) for at in view.targets] == [("not decided yet", "")]
    assert any(piece.kind.value == "test-log" for piece in view.pieces)
    assert not view.under_way


def test_a_newer_digest_supersedes_a_candidate_and_its_page_says_so() -> None:
    world = asking()
    world.push(TWO)
    world.check()
    world.settle()
    view = candidate_of(world, ONE)
    assert view.superseded_by == TWO
    assert "Superseded." in Browser(world).read(f"pages/candidates/{view.candidate.id}")


def test_findings_are_compared_with_what_is_in_use_platform_by_platform() -> None:
    world = World()
    world.says(SCANNED)
    world.push(ONE)
    world.check()
    world.settle()
    world.scan_ends(ONE, LOW)
    world.run_for(timedelta(minutes=30))
    (delta,) = candidate_of(world, ONE).deltas
    assert (delta.platform, delta.new, delta.fixed, delta.unchanged, delta.blocking) == ("linux/amd64", 1, 0, 0, 0)
    assert "CVE-2026-0001" in Browser(world).read(f"pages/candidates/{candidate_of(world, ONE).candidate.id}")


def test_a_tag_shows_what_is_wanted_why_what_it_bore_and_what_people_said() -> None:
    world = rejected()
    said = Said("Ada (person 1@2)", "it breaks checkout", world.clock())
    world.actor.pin(ID, ONE, None, said)
    view = target_view(world.target(), world.activity.of(f"target:{ID}", 20))
    assert [(one.what, one.digest, one.said.by) for one in view.rulings] == [("pinned", ONE, "Ada (person 1@2)")]
    assert view.newest is not None
    assert (view.newest.digest, view.behind, view.in_use) == (TWO, True, ONE)
    text = Browser(world).read(f"pages/targets/{ID}")
    assert "it breaks checkout" in text
    assert ONE in text


def test_a_tag_or_a_candidate_that_is_none_is_told_so() -> None:
    browser = Browser(promoted())
    assert browser.ask(f"pages/targets/{BASE}~base~node~0").status_code == 404
    assert browser.ask("pages/targets/nonsense").status_code == 400
    assert browser.ask("pages/candidates/docker.io~library~node~~node~" + "0" * 32).status_code == 404


def test_whoever_may_not_answer_is_told_who_may() -> None:
    board = Browser(asking()).pages.boards.now()
    (for_reader,) = approvals_view(board, READER, request_for("pages/approvals")).asked.rows
    (for_approver,) = approvals_view(board, APPROVER, request_for("pages/approvals")).asked.rows
    assert (for_reader.yours, for_reader.why_not) == (False, "the role approver answers this")
    assert (for_approver.yours, for_approver.why_not) == (True, "")
    assert approvals_view(board, READER, request_for("pages/approvals?mine=yes")).asked.rows == ()


def test_who_asked_for_an_override_is_told_that_another_one_grants_it() -> None:
    world = rejected()
    world.pass_time(timedelta(minutes=1))
    ada = Caller(Kind.PERSON, "1@2", "Ada", frozenset({Role.APPROVER}))
    world.actor.promote(ID, TWO, ada, "it is urgent", world.clock())
    board = Browser(world).pages.boards.now()
    (hers,) = approvals_view(board, ada, request_for("pages/approvals")).asked.rows
    (his,) = approvals_view(board, APPROVER, request_for("pages/approvals")).asked.rows
    assert (hers.yours, his.yours) == (False, True)
    assert "another one grants it" in hers.why_not
    assert hers.wish.detail == "it is urgent"


def test_what_was_answered_is_shown_with_who_and_why() -> None:
    world = asking()
    world.pass_time(timedelta(seconds=1))
    bob = Caller(Kind.PERSON, "5@6", "Bob", frozenset({Role.APPROVER}), world.clock())
    world.approver.approve(ID, ONE, bob, "it runs in test", world.clock())
    world.settle()
    text = Browser(world).read("pages/approvals")
    assert "it runs in test" in text
    assert "Nobody has to decide anything." in text


def test_the_groups_are_all_that_there_are() -> None:
    text = Browser(promoted()).read("pages/images")
    assert all(f">{one.value}</option>" in text for one in (*Group, *Standing))


def test_only_the_page_of_something_under_way_loads_itself_anew() -> None:
    world = World()
    world.push(ONE)
    world.check()
    world.until(ONE, Status.VALIDATING)
    browser = Browser(world)
    found = next(one.record.id for one in world.candidates.current())
    assert 'data-reload="15"' in browser.read(f"pages/candidates/{found}")
    for path in ("pages", "pages/images", "pages/images/node", "pages/approvals"):
        assert "data-reload" not in browser.read(path)
    world.settle()
    assert "data-reload" not in browser.read(f"pages/candidates/{found}")
    assert "data-reload" not in browser.read(f"pages/targets/{ID}")
