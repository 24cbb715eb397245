"""Which application tasks are built on a base image, and how a rebuild goes on."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.promotion.rebuilds import (
    REBUILD_ENDS,
    ApplicationTask,
    BuilderKind,
    Dependency,
    Rebuild,
    RebuildStatus,
    depends_on,
    follow,
    outcome,
    put_off_rebuild,
    rebuild_run_name,
    rebuild_run_names,
)
from shared.errors import NotPermitted, RateLimited, Refused, Unavailable
from tests.unit.examples import NOON, ONE, TWO, rebuild
from tests.unit.strategies import digests, paths, tags

pytestmark = pytest.mark.unit

SERVER = "tidegatebase.azurecr.io"


def task(*dependencies: Dependency) -> ApplicationTask:
    """Return a task that was last built on these."""
    return ApplicationTask("tidegateapps", "shop", "/tasks/shop", True, False, dependencies)


# Dependencies.


@given(paths, tags, digests)
def test_a_task_depends_on_what_it_was_last_built_on(path: str, tag: str, digest: str) -> None:
    built_on = Dependency(SERVER, path, tag, digest)
    assert depends_on(task(built_on), SERVER, path, tag) == built_on


@pytest.mark.parametrize("registry", ["TideGateBase.azurecr.io", "TIDEGATEBASE.AZURECR.IO"])
def test_registries_are_compared_without_case(registry: str) -> None:
    assert depends_on(task(Dependency(registry, "base/node", "22")), SERVER, "base/node", "22")


@pytest.mark.parametrize(
    "registry", ["docker.io", "index.docker.io", "registry.hub.docker.com", "registry-1.docker.io"]
)
@pytest.mark.parametrize("repository", ["node", "library/node"])
def test_docker_hub_is_one_registry_however_the_dependency_spells_it(registry: str, repository: str) -> None:
    assert depends_on(task(Dependency(registry, repository, "22")), "docker.io", "library/node", "22")


@pytest.mark.parametrize(
    "dependency",
    [
        Dependency("other.azurecr.io", "base/node", "22"),
        Dependency(SERVER, "base/node-extra", "22"),
        Dependency(SERVER, "base/node", "22-alpine"),
        Dependency(SERVER, "base/node", ""),
        Dependency("", "", ""),
        Dependency(SERVER, "Base/Node", "22"),
    ],
)
def test_another_image_is_no_dependency(dependency: Dependency) -> None:
    assert depends_on(task(dependency), SERVER, "base/node", "22") is None


def test_a_task_that_never_ran_depends_on_nothing() -> None:
    assert depends_on(task(), SERVER, "base/node", "22") is None


def test_the_dependency_is_found_among_others_that_cannot_be_read() -> None:
    wanted = Dependency(SERVER, "base/node", "22", ONE)
    assert depends_on(task(Dependency("", "?", ""), wanted), SERVER, "base/node", "22") == wanted


@given(st.builds(Dependency, st.text(), st.text(), st.text(), st.text()))
def test_a_dependency_of_arbitrary_text_is_no_crash(dependency: Dependency) -> None:
    assert depends_on(task(dependency), SERVER, "base/node", "22") is None


# Names.


def test_two_signals_about_the_same_digest_are_one_rebuild() -> None:
    later = rebuild(since=NOON + timedelta(hours=1), traceparent="00-1-2-01", run_id="cf7", step=9)
    assert later.id == rebuild().id


@pytest.mark.parametrize(
    "change",
    [
        {"registry": "otherapps"},
        {"task": "cart"},
        {"base_repository": "base/python"},
        {"base_tag": "20-alpine"},
        {"base_digest": TWO},
        {"base_registry": "newbase"},
        {"decision": 2},
        {"generation": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_task_base_digest_or_generation_is_another_rebuild(change: dict[str, object]) -> None:
    assert rebuild(**change).id != rebuild().id


def test_a_rebuild_that_was_written_without_its_base_registry_keeps_its_id() -> None:
    assert rebuild(decision=2).id == "tidegateapps~shop~281286c5789174a06ca093c112a3d2ff"


def test_azure_names_differ_by_more_than_case() -> None:
    assert rebuild(registry="TideGateApps", task="SHOP").id == rebuild().id


@given(paths, tags, digests, st.integers(0, 1000), st.integers(0, 1000))
def test_a_run_name_is_valid_for_azure(path: str, tag: str, digest: str, generation: int, runs: int) -> None:
    record = rebuild(base_repository=path, base_tag=tag, base_digest=digest, generation=generation, runs=runs)
    assert re.fullmatch(r"[A-Za-z0-9-]{5,50}", rebuild_run_name(record))


def test_every_run_has_a_name_of_its_own_and_always_the_same() -> None:
    names = rebuild_run_names(rebuild(runs=3))
    assert len(set(names)) == 3
    assert names[-1] == rebuild_run_name(rebuild(runs=3))
    assert not set(names) & set(rebuild_run_names(rebuild(runs=3, generation=2)))


# How it goes on.


@pytest.mark.parametrize(
    ("status", "end"),
    [
        (RunStatus.SUCCEEDED, RebuildStatus.SUCCEEDED),
        (RunStatus.FAILED, RebuildStatus.FAILED),
        (RunStatus.CANCELED, None),
        (RunStatus.ERROR, None),
        (RunStatus.TIMEOUT, None),
    ],
)
def test_only_a_run_that_came_to_its_own_end_ends_a_rebuild(status: RunStatus, end: RebuildStatus | None) -> None:
    assert status not in UNDER_WAY
    assert outcome(status) is end


def test_a_step_is_counted_and_forgets_failures_once_the_status_moves() -> None:
    before = rebuild(failures=3, detail="503")
    after = follow(before, RebuildStatus.RUNNING, NOON, pause=timedelta(minutes=2), runs=1, detail="")
    assert (after.status, after.step, after.failures, after.runs) == (RebuildStatus.RUNNING, 2, 0, 1)
    assert after.look_at == NOON + timedelta(minutes=2)


def test_a_step_that_stays_keeps_its_failures() -> None:
    assert follow(rebuild(failures=3), RebuildStatus.WANTED, NOON, pause=timedelta(0)).failures == 3


@pytest.mark.parametrize("status", [s for s in RebuildStatus if s not in REBUILD_ENDS], ids=lambda status: status.value)
def test_a_temporary_error_is_tried_again_after_a_growing_pause_twelve_times_in_all(status: RebuildStatus) -> None:
    record: Rebuild = rebuild(status=status)
    pauses = []
    for _ in range(11):
        record = put_off_rebuild(record, Unavailable("503"), NOON)
        pauses.append(record.look_at - NOON)
    assert record.status is status
    assert pauses == sorted(pauses)
    assert pauses[0] > timedelta(0)
    assert put_off_rebuild(record, Unavailable("503"), NOON + timedelta(days=1)).status is RebuildStatus.FAILED


def test_a_run_that_was_asked_for_is_followed_for_a_day_and_what_was_not_begun_is_tried_twelve_times() -> None:
    asked, wanted = rebuild(status=RebuildStatus.RUNNING, failures=11), rebuild(failures=11)
    assert put_off_rebuild(asked, Unavailable("503"), NOON + timedelta(hours=23)).status is RebuildStatus.RUNNING
    assert put_off_rebuild(wanted, Unavailable("503"), NOON).status is RebuildStatus.FAILED


def test_a_registry_that_asks_to_be_left_alone_is_left_alone() -> None:
    assert put_off_rebuild(rebuild(), RateLimited("429", retry_after=7200), NOON).look_at == NOON + timedelta(hours=2)


@pytest.mark.parametrize("status", [RebuildStatus.WANTED, RebuildStatus.RUNNING], ids=lambda status: status.value)
def test_a_rebuild_that_is_asked_to_wait_for_hours_waits_ever_longer_and_has_failed_by_nothing(
    status: RebuildStatus,
) -> None:
    record, now, pauses = rebuild(status=status, failures=3), NOON, []
    for _ in range(40):
        record = put_off_rebuild(record, RateLimited("429"), now)
        pauses.append(record.look_at - now)
        now = record.look_at
    assert (record.status, record.failures, record.detail) == (status, 3, "429")
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(hours=1)
    after = put_off_rebuild(record, Unavailable("503"), now)
    assert (after.status, after.failures, after.waits) == (status, 4, 0)


def test_a_rebuild_waits_fifteen_minutes_for_a_role_that_was_given_just_now() -> None:
    record, now = rebuild(), NOON
    while record.status is not RebuildStatus.FAILED:
        now = max(now, record.look_at)
        record = put_off_rebuild(record, NotPermitted("the role is missing"), now)
    assert timedelta(minutes=15) <= now - NOON <= timedelta(minutes=20)


def test_an_error_that_stays_fails_the_rebuild_at_once_with_what_was_said() -> None:
    after = put_off_rebuild(rebuild(), Refused("the app's identity may not run tasks"), NOON)
    assert (after.status, after.detail) == (RebuildStatus.FAILED, "the app's identity may not run tasks")


# Whoever builds.


def test_a_row_of_a_version_that_knew_acr_alone_is_a_task_of_acrs_under_the_same_id() -> None:
    row = (
        b'{"registry":"tidegateapps","task":"shop","task_id":"/tasks/shop","base_repository":"base/node",'
        b'"base_tag":"22-alpine","base_digest":"' + ONE.encode() + b'","look_at":"2026-03-04T12:00:00Z",'
        b'"since":"2026-03-04T12:00:00Z","status":"running","runs":1}'
    )
    read = msgspec.json.decode(row, type=Rebuild)
    assert (read.kind, read.is_of_acr, read.target) == (BuilderKind.ACR_TASK, True, "acr:tidegateapps/shop")
    assert read.id == rebuild().id
    assert b"kind" not in msgspec.json.encode(read)


def test_what_is_built_elsewhere_has_an_id_that_no_registry_can_have_and_that_stands_in_an_address() -> None:
    elsewhere = rebuild(registry="github", task="contoso/shop/build.yml@main", kind=BuilderKind.GITHUB, task_id="")
    assert elsewhere.target == "github:contoso/shop/build.yml@main"
    assert elsewhere.id.startswith("dispatch-github~")
    assert re.fullmatch(r"[a-z0-9~-]+", elsewhere.id)
    assert elsewhere.id != msgspec.structs.replace(elsewhere, task="contoso/web/build.yml@main").id
