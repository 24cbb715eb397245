"""The first hour in Azure, played on the twin: every probe gets the answer that the twin gives, and leaves nothing."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from azure.identity import ManagedIdentityCredential

from infra.live_check import __main__ as command
from infra.live_check.arm import Arm, KeptTokens
from infra.live_check.catalogue import PROBES
from infra.live_check.ground import Ground, Pace, Source
from infra.live_check.probe import Seen, Verdict
from infra.live_check.run import ask_all
from infra.live_check.source import find_source
from infra.local.emulator.assignments import OPERATOR
from infra.local.runner import execute
from infra.local.runner.model import Dependency, RunRequest, RunResult
from infra.local.topology import STAGING
from infra.local.twin.images import push_image as push_local_image
from tests.twin.conftest import Twin, emulated, twin_of
from tests.twin.double import DoubleRunner
from tests.twin.images import push_image, push_index

pytestmark = pytest.mark.twin

QUICK = Pace(look=0.05, longest_retry_after=0.05, old_location=0.1, run=20, many=(3, 4))
MCR = "mcr.microsoft.com"
HELLO = Dependency("Runtime", MCR, "hello-world", "latest", "sha256:" + "1" * 64)


@pytest.fixture
def ground(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """The staging registry of the twin; whatever is to run nothing that is there fails, and all else succeeds."""
    push_index(twin.topology, "mcr", "oss/kubernetes/pause:3.9", "amd64", "arm64")
    push_image(twin.topology, "mcr", "hello-world:latest", "hello")

    def run(_: DoubleRunner, request: RunRequest, log: Callable[[str], None], __: threading.Event) -> RunResult:
        log(request.steps_yaml)
        failed = "/nowhere" in request.steps_yaml
        return RunResult("Failed", error="exit status 127") if failed else RunResult("Succeeded", dependencies=(HELLO,))

    monkeypatch.setattr(DoubleRunner, "__call__", run)
    credential = KeptTokens(twin.credential)
    arm = Arm(twin.topology.https("arm"), "https://management.azure.com/.default", credential)
    source = find_source(twin.topology.https("mcr"), MCR, "oss/kubernetes/pause:3.9")
    yield Ground(arm, credential, twin.topology.registry_id(STAGING), source, "abc123", pace=QUICK)


def ask(ground: Ground, number: int) -> Seen:
    """Ask one probe, and see that nothing is left of it."""
    asked = ask_all(ground, [PROBES[number - 1]], 5, print)
    assert ground.made.left == []
    return asked[0].seen


def answer(ground: Ground, number: int, verdict: Verdict, *words: str) -> Seen:
    """Ask one probe, and hold its answer against what the twin is known to do."""
    seen = ask(ground, number)
    assert seen.verdict is verdict, seen
    assert [word for word in words if word not in seen.text] == [], seen.text
    return seen


def test_1_an_import_is_followed_by_addresses_that_are_new_every_time(ground: Ground) -> None:
    seen = answer(ground, 1, Verdict.AS_BUILT, "HTTP 202")
    assert seen.facts["read_back_misses"] == 0
    assert all("/locations/" in str(each) for each in seen.facts["locations"])  # type: ignore[attr-defined]


def test_2_a_failed_import_ends_with_400_and_is_known_for_what_it_is(ground: Ground) -> None:
    seen = answer(ground, 2, Verdict.AS_BUILT, "HTTP 400", "takes that for NotFound")
    assert seen.facts["code"] == "InvalidParameters"


def test_3_an_import_moves_a_locked_tag_and_leaves_the_lock(ground: Ground) -> None:
    seen = answer(ground, 3, Verdict.AS_BUILT, "the tag moved and is still locked")
    assert seen.facts["locked_after"] is True


def test_4_an_import_raises_a_push_that_the_product_can_read(ground: Ground) -> None:
    answer(ground, 4, Verdict.AS_BUILT, "1 push event", "as Push")


def test_5_a_function_key_travels_in_a_header(ground: Ground) -> None:
    answer(ground, 5, Verdict.AS_BUILT, "was sent as it was given")


def test_6_there_is_no_replica_to_ask(ground: Ground) -> None:
    answer(ground, 6, Verdict.UNDECIDED, "no replica")


def test_7_an_old_address_is_good_for_ever(ground: Ground) -> None:
    answer(ground, 7, Verdict.AS_BUILT, "HTTP 200")


def test_8_more_than_fifty_manifests_are_refused(ground: Ground) -> None:
    seen = answer(ground, 8, Verdict.AS_BUILT, "51 manifests", "not there")
    assert seen.facts["code"] == "InvalidParameters"


def test_9_a_task_run_takes_an_uploaded_context(ground: Ground) -> None:
    answer(ground, 9, Verdict.AS_BUILT, "ended as Succeeded")


def test_9_a_context_that_is_refused_is_told(twin: Twin, ground: Ground) -> None:
    twin.control("POST", "/settings", {"uploads_in_task_runs": False})
    answer(ground, 9, Verdict.OTHERWISE, "refused: HTTP 400")


def test_10_a_repeated_task_run_starts_another_run_only_after_a_failure(ground: Ground) -> None:
    seen = answer(ground, 10, Verdict.AS_BUILT, "after Succeeded: HTTP 200, the same run", "after Failed")
    assert (seen.facts["same_run_after_success"], seen.facts["same_run_after_failure"]) == (True, False)


def test_11_the_run_inside_a_task_run_is_kept_up_to_date(ground: Ground) -> None:
    answer(ground, 11, Verdict.AS_BUILT, "Succeeded/Succeeded")


def test_12_who_may_do_everything_can_not_tell_what_is_refused(ground: Ground) -> None:
    answer(ground, 12, Verdict.UNDECIDED, "accepted, the run ended as Succeeded", "name a TASK")


def test_12_a_task_that_is_there_is_run_and_not_made(twin: Twin, ground: Ground) -> None:
    place = ("tidegate", STAGING)
    step = {"type": "EncodedTask", "encodedTaskContent": ""}
    twin.tasks.tasks.create(*place, "mine", {"location": "local", "properties": {"step": step}})
    answer(replace(ground, task_id=f"{ground.registry_id}/tasks/mine"), 12, Verdict.UNDECIDED, "accepted")
    assert twin.tasks.tasks.get(*place, "mine").name == "mine"
    twin.tasks.tasks.delete(*place, "mine")


def test_12_who_has_the_roles_of_the_app_sees_it_refused(twin: Twin, ground: Ground) -> None:
    place = ("tidegate", STAGING)
    step = {"type": "EncodedTask", "encodedTaskContent": ""}
    twin.tasks.tasks.create(*place, "theirs", {"location": "local", "properties": {"step": step}})
    app = replace(ground.arm, credential=KeptTokens(ManagedIdentityCredential()), remaining={})
    task_id = f"{ground.registry_id}/tasks/theirs"
    answer(replace(ground, arm=app, task_id=task_id), 12, Verdict.AS_BUILT, "HTTP 403", "LinkedAuthorizationFailed")
    twin.tasks.tasks.delete(*place, "theirs")


def test_13_a_list_of_tasks_tells_their_bases(ground: Ground) -> None:
    seen = answer(ground, 13, Verdict.AS_BUILT, "the list tells", "Runtime")
    assert seen.facts["run"] == "Succeeded"


def test_14_one_upload_serves_two_runs(ground: Ground) -> None:
    answer(ground, 14, Verdict.AS_BUILT, "Succeeded and Succeeded")


def test_15_pages_are_counted(ground: Ground) -> None:
    assert "$top=1000" in ask(ground, 15).text


def test_16_the_login_of_the_registry_is_asked_for_both_ways(ground: Ground) -> None:
    seen = answer(ground, 16, Verdict.AS_BUILT, "as caller Succeeded", "as default Succeeded")
    assert seen.facts["mode"] in seen.text


def test_17_runs_begun_at_once_are_all_followed(ground: Ground) -> None:
    seen = answer(ground, 17, Verdict.AS_BUILT, "3 runs taken, 0 refused; 3 succeeded")
    assert len(seen.facts["waits"]) == 3  # type: ignore[arg-type]


def test_18_imports_asked_for_at_once_all_arrive(ground: Ground) -> None:
    answer(ground, 18, Verdict.AS_BUILT, "0 refused, 4 of the others arrived")


def test_19_answers_that_name_no_limit_are_told(ground: Ground) -> None:
    answer(ground, 19, Verdict.UNDECIDED, "named no limit")


def test_19_limits_are_told_by_operation(ground: Ground) -> None:
    ground.arm.remaining["importImage"] = {"x-ms-ratelimit-remaining-subscription-writes": "799"}
    seen = answer(
        ground, 19, Verdict.AS_BUILT, "1 operations named one of x-ms-ratelimit-remaining-subscription-writes"
    )
    assert list(seen.facts["told"]) == ["importImage"]  # type: ignore[call-overload]


def test_20_without_a_client_nothing_is_asked(ground: Ground) -> None:
    answer(ground, 20, Verdict.UNDECIDED, "needs CLIENT=<repository@sha256:")


@pytest.mark.parametrize("client", ["tools/docker@sha256:" + "0" * 64, "tools/docker"])
def test_20_a_client_that_is_not_there_is_no_answer(ground: Ground, client: str) -> None:
    answer(replace(ground, client=client), 20, Verdict.UNDECIDED, f"CLIENT names {client}, and ", "has no such image")


def test_20_where_every_run_ends_well_a_container_is_apart(twin: Twin, ground: Ground) -> None:
    digest = push_image(twin.topology, "staging", "tools/docker:1", "client")
    words = ("the socket is there", "a container starts", "it has neither network, socket, home nor source")
    answer(replace(ground, client=f"tools/docker@{digest}"), 20, Verdict.AS_BUILT, *words)


def test_20_where_a_run_fails_it_is_said_which(twin: Twin, ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = push_image(twin.topology, "staging", "tools/docker:1", "client")

    def run(_: DoubleRunner, request: RunRequest, *__: object) -> RunResult:
        return RunResult("Failed" if "/acb/home" in request.steps_yaml else "Succeeded")

    monkeypatch.setattr(DoubleRunner, "__call__", run)
    words = ("the socket is there (Succeeded)", "it was not seen to be without the step's things (Failed)")
    answer(replace(ground, client=f"tools/docker@{digest}"), 20, Verdict.OTHERWISE, *words)


def test_21_where_every_run_ends_well_other_platforms_could_be_tested(ground: Ground) -> None:
    answer(ground, 21, Verdict.OTHERWISE, "one for arm64 as Succeeded", "asked to be for arm64 as Succeeded")


@pytest.mark.parametrize(("number", "verdict"), [(0, Verdict.UNDECIDED), (1, Verdict.AS_BUILT)])
def test_21_a_platform_that_does_not_run_is_untested(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, number: int, verdict: Verdict
) -> None:
    def run(_: DoubleRunner, request: RunRequest, *__: object) -> RunResult:
        return RunResult("Failed" if ground.source.digests[number] in request.steps_yaml else "Succeeded")

    monkeypatch.setattr(DoubleRunner, "__call__", run)
    answer(ground, 21, verdict, "as Failed")


def printed(request: RunRequest, *rows: str) -> list[str]:
    """Return what a run prints, row by row, each with the word that the steps were given and its number."""
    (nonce,) = re.findall(r"TIDEGATE_NONCE=([^\"]+)", request.steps_yaml)
    return [f"{nonce} {number} {row}" for number, row in enumerate(rows, 1)]


@pytest.mark.parametrize(
    ("cut", "hosts", "verdict", "word"),
    [
        (slice(None), ("{own}",), Verdict.AS_BUILT, "has 110, whole"),
        (slice(None, -1), ("{own}",), Verdict.OTHERWISE, "has 110, not as they were printed"),
        (slice(50, None), ("{own}",), Verdict.OTHERWISE, "not as they were printed"),
        (slice(None), ("{own}", "other.azurecr.io"), Verdict.OTHERWISE, "other.azurecr.io"),
        (slice(None), (), Verdict.OTHERWISE, "its login is for no registry"),
    ],
)
def test_22_a_login_of_its_own_and_a_whole_log_are_as_built(
    ground: Ground,
    monkeypatch: pytest.MonkeyPatch,
    cut: slice,
    hosts: tuple[str, ...],
    verdict: Verdict,
    word: str,
) -> None:
    logins = [f"login {host.format(own=ground.login_server)}" for host in hosts]

    def run(_: DoubleRunner, request: RunRequest, log: Callable[[str], None], __: threading.Event) -> RunResult:
        rows = printed(request, "login auths", *logins, f"unreached {MCR}", *[f"row {'x' * 8000}"] * 110, "end")
        for row in rows[cut]:
            log(row)
        return RunResult("Succeeded")

    monkeypatch.setattr(DoubleRunner, "__call__", run)
    answer(ground, 22, verdict, word)


def test_22_is_really_run_and_tells_the_names_of_logins_and_nothing_of_them(tmp_path: Path) -> None:
    with emulated(tmp_path, execute) as topology:
        shell = {"/bin/bash": '#!/bin/sh\nexec /bin/sh "$@"\n'}
        push_local_image(topology.http("backing_mcr"), "acr/bash", "2ff604c", "bash", files=shell)
        credential = KeptTokens(twin_of(topology, DoubleRunner(), OPERATOR).credential)
        arm = Arm(topology.https("arm"), "https://management.azure.com/.default", credential)
        source = Source(MCR, "acr/bash", ("", ""))
        place = Ground(arm, credential, topology.registry_id(STAGING), source, "abc123", pace=replace(QUICK, run=120))
        seen = answer(place, 22, Verdict.AS_BUILT, f"its login is for {place.login_server};", "has 110, whole")
        assert seen.facts["logins"] == [place.login_server]


@pytest.mark.usefixtures("ground")
def test_the_whole_check_leaves_nothing_and_reports_every_probe(
    twin: Twin, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_credential", lambda _: twin.credential)
    report = tmp_path / "report.json"
    environment = {
        "REGISTRIES": twin.topology.registry_id(STAGING),
        "ARM_ENDPOINT": twin.topology.https("arm"),
        "MCR_URL": twin.topology.https("mcr"),
        "PROBES": "1,9,15",
        "REPORT": str(report),
        "YES": "1",
    }
    assert command.main(environment) == 0
    told = json.loads(report.read_text())
    assert [(each["number"], each["verdict"]) for each in told[0]["probes"]][:2] == [(1, "as built"), (9, "as built")]
    assert told[0]["left"] == []
    assert "Everything that was made is deleted." in capsys.readouterr().out
    assert [name for name in twin.client("staging").list_repository_names() if name.startswith("tidegate-live")] == []
    assert [each.name for each in twin.tasks.task_runs.list("tidegate", STAGING) if "live" in str(each.name)] == []


def test_23_a_referrer_is_imported_before_its_subject_and_does_not_bring_it(ground: Ground) -> None:
    seen = answer(ground, 23, Verdict.AS_BUILT, "the referrer is there, its subject is not")
    assert seen.facts["subject_followed"] is False


def test_24_a_locked_repository_does_not_stop_an_import(ground: Ground) -> None:
    answer(ground, 24, Verdict.AS_BUILT, "the tag moved")


def test_24_where_imports_heed_it_a_locked_repository_does(twin: Twin, ground: Ground) -> None:
    twin.control("POST", "/settings", {"imports_heed_repository_locks": True})
    answer(ground, 24, Verdict.OTHERWISE, "the tag stayed")


def test_25_a_locked_index_can_be_referred_to_and_its_children_pulled(twin: Twin, ground: Ground) -> None:
    answer(ground, 25, Verdict.AS_BUILT, "it can be referred to, and what it lists can be pulled")
    twin.control("POST", "/settings", {"manifest_locks_stop_referrers": True, "read_locks_cover_children": True})
    seen = ask(ground, 25)
    assert (seen.verdict, seen.facts["child_pulled"]) == (Verdict.OTHERWISE, False)
    assert "it can not be referred to, and what it lists can not be pulled" in seen.text


def test_26_a_list_of_manifests_says_what_they_are_and_the_latest_first(ground: Ground) -> None:
    seen = answer(ground, 26, Verdict.AS_BUILT, "latest first: yes")
    assert all(seen.facts.values())


def test_27_with_a_manifest_goes_what_refers_to_it_and_a_locked_tag_keeps_it(ground: Ground) -> None:
    seen = answer(ground, 27, Verdict.AS_BUILT, "HTTP 405")
    assert (seen.facts["its_referrer_went"], seen.facts["its_child_stayed"]) == (True, True)
