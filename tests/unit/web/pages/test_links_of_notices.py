"""Every link of every kind of notice opens: the page of what is there, or one that says that it is there no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from shared.domain.access.callers import Caller, Kind, Role
from shared.domain.gate.verdict import RunStatus
from shared.domain.links import Links
from shared.domain.notices.composing import message, trial, tried_again
from shared.domain.notices.destination import Destination
from shared.domain.notices.giving_up import told_others
from shared.domain.notices.kinds import KINDS, Told
from shared.domain.notices.notice import Notice
from shared.domain.notices.of_troubles import begins_or_lasts, broken_destination, is_over
from shared.domain.notices.outgoing import Outgoing
from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.policy.severity import Severity
from shared.domain.promotion.said import Said
from shared.domain.scan.findings import Finding
from shared.domain.watching.scanner import SCANNER
from shared.domain.watching.troubles import (
    OTHERS,
    Noted,
    Trouble,
    about_candidate,
    about_image,
    about_repository,
    about_tag,
    about_target,
    about_task,
    about_tool,
    about_wave,
)
from shared.domain.watching.troubles import Kind as TroubleKind
from shared.domain.waves.wave import Wave, Word
from shared.errors import UNREADABLE, ServiceError
from tests.doubles.paged import Browser
from tests.doubles.storage import MIDDAY
from tests.doubles.waves import BuildingRuns
from tests.doubles.world import BASE, NODE, ONE, TAG, TWO, World
from tests.unit.flows.told_people import CHAT, arrives, settle, watched
from tests.unit.flows.waving import ALL, CANARY, asking, task

pytestmark = pytest.mark.unit

PUBLIC = "https://tidegate.example"
LINKS = Links(PUBLIC)
ID = f"{BASE}~base~node~22-alpine"
EVERYTHING = f"routes: [{{to: chat, kinds: [{', '.join(KINDS)}], when: now}}]".encode()
BAD = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.HIGH)
# What is told of no record, but of a destination itself.
OF_DESTINATIONS = {Told.TEST.value, Told.TRIED_AGAIN.value, Told.GIVEN_UP.value}
# What a trouble of each kind is about; of which entry the rest.
ABOUT: dict[TroubleKind, str] = {
    TroubleKind.LIST_INVALID: "watch-list",
    TroubleKind.LIST_HELD: "watch-list",
    TroubleKind.LIST_MISSING: "watch-list",
    TroubleKind.EXCEPTIONS_INVALID: "file:config/waivers.yaml",
    TroubleKind.TRUST_INVALID: "file:config/keys/build.pem",
    TroubleKind.RECORDS_UNREADABLE: "table:targets",
    TroubleKind.REPOSITORY_NEVER_ANSWERED: about_repository(NODE),
    TroubleKind.REPOSITORY_FAILS: about_repository(NODE),
    TroubleKind.NOT_CHECKED: about_repository(NODE),
    TroubleKind.TAG_NEVER_THERE: about_tag(NODE, TAG),
    TroubleKind.TAG_GONE: about_tag(NODE, TAG),
    TroubleKind.TAG_UNANSWERED: about_tag(NODE, TAG),
    TroubleKind.NOTHING_TAKEN: about_image("node"),
    TroubleKind.CANDIDATE_REJECTED: about_candidate("the candidate"),
    TroubleKind.CANDIDATE_HELD: about_candidate("the candidate"),
    TroubleKind.CANDIDATE_FAILED: about_candidate("the candidate"),
    TroubleKind.NOT_PROMOTED: about_target(ID),
    TroubleKind.BASE_TAG_MISSING: about_target(ID),
    TroubleKind.BASE_TAG_OVERWRITTEN: about_target(ID),
    TroubleKind.BASE_TAG_WITHDRAWN: about_target(ID),
    TroubleKind.IN_FORCE_REJECTED: about_target(ID),
    TroubleKind.KNOWN_EXPLOITED: about_target(ID),
    TroubleKind.WAIVER_ENDING: about_target(ID),
    TroubleKind.TOOL_NOT_MIRRORED: about_tool("trivy-db"),
    TroubleKind.NOT_REBUILT: about_task("tidegateapps", "shop"),
    TroubleKind.TASK_FAILS: about_task("tidegateapps", "shop"),
    TroubleKind.WAVE_WAITS: about_wave(f"{ID}~1"),
    TroubleKind.COMPANIONS_MISSING: about_target(ID),
    TroubleKind.LOCKED_BY_OTHERS: about_target(ID),
    TroubleKind.HOUSE_NOT_KEPT: "housekeeping:staging",
    TroubleKind.NOTIFY_INVALID: "file:config/notify.yaml",
    TroubleKind.DESTINATION_BROKEN: "destination:chat",
    TroubleKind.DECISIONS_NOT_KNOWN: "decisions",
    TroubleKind.DECISIONS_NOT_KEPT: "decisions",
    TroubleKind.NOT_UPDATED: about_target(ID),
    TroubleKind.NOBODY_APPROVES: "policy:standard",
    TroubleKind.DISPATCHER_NOT_SET: "dispatcher:github",
    TroubleKind.DISPATCHER_OFF: "dispatcher:github",
}
OF_RECORDS = ("pages/images/", "pages/candidates/", "pages/targets/", "pages/waves/")
OF_AN_ENTRY = ("repository:", "tag:", "image:", "candidate:", "target:", "task:", "wave:", "policy:")


def opened(world: World, told: Outgoing) -> list[int]:
    """What is answered to whoever follows the links of a message, as a reader who signed in."""
    links = [told.link, *(item.link for item in told.items)]
    assert all(link.startswith(f"{PUBLIC}/api/") for link in links), links
    browser = Browser(world)
    return [browser.ask(link.removeprefix(f"{PUBLIC}/api/")).status_code for link in links]


def answered(world: World, path: str) -> tuple[int, str]:
    """What a reader who signed in is answered, and the page's text."""
    answer = Browser(world).ask(path)
    assert answer.mimetype == "text/html"
    return answer.status_code, answer.get_body().decode()


def message_of(*notices: Notice) -> Outgoing:
    """The message that tells of notices."""
    return message("1", notices, LINKS, "test")


def telling() -> World:
    """A world whose one destination is told of every kind."""
    world = watched(CHAT)
    world.notify_files.files["notify.yaml"] = EVERYTHING
    return world


def said(world: World) -> Said:
    """Ada says something a moment later."""
    world.pass_time(timedelta(seconds=1))
    return Said("ada", "we know", world.clock())


def person(world: World, name: str = "ada") -> Caller:
    """Somebody who has just signed in."""
    world.pass_time(timedelta(seconds=1))
    return Caller(Kind.PERSON, f"{name}@tenant", name, frozenset({Role.APPROVER}), world.clock())


def approval(world: World) -> None:
    """A digest waits for people, who agree."""
    world.says(Policy("standard", approval=ApprovalCheck()))
    arrives(world, ONE)
    world.approver.approve(ID, ONE, person(world), "looks good", world.clock())


def override(world: World) -> None:
    """A digest is taken against its gate."""
    arrives(world, ONE)
    arrives(world, TWO, passes=False)
    world.take_against_gate(TWO)


def going_back(world: World) -> None:
    """People go back, pin, and pin no more."""
    arrives(world, ONE)
    arrives(world, TWO)
    world.actor.roll_back(ID, None, said(world))
    world.actor.pin(ID, ONE, None, said(world))
    world.actor.unpin(ID, said(world))


def ruling(world: World) -> None:
    """People block a digest and release it, and hold an entry and let it go on."""
    arrives(world, ONE)
    world.ruler.block(ONE, said(world))
    world.ruler.release(ONE, said(world))
    world.ruler.hold("node", said(world), listed=True)
    world.ruler.resume("node", said(world))


def waiver(world: World) -> None:
    """Somebody asks that a finding does not count, and somebody else grants it."""
    world.says(Policy("standard", scan=ScanCheck()))
    arrives(world, ONE)
    world.scan_ends(ONE, BAD)
    settle(world)
    world.waiver.ask(ID, ONE, BAD.id, BAD.package, "2099-12-31", person(world, "eve"), "not reachable", world.clock())
    world.waiver.grant(ID, ONE, BAD.id, BAD.package, person(world), "I looked", world.clock())


def a_trouble(world: World) -> None:
    """A digest is rejected, which is over once another one is let in."""
    arrives(world, ONE)
    arrives(world, TWO, passes=False)
    world.run_for(timedelta(minutes=30))
    world.push(ONE)
    world.check()
    world.run_for(timedelta(minutes=30))


def rebuilding(world: World) -> None:
    """A canary fails, its wave waits, and somebody has the tag go back."""
    world.configuration.text = asking()
    world.application_runs = BuildingRuns(world.base)
    world.application_runs.application_tasks = tuple(map(task, ALL))
    world.start()
    arrives(world, ONE)
    world.run_for(timedelta(minutes=30))
    world.application_runs.end(f"/tasks/{CANARY}", RunStatus.FAILED, RunStatus.FAILED)
    arrives(world, TWO)
    world.run_for(timedelta(hours=1))
    world.rolling.speaker(world.activity).say(f"{ID}~2", Word.RESTORE, said(world))
    world.run_for(timedelta(hours=1))


ACTS = (approval, override, going_back, ruling, waiver, a_trouble, rebuilding)


def notices_of(world: World, act: Callable[[World], None]) -> list[Notice]:
    """What people are told of an act."""
    act(world)
    settle(world)
    return [one.notice for one in world.deliveries.records]


@pytest.mark.parametrize("act", ACTS)
def test_every_link_of_what_is_told_of_what_people_do_opens(act: Callable[[World], None]) -> None:
    world = telling()
    found = notices_of(world, act)
    answers = {one.kind: opened(world, message_of(one)) for one in found}
    assert answers
    assert {status for statuses in answers.values() for status in statuses} == {200}, answers
    assert set(opened(world, message_of(found[0], *found))) == {200}


def test_every_kind_that_is_no_trouble_is_told_of_one_of_these_acts() -> None:
    told = {one.kind for act in ACTS for one in notices_of(telling(), act)}
    assert {one.value for one in Told} - OF_DESTINATIONS - told == set()


def test_the_links_of_what_is_told_of_destinations_open() -> None:
    world = telling()
    tried = trial("1", "ada", LINKS, "test", MIDDAY)
    again = tried_again("2", MIDDAY, "it did not answer", LINKS, "test", MIDDAY)
    given_up = message_of(told_others(Destination(name="mail", last_error="refused"), MIDDAY, (), MIDDAY))
    assert {tried.kind, again.kind, given_up.kind} == OF_DESTINATIONS
    assert (opened(world, tried), opened(world, again), opened(world, given_up)) == ([200], [200], [200])


def troubled(kind: TroubleKind, world: World) -> Trouble:
    """A trouble of a kind, as it is noticed in this world."""
    candidate = next((one.record.id for one in world.candidates.current()), "gone")
    about = ABOUT[kind].replace("the candidate", candidate)
    images = ("node",) if about.startswith(OF_AN_ENTRY) else ("trivy-db",) if about.startswith("tool:") else ()
    return Trouble(kind=kind, about=about, detail="it is wrong", images=images)


def told_of(trouble: Trouble) -> Sequence[Notice]:
    """That a trouble begins, that it lasts, and that it is over."""
    noted = Noted(trouble=trouble, since=MIDDAY)
    return begins_or_lasts(noted, 1, MIDDAY), begins_or_lasts(noted, 3, MIDDAY), is_over(noted, MIDDAY)


def with_a_tool() -> World:
    """A world with an entry that is promoted, and one that is a tool."""
    world = World()
    arrives(world, ONE)
    more = b"""  - name: trivy-db
    source: ghcr.io/aquasecurity/trivy-db
    tags: ["2"]
    target: tools/trivy-db
    registry: staging
"""
    world.configuration.text = (world.configuration.text or b"") + more
    world.waves.insert(
        Wave(registry=BASE, repository="base/node", tag=TAG, number=1, digest=ONE, planned_at=world.clock())
    )
    return world


@pytest.mark.parametrize("kind", TroubleKind)
def test_every_link_of_what_is_told_of_a_trouble_opens(kind: TroubleKind) -> None:
    world = with_a_tool()
    for notice in told_of(troubled(kind, world)):
        assert opened(world, message_of(notice)) == [200], notice
        assert opened(world, message_of(notice, notice)) == [200, 200, 200], notice


@pytest.mark.parametrize("kind", TroubleKind)
def test_what_is_there_no_more_has_a_page_that_says_so_and_leads_on(kind: TroubleKind) -> None:
    was, world = with_a_tool(), World(watch_list=b"images: []\n")
    for notice in told_of(troubled(kind, was)):
        link = message_of(notice).link.removeprefix(f"{PUBLIC}/api/")
        answer, text = answered(world, link)
        assert answer == (404 if link.startswith(OF_RECORDS) else 200), text
        assert 'href="/api/pages"' in text


def test_a_page_of_what_is_there_no_more_names_it() -> None:
    was, world = with_a_tool(), World(watch_list=b"images: []\n")
    for kind, name in ((TroubleKind.NOTHING_TAKEN, "node"), (TroubleKind.NOT_UPDATED, ID)):
        notice = told_of(troubled(kind, was))[0]
        status, text = answered(world, message_of(notice).link.removeprefix(f"{PUBLIC}/api/"))
        assert status == 404
        assert name in text


def test_the_scanner_that_is_not_there_is_told_to_everybody_and_its_link_opens() -> None:
    world = with_a_tool()
    for notice in told_of(Trouble(kind=TroubleKind.TOOL_NOT_MIRRORED, about=about_tool(SCANNER), detail="it is gone")):
        assert opened(world, message_of(notice)) == [200]


def test_what_is_wrong_with_the_list_opens_while_there_is_none() -> None:
    world = World()
    world.configuration.text = None
    for kind in (TroubleKind.LIST_INVALID, TroubleKind.LIST_MISSING):
        assert opened(world, message_of(*told_of(troubled(kind, world))[:1])) == [200]


def unreadable(*_: object) -> Iterator[object]:
    """Rows of a table of which none can be read."""
    yield from ()
    raise ServiceError("a row cannot be read", code=UNREADABLE)


@pytest.mark.parametrize(
    ("table", "method"), [("targets", "every"), ("candidates", "in_status"), ("observations", "every")]
)
def test_what_is_wrong_with_a_table_opens_while_it_cannot_be_read(
    table: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = with_a_tool()
    told = message_of(*told_of(troubled(TroubleKind.RECORDS_UNREADABLE, world))[:1])
    monkeypatch.setattr(getattr(world, table), method, unreadable)
    assert opened(world, told) == [200]


def test_a_tool_that_cannot_be_read_keeps_nobody_from_the_page() -> None:
    world = with_a_tool()
    world.tools.fail("get", *[ServiceError("a row cannot be read", code=UNREADABLE)] * 9)
    assert opened(world, message_of(*told_of(troubled(TroubleKind.RECORDS_UNREADABLE, world))[:1])) == [200]
    assert "a row cannot be read" in Browser(world).ask("pages/system").get_body().decode()


def test_how_many_others_there_are_opens() -> None:
    world = with_a_tool()
    others = Trouble(kind=TroubleKind.NOT_UPDATED, about=OTHERS, detail="12 more")
    broken = broken_destination(Destination(name="chat"), ())
    for trouble in (others, broken):
        for notice in told_of(trouble):
            assert opened(world, message_of(notice)) == [200]
