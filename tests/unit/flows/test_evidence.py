"""Evidence is shown to be saved, kept for as long as a record names it, and then for as long as a setting says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import azure.functions as func
import msgspec
import pytest

from shared.domain.promotion.admission import Admission
from shared.domain.promotion.scanning import ScanWish
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.scan.scan import Scan
from shared.domain.scan.scan_runs import scan_log_name
from shared.errors import UNREADABLE, InvalidReference, ServiceError, Unavailable
from shared.flows.put_away_evidence import HOUR, EvidenceKeeper
from shared.web.answers import answered
from shared.web.evidence import listed_evidence, one_piece
from tests.doubles.world import BASE, ONE, TARGET, TWO, Died, World

pytestmark = pytest.mark.unit

STAYS = timedelta(days=90)
LATER = STAYS + timedelta(days=1)
HOSTILE = b"<script>alert(1)</script>\x1b[2J\xff\x00"


def scanned() -> World:
    """Return a world in which ``ONE`` was promoted and scanned twice, of which the later answer is in force."""
    world = World()
    world.push(ONE)
    world.check()
    world.settle()
    for newer in (None, datetime(2027, 1, 1, tzinfo=UTC)):
        world.pass_time(timedelta(minutes=1))
        world.scan_book.want(ScanWish(candidate(world), "node", ONE, TARGET, ("linux/amd64",), newer))
        world.scanner = msgspec.structs.replace(world.scanner, database=f"tools/trivy-db@{world.clock.now:%H%M}")
        world.settle()
    return world


@pytest.fixture
def world() -> World:
    """Such a world."""
    return scanned()


def candidate(world: World) -> str:
    return world.candidate(ONE).id


def scan_of(world: World) -> Scan:
    scan = world.scan_book.of(ONE)
    assert scan is not None
    return scan


def keeper(world: World) -> EvidenceKeeper:
    def every() -> list[Target]:
        return [stored.record for stored in world.targets.every(BASE)]

    return EvidenceKeeper(world.evidence, world.scans, every, world.clock, STAYS)


def admitted(world: World, name: str) -> None:
    """Have the target name a decision."""
    (stored,) = world.targets.every(BASE)
    admission = Admission(digest=ONE, outcome=Outcome.PASS, at=world.clock(), evidence=name)
    world.targets.replace(stored, msgspec.structs.replace(stored.record, admissions=(admission,)))


def kept(world: World) -> set[str]:
    return {name for _, name in world.evidence.kept}


def named(world: World) -> set[str]:
    """What records name: the test's log, and what the answer in force was read from."""
    assert scan_log_name(scan_of(world)) == "scan-2-2.log"
    return {"gate-1-1.log", "scan-2-2.log", "document-2-2-linux-amd64.json"}


def listed(world: World) -> dict[str, dict[str, object]]:
    answer = listed_evidence(candidate(world), world.candidates, world.evidence)
    return {one["name"]: one for one in json.loads(answer.get_body())["evidence"]}


def piece(world: World, name: str) -> func.HttpResponse:
    return answered(lambda: one_piece(candidate(world), name, world.candidates, world.evidence))


# Shown.


def test_a_candidates_evidence_is_its_own_and_that_of_its_digests_scan(world: World) -> None:
    world.evidence.keep(candidate(world), "admission-1.json", b"{}")
    found = listed(world)
    assert {name: (one["kind"], one["of"]) for name, one in found.items()} == {
        "gate-1-1.log": ("test-log", candidate(world)),
        "admission-1.json": ("decision", candidate(world)),
        "scan-1-1.log": ("scan-log", ONE),
        "scan-2-2.log": ("scan-log", ONE),
        "document-1-1-linux-amd64.json": ("document", ONE),
        "document-2-2-linux-amd64.json": ("document", ONE),
    }
    assert found["admission-1.json"]["size"] == 2
    assert found["admission-1.json"]["at"] == msgspec.to_builtins(world.clock())


def test_what_is_listed_is_given_as_it_was_kept(world: World) -> None:
    for name, one in listed(world).items():
        assert piece(world, name).get_body() == world.evidence.kept[str(one["of"]), name]


def test_no_evidence_is_of_a_candidate_that_there_is_not(world: World) -> None:
    other = candidate(world)[:-1] + ("0" if candidate(world)[-1] != "0" else "1")
    assert answered(lambda: listed_evidence(other, world.candidates, world.evidence)).status_code == 404
    assert piece(world, "scan-9-9.log").status_code == 404


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", 'a"b', "a\r\nb", "é.json", "x" * 201])
def test_no_evidence_is_called_what_leads_elsewhere(world: World, name: str) -> None:
    assert piece(world, name).status_code == 400


@pytest.mark.parametrize("name", ["gate-1-1.log", "admission-1.json", "page.html", "picture.svg"])
def test_hostile_content_is_text_to_be_saved_and_nothing_that_a_browser_runs(world: World, name: str) -> None:
    world.evidence.keep(candidate(world), name, HOSTILE)
    answer = piece(world, name)
    assert (answer.get_body(), answer.mimetype) == (HOSTILE, "text/plain")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_a_decision_is_json(world: World) -> None:
    world.evidence.keep(candidate(world), "admission-1.json", b'{"digest": "it"}')
    assert piece(world, "admission-1.json").mimetype == "application/json"


def test_what_is_too_large_is_told_and_not_read(world: World) -> None:
    world.evidence.keep(candidate(world), "run-1.log", b"x" * (8 * 1024 * 1024 + 1))
    world.evidence.fail("read", ServiceError("it is not to be read", code="x"))
    answer = piece(world, "run-1.log")
    assert answer.status_code == 422
    assert f"{candidate(world)}/run-1.log" in json.loads(answer.get_body())["detail"]


# Kept, and deleted.


def test_what_a_record_names_stays_however_old_it_is(world: World) -> None:
    world.evidence.keep(candidate(world), "admission-1.json", b"{}")
    admitted(world, "admission-1.json")
    world.pass_time(10 * LATER)
    keeper(world).put_away()
    assert kept(world) == {"admission-1.json", *named(world)}


def test_what_no_record_names_stays_for_as_long_as_the_setting_says(world: World) -> None:
    world.evidence.keep(candidate(world), "admission-1.json", b"{}")
    before = kept(world)
    world.pass_time(STAYS - timedelta(minutes=5))
    assert keeper(world).put_away() == 0
    assert kept(world) == before
    world.pass_time(timedelta(minutes=10))
    assert keeper(world).put_away() == 3
    assert kept(world) == named(world)


def test_the_log_of_a_scan_whose_record_is_gone_goes(world: World) -> None:
    world.scans.delete_all(list(world.scans.current()))
    world.pass_time(LATER)
    keeper(world).put_away()
    assert kept(world) == {"gate-1-1.log"}


def test_signatures_that_were_read_stay_while_a_tag_knows_the_digest(world: World) -> None:
    unknown = Digest(f"sha256:{'e' * 64}")
    for digest in (ONE, unknown):
        world.evidence.keep(digest, "beside-0123456789abcdef.json", b"{}")
    world.clock.advance(timedelta(days=1000))
    keeper(world).put_away()
    left = [owner for owner, name in world.evidence.kept if name.startswith("beside-")]
    assert left == [ONE]


def test_what_nobody_here_knows_is_left_alone(world: World) -> None:
    world.evidence.keep("poison-imports", "1.txt", b"it")
    world.pass_time(LATER)
    keeper(world).put_away()
    assert "1.txt" in kept(world)


def test_what_is_kept_again_while_it_is_looked_for_stays(world: World) -> None:
    def again(moment: str) -> None:
        if moment == "evidence.before:drop":
            world.hook = None
            for name in ("scan-1-1.log", "document-1-1-linux-amd64.json"):
                world.evidence.keep(ONE, name, b"anew")

    world.pass_time(LATER)
    world.hook = again
    assert keeper(world).put_away() == 0
    assert world.evidence.kept[ONE, "scan-1-1.log"] == b"anew"


@pytest.mark.parametrize("table", ["scans", "targets"])
@pytest.mark.parametrize("problem", [Unavailable("busy"), ServiceError("a row cannot be read", code=UNREADABLE)])
def test_nothing_goes_while_a_record_cannot_be_read(world: World, table: str, problem: ServiceError) -> None:
    world.pass_time(LATER)
    before = kept(world)
    {"scans": world.scans, "targets": world.targets}[table].fail(
        {"scans": "current", "targets": "every"}[table], problem
    )
    with pytest.raises(ServiceError):
        keeper(world).put_away()
    assert kept(world) == before


@pytest.mark.parametrize("moment", ["before:drop", "after:drop"])
def test_who_dies_while_deleting_leaves_the_rest_to_the_next_day_and_what_is_named_alone(
    world: World, moment: str
) -> None:
    def die(now: str) -> None:
        if now == f"evidence.{moment}":
            raise Died

    world.evidence.keep(candidate(world), "admission-1.json", b"{}")
    world.pass_time(LATER)
    world.hook = die
    with pytest.raises(Died):
        keeper(world).put_away()
    assert named(world) < kept(world)
    world.hook = None
    keeper(world).put_away()
    assert kept(world) == named(world)


def test_it_is_done_once_a_day_in_a_quiet_hour(world: World) -> None:
    at_night = keeper(world)
    world.pass_time(LATER)
    world.clock.now = world.clock.now.replace(hour=HOUR + 1)
    at_night.sweep()
    assert "scan-1-1.log" in kept(world)
    world.clock.now = world.clock.now.replace(hour=HOUR) + timedelta(days=1)
    at_night.sweep()
    assert "scan-1-1.log" not in kept(world)
    world.evidence.fail("every", Unavailable("asked again"))
    at_night.sweep()


def test_a_digest_is_no_name_of_evidence(world: World) -> None:
    with pytest.raises(InvalidReference):
        one_piece(candidate(world), Digest("sha256:" + "0" * 64), world.candidates, world.evidence)


def test_a_second_digest_has_evidence_of_its_own(world: World) -> None:
    world.push(TWO)
    world.check()
    world.settle()
    answer = listed_evidence(world.candidate(TWO).id, world.candidates, world.evidence)
    assert {one["of"] for one in json.loads(answer.get_body())["evidence"]} == {world.candidate(TWO).id}
