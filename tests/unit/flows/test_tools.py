"""Tools come into the staging registry by digest and never further, and runs are given what is there and newest."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.tool import Tool
from shared.domain.references import Digest, Tag, parse_repository
from shared.domain.watching.troubles import Kind
from shared.errors import UNREADABLE, NotFound, OperationFailed, ServiceError, ToolMissing, Unavailable
from shared.run_ports import ScannerInUse
from tests.doubles.paged import Browser
from tests.doubles.registries import digest_of
from tests.doubles.world import ONE, THREE, TWO, Died, World

pytestmark = pytest.mark.unit

TRIVY = parse_repository("docker.io/aquasec/trivy")
DATABASE, JAVA = parse_repository("ghcr.io/aquasecurity/trivy-db"), parse_repository("ghcr.io/aquasecurity/trivy-java")
SCANNER, NEW_SCANNER, JARS = digest_of("scanner"), digest_of("another scanner"), digest_of("jars")
LIST = f"""
scanner: {{image: 'aquasec/trivy:0.76.0@{SCANNER}', database: trivy-db, java_database: trivy-java}}
policies: {{scanned: {{scan: {{block: high}}}}}}
images:
  - {{name: trivy-db, source: ghcr.io/aquasecurity/trivy-db, tags: [2], target: tools/trivy-db, registry: staging}}
  - {{name: trivy-java, source: ghcr.io/aquasecurity/trivy-java, tags: [1], target: tools/java, registry: staging}}
  - {{name: node, source: docker.io/library/node, tags: [22-alpine], target: base/node, policy: scanned}}
"""
IN_USE = ScannerInUse(f"tools/scanner@{SCANNER}", f"tools/trivy-db@{ONE}", f"tools/java@{JARS}")


@pytest.fixture
def world() -> World:
    """A world whose upstreams have a scanner and its databases; nothing was looked at yet."""
    made = World(LIST.encode())
    made.hub.push(TRIVY, Tag("0.76.0"), SCANNER)
    made.ghcr.push(DATABASE, Tag("2"), ONE)
    made.ghcr.push(JAVA, Tag("1"), JARS)
    return made


def go_on(world: World, rounds: int = 3) -> None:
    """Let checks, sweeps and all that they lead to happen, a few minutes apart."""
    for _ in range(rounds):
        world.check()
        world.sweep()
        world.settle()
        world.pass_time(timedelta(minutes=6))


def update(world: World, digest: Digest = TWO) -> None:
    """Let the database move upstream."""
    world.ghcr.push(DATABASE, Tag("2"), digest)


def current(world: World) -> ScannerInUse:
    """Return the scanner in use."""
    return world.tooling.scanners.current()


def tool(world: World, name: str = "trivy-db") -> Tool:
    """Return a tool's record."""
    found = world.tooling.mirror.get(name)
    assert found is not None
    return found


def candidate(world: World, digest: Digest, name: str = "trivy-db") -> Candidate:
    """Return the candidate that mirrors a digest."""
    stored = world.candidates.get(tool(world, name).candidate(digest))
    assert stored is not None
    return stored.record


def imports(world: World, repository: str, digest: Digest) -> int:
    """How often a digest was imported into a repository of the staging registry."""
    return sum(
        count for (where, _, what), count in world.staging.imports.items() if (where, what) == (repository, digest)
    )


# What becomes of a tool.


def test_tools_are_mirrored_by_digest_and_given_to_runs(world: World) -> None:
    go_on(world)
    assert current(world) == IN_USE
    ended = candidate(world, ONE)
    assert (ended.status, ended.last.reason) == (Status.MIRRORED, Reason.TOOL_MIRRORED)
    assert [change.status for change in ended.history] == [
        Status.DETECTED,
        Status.IMPORTING,
        Status.STAGED,
        Status.MIRRORED,
    ]
    assert imports(world, "tools/trivy-db", ONE) == imports(world, "tools/scanner", SCANNER) == 1


def test_a_tool_is_never_tested_nor_promoted_and_no_target_is_made_of_it(world: World) -> None:
    world.push(ONE)
    go_on(world)
    assert {repository for repository, _ in world.base.tags} == {"base/node"}
    assert [stored.record.repository for stored in world.targets.every("tidegatebase")] == ["base/node"]
    assert not world.staging_runs.started


def test_what_is_mirrored_as_a_tool_may_be_promoted_as_an_image_too(world: World) -> None:
    trivy = "  - {name: trivy, source: aquasec/trivy, tags: [0.76.0], target: base/trivy}\n"
    world.configuration.text = (LIST + trivy).encode()
    go_on(world)
    assert world.base.tags["base/trivy", Tag("0.76.0")] == SCANNER
    assert current(world) == IN_USE
    promoted = world.candidates.get(candidate_id(TRIVY, SCANNER, None))
    assert promoted is not None
    assert promoted.record.status is Status.PROMOTED


def test_a_new_database_is_given_from_when_it_is_read_back_and_the_old_one_until_then(world: World) -> None:
    go_on(world)
    update(world)
    world.check()
    world.step()
    assert tool(world).newest is not None
    assert current(world).database == f"tools/trivy-db@{ONE}"
    world.settle()
    assert current(world).database == f"tools/trivy-db@{TWO}"
    assert tool(world).sightings == (tool(world).newest,)


def test_a_tag_of_the_staging_registry_is_never_asked_for(world: World) -> None:
    go_on(world)
    for place in list(world.staging.tags):
        world.staging.push(*place, THREE)
    assert current(world) == IN_USE


def test_a_database_that_cannot_be_had_leaves_the_one_before_in_use_and_is_tried_again(world: World) -> None:
    go_on(world)
    update(world)
    world.ghcr.purge(DATABASE, TWO)
    go_on(world)
    assert current(world).database == f"tools/trivy-db@{ONE}"
    for _ in range(60):
        go_on(world, rounds=1)
    assert Reason.SEEN_AGAIN in [change.reason for change in candidate(world, TWO).history]
    update(world)
    for _ in range(20):
        go_on(world, rounds=1)
    assert current(world).database == f"tools/trivy-db@{TWO}"


def test_a_check_by_hand_tries_at_once_what_failed(world: World) -> None:
    go_on(world)
    update(world)
    refused = OperationFailed(NotFound("gone", code="MANIFEST_UNKNOWN"))
    world.staging.fail("start_import", *[refused] * 40)
    while candidate_or_none(world, TWO) is not Status.FAILED:
        go_on(world, rounds=1)
    world.staging.mend()
    world.check("trivy-db")
    world.settle()
    assert current(world).database == f"tools/trivy-db@{TWO}"


def candidate_or_none(world: World, digest: Digest) -> Status | None:
    """Return the status of a candidate that mirrors the database, if there is one."""
    stored = world.candidates.get(tool(world).candidate(digest))
    return stored.record.status if stored else None


def test_a_source_that_goes_back_is_followed_back_without_another_import(world: World) -> None:
    go_on(world)
    update(world)
    go_on(world)
    update(world, ONE)
    go_on(world)
    assert current(world).database == f"tools/trivy-db@{ONE}"
    assert imports(world, "tools/trivy-db", ONE) == 1


def test_a_staging_registry_that_does_not_answer_keeps_no_check_from_being_made(world: World) -> None:
    go_on(world)
    update(world)
    go_on(world)
    update(world, ONE)
    world.staging.fail("holds", Unavailable("503"))
    world.check()
    world.settle()
    assert current(world).database == f"tools/trivy-db@{TWO}"
    go_on(world)
    assert current(world).database == f"tools/trivy-db@{ONE}"
    assert imports(world, "tools/trivy-db", ONE) == 1


def test_a_source_that_goes_back_before_the_new_one_arrived_keeps_what_is_in_use(world: World) -> None:
    go_on(world)
    update(world)
    world.check()
    world.step()
    update(world, ONE)
    world.pass_time(timedelta(minutes=5))
    go_on(world)
    assert current(world).database == f"tools/trivy-db@{ONE}"
    assert tool(world).is_current


def test_of_two_that_arrive_the_wrong_way_round_the_later_sighted_one_is_given(world: World) -> None:
    go_on(world)
    update(world)
    world.check()
    world.step()
    older = candidate(world, TWO)
    update(world, THREE)
    go_on(world)
    assert current(world).database == f"tools/trivy-db@{THREE}"
    assert older.id != candidate(world, THREE).id
    assert candidate(world, TWO).status is Status.MIRRORED
    assert tool(world).digest == THREE


# The scanner's own image.


def test_no_other_scanner_is_used_while_the_listed_one_is_missing(world: World) -> None:
    go_on(world)
    world.configuration.text = LIST.replace(SCANNER, NEW_SCANNER).encode()
    with pytest.raises(ToolMissing, match="does not hold tools/scanner@"):
        current(world)
    world.hub.push(TRIVY, Tag("0.77.0"), NEW_SCANNER)
    go_on(world, rounds=15)
    assert current(world).scanner == f"tools/scanner@{NEW_SCANNER}"
    world.configuration.text = LIST.encode()
    assert current(world).scanner == f"tools/scanner@{SCANNER}"


def test_the_scanners_tag_may_move_upstream_and_nothing_follows(world: World) -> None:
    go_on(world)
    world.hub.push(TRIVY, Tag("0.76.0"), NEW_SCANNER)
    go_on(world)
    assert current(world) == IN_USE
    assert imports(world, "tools/scanner", NEW_SCANNER) == 0


def test_a_list_without_a_scanner_has_none_in_use(world: World) -> None:
    world.configuration.text = b"images: []"
    with pytest.raises(ToolMissing, match="names no scanner"):
        current(world)


# What is missing.


def test_before_anything_was_mirrored_what_is_missing_is_named_and_on_its_way(world: World) -> None:
    with pytest.raises(ToolMissing, match=r"what the tool trivy-db is, which scans need: its source was not looked at"):
        current(world)
    world.check()
    world.settle()
    with pytest.raises(ToolMissing, match=rf"does not hold tools/scanner@{SCANNER}, which scans need: .* is detected"):
        current(world)
    world.settle()
    assert current(world) == IN_USE


@pytest.mark.parametrize(
    ("repository", "digest"), [("tools/trivy-db", ONE), ("tools/scanner", SCANNER), ("tools/java", JARS)]
)
def test_what_was_purged_is_imported_again_and_held_for_meanwhile(
    world: World, repository: str, digest: Digest
) -> None:
    go_on(world)
    world.staging.purge(repository, digest)
    with pytest.raises(ToolMissing, match=f"does not hold {repository}@{digest}"):
        current(world)
    with pytest.raises(ToolMissing):
        current(world)
    world.settle()
    assert current(world) == IN_USE
    assert imports(world, repository, digest) == 2


def test_what_was_purged_long_after_its_record_was_put_away_is_imported_again_too(world: World) -> None:
    go_on(world)
    world.pass_time(timedelta(days=100))
    world.sweep()
    world.settle()
    assert [stored for stored in world.candidates.current() if stored.record.tool] == []
    world.staging.purge("tools/trivy-db", ONE)
    with pytest.raises(ToolMissing):
        current(world)
    world.settle()
    assert current(world) == IN_USE


def test_what_was_just_read_back_is_not_imported_again_because_a_copy_of_the_registry_lags(world: World) -> None:
    go_on(world)
    update(world)
    world.check()
    world.settle()
    world.staging.purge("tools/trivy-db", TWO)
    with pytest.raises(ToolMissing):
        current(world)
    world.settle()
    assert imports(world, "tools/trivy-db", TWO) == 1
    world.pass_time(timedelta(minutes=5))
    with pytest.raises(ToolMissing):
        current(world)
    world.settle()
    assert imports(world, "tools/trivy-db", TWO) == 2


def test_a_registry_that_does_not_answer_is_no_missing_tool(world: World) -> None:
    go_on(world)
    world.staging.fail("holds", Unavailable("503"))
    with pytest.raises(Unavailable):
        current(world)
    assert current(world) == IN_USE


def test_the_registry_is_not_asked_again_by_each_of_a_burst_and_is_a_minute_later(world: World) -> None:
    go_on(world)
    before = world.staging.asked["holds"]
    for _ in range(50):
        current(world)
    assert world.staging.asked["holds"] - before == 3
    world.pass_time(timedelta(minutes=1))
    current(world)
    assert world.staging.asked["holds"] - before == 6


def test_a_tool_whose_record_is_lost_is_known_again_by_the_next_check_and_not_imported_again(world: World) -> None:
    go_on(world)
    world.tools.lose("trivy-db")
    with pytest.raises(ToolMissing, match="its source was not looked at yet"):
        current(world)
    go_on(world)
    assert current(world) == IN_USE
    assert imports(world, "tools/trivy-db", ONE) == 1


def test_what_was_mirrored_for_an_entry_that_names_another_source_now_is_not_given_any_more(world: World) -> None:
    go_on(world)
    other = parse_repository("ghcr.io/acme/trivy-db")
    world.configuration.text = LIST.replace("aquasecurity/trivy-db", "acme/trivy-db").encode()
    with pytest.raises(ToolMissing, match="trivy-db"):
        current(world)
    world.ghcr.push(other, Tag("2"), THREE)
    go_on(world)
    assert current(world).database == f"tools/trivy-db@{THREE}"


# Whoever dies.


def moments() -> int:
    """Return how many moments before and after writes there are from the first look to another database in use."""
    world = World(LIST.encode())
    seen: list[str] = []
    world.hook = seen.append
    both(world)
    return len(seen)


def both(world: World) -> None:
    """Let tools be mirrored for the first time, and then the database move."""
    world.hub.push(TRIVY, Tag("0.76.0"), SCANNER)
    world.ghcr.push(JAVA, Tag("1"), JARS)
    for digest in (ONE, TWO):
        update(world, digest)
        for _ in range(3):
            lively(world, world.check)
            lively(world, world.sweep)
            world.settle()
            world.pass_time(timedelta(minutes=6))


def lively(world: World, act: object) -> None:
    """Do something, and start the app again if it died meanwhile."""
    try:
        act()  # type: ignore[operator]
    except Died:
        world.start()


@pytest.mark.parametrize("moment", range(moments()))
def test_a_process_that_dies_between_any_two_writes_loses_no_tool_and_gives_runs_none_that_is_not_there(
    world: World, moment: int
) -> None:
    left = moment

    def die(_: str) -> None:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died
        row = world.tools.get("trivy-db")
        if row is not None and row.tool.digest:
            assert world.staging.holds("tools/trivy-db", row.tool.digest)

    world.hook = die
    both(world)
    go_on(world)
    assert left < 0, "the process was to die, and did not"
    assert current(world).database == f"tools/trivy-db@{TWO}"
    assert {imports(world, "tools/trivy-db", one) for one in (ONE, TWO)} == {1}
    assert all(stored.record.status is Status.MIRRORED for stored in world.candidates.current() if stored.record.tool)


# What is told.


def test_a_tool_that_cannot_be_mirrored_is_a_trouble_until_it_can(world: World) -> None:
    world.push(ONE)
    go_on(world)
    update(world)
    world.ghcr.purge(DATABASE, TWO)
    while candidate_or_none(world, TWO) is not Status.FAILED:
        go_on(world, rounds=1)
    go_on(world)
    (told,) = [noted.trouble for noted in world.lasting]
    assert (told.kind, told.about, told.images) == (Kind.TOOL_NOT_MIRRORED, "tool:trivy-db", ("trivy-db",))
    assert f"runs are given {ONE}, in use since 2026-01-01" in told.detail
    for _ in range(15):
        go_on(world, rounds=1)
        assert [noted.trouble.kind for noted in world.lasting] == [Kind.TOOL_NOT_MIRRORED]
    update(world)
    for _ in range(15):
        go_on(world, rounds=1)
    assert world.lasting == ()


def test_a_scanner_that_nobody_has_is_a_trouble_too(world: World) -> None:
    world.push(ONE)
    world.hub.purge(TRIVY, SCANNER)
    for _ in range(15):
        go_on(world, rounds=1)
    assert [(noted.trouble.about, noted.trouble.images) for noted in world.lasting] == [("tool:scanner", ())]
    assert "runs are given nothing instead" in world.lasting[0].trouble.detail


def test_a_tools_record_that_cannot_be_read_is_told_and_hides_nothing_else(world: World) -> None:
    for _ in range(4):
        go_on(world)
    (kept,) = {noted.trouble.about for noted in world.lasting}
    world.tools.fail("get", *[ServiceError("a row cannot be read", code=UNREADABLE)] * 40)
    world.pass_time(timedelta(minutes=15))
    world.teller.survey()
    assert {noted.trouble.about for noted in world.lasting} == {"table:tools", kept}


def test_a_scanner_that_has_no_database_of_the_list_needs_none(world: World) -> None:
    command = ("{image}", "{platform}", "{output}")
    said = f"scanner: {{image: 'aquasec/trivy@{SCANNER}', format: sarif, command: {json.dumps(command)}}}\n"
    world.configuration.text = (said + LIST[LIST.index("policies:") :]).encode()
    go_on(world)
    assert current(world) == ScannerInUse(f"tools/scanner@{SCANNER}", "", "", ScannerFormat.SARIF, command)


def test_pages_of_tools_lead_to_their_entries_and_that_of_the_scanner_to_none(world: World) -> None:
    go_on(world)
    browser = Browser(world)
    mirrored = (candidate(world, ONE), candidate(world, SCANNER, "scanner"))
    database, scanner = (browser.read(f"pages/candidates/{one.id}") for one in mirrored)
    assert 'href="/api/pages/images/trivy-db"' in database
    assert "/api/pages/images/scanner" not in scanner
