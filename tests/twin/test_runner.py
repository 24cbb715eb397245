"""The runner, with real builds, containers and registry."""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.live_check.nested import questions
from infra.local.runner import Dependency, Image
from tests.twin.runner_fixtures import OWN, Registry, Runs, processes_with, running_registry

pytestmark = pytest.mark.twin

GATE = """
steps:
  - id: build
    build: -t $Registry/gate:$ID --build-arg BASE_IMAGE={{.Values.base}} .
  - id: test
    cmd: $Registry/gate:$ID sh -c 'cat /made; exit {{.Values.status}}'
"""
DOCKERFILE = {"Dockerfile": "ARG BASE_IMAGE\nFROM $BASE_IMAGE\nRUN echo hello > /made\n"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        found.push_busybox("library/busybox:1")
        yield found


@pytest.fixture
def runs(registry: Registry, tmp_path: Path) -> Runs:
    return Runs(registry, tmp_path)


def step_lines(log: list[str]) -> list[str]:
    """Return the log's own lines without their timestamps."""
    return [line[20:] for line in log if line[:4].isdigit() and line[4:5] == "/"]


def wait_until(holds: Callable[[], bool]) -> None:
    """Return as soon as ``holds`` does; fail after 10 s."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_image_is_built_and_run_without_a_push(runs: Runs) -> None:
    result, log = runs.start(GATE, DOCKERFILE, base="busybox:1", status="0")
    assert (result.status, result.output_images, result.error) == ("Succeeded", (), "")
    assert "hello" in log
    assert runs.registry.digest("gate:cab") is None


def test_the_log_speaks_as_acr_does(runs: Runs) -> None:
    _, log = runs.start(GATE, DOCKERFILE, base="busybox:1", status="0")
    expected = [
        "Downloading source code...",
        "Finished downloading source code",
        "Executing step ID: build. Timeout(sec): 600, Working directory: '', Network: ''",
        "Scanning for dependencies...",
        "Successfully scanned dependencies",
        "Launching container with name: build",
        "Successfully executed container: build",
        "Executing step ID: test. Timeout(sec): 600, Working directory: '', Network: ''",
        "Launching container with name: test",
        "Successfully executed container: test",
        "The following dependencies were found:",
    ]
    assert [line for line in step_lines(log) if line in expected] == expected, "\n".join(log)
    assert log[-1].startswith("Run ID: cab was successful after ")


def test_a_command_that_exits_non_zero_fails_the_run(runs: Runs) -> None:
    result, log = runs.start(GATE, DOCKERFILE, base="busybox:1", status="7")
    assert (result.status, result.error) == ("Failed", "failed during run, err: exit status 1")
    assert "Container failed during run: test. No retries remaining." in step_lines(log)
    assert "failed to run step ID: test: exit status 7" in log
    assert log[-1].endswith("Error: failed during run, err: exit status 1")


def test_a_build_that_fails_fails_the_run_and_nothing_after_it_starts(runs: Runs) -> None:
    result, log = runs.start(GATE, {"Dockerfile": "FROM busybox:1\nRUN exit 3\n"}, base="", status="0")
    assert result.status == "Failed"
    assert not any("step ID: test" in line for line in log)


def test_a_from_with_a_platform_is_never_understood(runs: Runs) -> None:
    text = "ARG BASE_IMAGE\nFROM --platform=linux/amd64 $BASE_IMAGE\n"
    result, log = runs.start(GATE, {"Dockerfile": text}, base="busybox:1", status="0")
    assert result.status == "Failed"
    said = "Output from dependency scanning: unable to understand line FROM --platform=linux/amd64 $BASE_IMAGE"
    assert said in step_lines(log)
    assert "failed to run step ID: build: failed to scan dependencies: exit status 1" in log


@pytest.mark.parametrize(("environment", "status"), [("[]", "Failed"), ("[DOCKER_BUILDKIT=1]", "Succeeded")])
def test_a_build_is_the_classic_one_unless_its_own_step_asks_for_buildkit(
    runs: Runs, environment: str, status: str
) -> None:
    text = "FROM busybox:1\nRUN --mount=type=tmpfs,target=/scratch echo hello > /made\n"
    steps = f"env: [DOCKER_BUILDKIT=1]\nsteps:\n- build: -t app .\n  env: {environment}\n"
    result, log = runs.start(steps, {"Dockerfile": text})
    assert result.status == status
    assert any("the --mount option requires BuildKit" in line for line in log) == (status == "Failed")


def test_the_entry_point_of_a_step_takes_the_place_of_the_images(runs: Runs) -> None:
    runs.registry.push_busybox("library/swallower:1", Entrypoint=["/bin/true"])
    said = "steps:\n- cmd: swallower:1 echo said\n"
    assert "said" not in runs.start(said)[1]
    assert "said" in runs.start(f"{said}  entryPoint: /bin/busybox\n")[1]


NESTED = """
steps:
- cmd: busybox:1 sh -c 'echo secret > /acb/home/login; echo source > /workspace/file'
- cmd: client:1 run --rm --network none --env WORD=said --entrypoint sh library/inner:1 -c '{}'
  entryPoint: docker
"""


def push_client(runs: Runs) -> None:
    """Push an image with something that is called docker, and one to be run by it."""
    runs.registry.push_busybox("library/client:1", {"opt/docker": ""}, Env=["PATH=/opt:/bin"])
    runs.registry.push_busybox("library/inner:1", {"opt/file": ""}, WorkingDir="/opt", Entrypoint=["/bin/true"])


def test_an_image_that_a_client_runs_sees_nothing_of_the_step_but_what_it_is_given(runs: Runs) -> None:
    push_client(runs)
    look = "echo $WORD in $(pwd); ls /workspace /acb; env; cat /proc/net/dev"
    result, log = runs.start(NESTED.format(look))
    assert result.status == "Succeeded"
    assert "said in /opt" in log
    assert "ls: /workspace: No such file or directory" in log
    assert not any("/acb/home" in line for line in log)
    assert log[log.index("/acb:") + 1 :][:1] == ["tools"]
    assert [line.split(":")[0].strip() for line in log if re.match(r" *\w+: +\d", line)] == ["lo"]


def test_what_the_live_check_asks_of_such_a_container_is_so_here_and_a_step_itself_fails_it(runs: Runs) -> None:
    digest = runs.registry.push_busybox("client:1", {"opt/docker": ""}, Env=["PATH=/opt:/bin"])
    asked = questions(f"client@{digest}")
    ends = {word: runs.start(steps.partition("\n")[2])[0].status for word, steps in asked.items()}
    assert ends == {"socket": "Failed", "started": "Succeeded", "bare": "Succeeded"}
    script = asked["bare"].partition(" -c ")[2].partition("\n")[0]
    assert runs.start(f"steps:\n- cmd: $Registry/client@{digest} sh -c {script}\n")[0].status == "Failed"


def test_the_step_ends_as_the_image_that_its_client_runs(runs: Runs) -> None:
    push_client(runs)
    result, log = runs.start(NESTED.format("exit 7"))
    assert result.status == "Failed"
    assert "failed to run step ID: acb_step_1: exit status 7" in log


def test_an_image_without_a_client_runs_nothing(runs: Runs) -> None:
    push_client(runs)
    result, log = runs.start(NESTED.format("echo run").replace("client:1", "inner:1"))
    assert result.status == "Failed"
    assert "failed to run step ID: acb_step_1: exit status 127" in log
    assert "run" not in log


def test_a_run_without_rights_pulls_nothing_of_its_own_registry(runs: Runs) -> None:
    runs.registry.push_busybox("staged:1")
    result, log = runs.start(GATE, DOCKERFILE, base=f"{OWN}/staged:1", status="0", rights=frozenset())
    assert (result.status, result.error) == ("Failed", "failed during run, err: exit status 1")
    assert any("unauthorized: authentication required" in line for line in log)


def test_a_run_that_may_only_pull_builds_and_pushes_nothing(runs: Runs) -> None:
    runs.registry.push_busybox("staged:1")
    steps = "steps:\n- build: -t $Registry/planted:1 .\n- push: [$Registry/planted:1]\n"
    text = f"FROM {OWN}/staged:1\n"
    result, log = runs.start(steps, {"Dockerfile": text}, rights=frozenset({"pull"}))
    assert result.status == "Failed"
    assert "denied: requested access to the resource is denied" in log
    assert "failed to run step ID: acb_step_1: failed to push images successfully" in log
    assert runs.registry.digest("planted:1") is None


def test_an_ignored_error_lets_the_run_go_on(runs: Runs) -> None:
    result, log = runs.start(
        'steps:\n- cmd: busybox:1 sh -c "exit 3"\n  ignoreErrors: true\n- cmd: busybox:1 echo on\n'
    )
    assert result.status == "Succeeded"
    assert "on" in log


def test_a_step_is_retried_as_often_as_it_asks(runs: Runs) -> None:
    steps = "steps:\n- cmd: busybox:1 sh -c 'mkdir seen || exit 0; exit 1'\n  retries: 2\n  retryDelay: 0\n"
    result, log = runs.start(steps)
    assert result.status == "Succeeded"
    assert step_lines(log).count("Launching container with name: acb_step_0") == 2


def test_a_step_that_takes_too_long_fails_the_run_without_an_exit_status(runs: Runs) -> None:
    result, log = runs.start("steps:\n- cmd: busybox:1 sleep 91001\n  timeout: 1\n")
    assert (result.status, result.error) == ("Failed", "failed during run, err: exit status 1")
    assert "Container failed during run: acb_step_0. No retries remaining." in step_lines(log)
    assert "failed to run step ID: acb_step_0: context deadline exceeded" in log
    assert processes_with("91001") == []


def test_a_run_that_takes_too_long_times_out_even_where_errors_are_ignored(runs: Runs) -> None:
    result, _ = runs.start("steps:\n- cmd: busybox:1 sleep 91002\n  ignoreErrors: true\n", timeout=1)
    assert result.status == "Timeout"


def test_cancelling_ends_the_run_at_once_with_everything_it_started(runs: Runs) -> None:
    steps = "steps:\n- cmd: busybox:1 sh -c 'setsid sleep 91003 & echo up; touch up; sleep 91003'\n"
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(runs.start, steps)
        wait_until((runs.folder / "runs/cab/workspace/up").exists)
        runs.cancelled.set()
        result, log = run.result(timeout=5)
    assert result.status == "Canceled"
    assert "up" in log
    assert processes_with("91003") == []


def test_a_runner_that_is_killed_leaves_nothing_running(runs: Runs) -> None:
    runner = multiprocessing.get_context("fork").Process(
        target=runs.start, args=("steps:\n- cmd: busybox:1 sh -c 'touch up; sleep 91004'\n",)
    )
    runner.start()
    wait_until((runs.folder / "runs/cab/workspace/up").exists)
    runner.kill()
    wait_until(lambda: not processes_with("91004"))


def test_a_push_is_reported_with_the_digest_the_registry_has(runs: Runs) -> None:
    base = runs.registry.digest("library/busybox:1")
    steps = GATE + "  - push: ['$Registry/gate:$ID']\n"
    result, log = runs.start(steps, DOCKERFILE, run_id="pushed", base="busybox:1", status="0")
    assert result.output_images == (Image(OWN, "gate", "pushed", runs.registry.digest("gate:pushed") or "absent"),)
    assert result.dependencies == (
        Dependency("Runtime", "registry.hub.docker.com", "library/busybox", "1", base or "absent"),
    )
    assert f"    digest: {base}" in log


def test_other_stages_are_build_time_dependencies(runs: Runs) -> None:
    tools = runs.registry.push_busybox("tools:2", {"tool": "sharp"})
    text = f"FROM {OWN}/tools:2 AS tools\nFROM busybox:1\nCOPY --from=tools /tool /tool\n"
    result, _ = runs.start("steps:\n- build: -t app .\n- cmd: app cat /tool\n", {"Dockerfile": text})
    assert [d.type for d in result.dependencies] == ["Runtime", "BuildTime"]
    assert result.dependencies[1] == Dependency("BuildTime", OWN, "tools", "2", tools)


def test_a_base_named_by_digest_is_built_from_that_digest(runs: Runs) -> None:
    digest = runs.registry.push_busybox("staged:1", {"which": "old"})
    runs.registry.push_busybox("staged:1", {"which": "new"})
    steps = (
        "steps:\n- build: -t app --build-arg BASE_IMAGE=$Registry/staged@{{.Values.digest}} .\n- cmd: app cat /which\n"
    )
    result, log = runs.start(steps, DOCKERFILE, digest=digest)
    assert "old" in log
    assert result.dependencies == (Dependency("Runtime", OWN, "staged", "", digest),)


def test_a_tag_that_moved_between_two_runs_is_seen_to_have_moved(runs: Runs) -> None:
    steps = "steps:\n- build: -t app --build-arg BASE_IMAGE=$Registry/moving:1 .\n- cmd: app cat /which\n"
    logs = []
    for which in ("first", "second"):
        runs.registry.push_busybox("moving:1", {"which": which})
        logs.append(runs.start(steps, DOCKERFILE)[1])
    assert "first" in logs[0]
    assert "second" in logs[1]


def test_a_later_build_may_start_from_an_earlier_one(runs: Runs) -> None:
    files = {
        "a/Dockerfile": "FROM busybox:1\nRUN echo a > /a\n",
        "b/Dockerfile": f"FROM {OWN}/a:cab\n",
    }
    result, _ = runs.start(
        "steps:\n- build: -t $Registry/a:$ID a\n- build: -t b -f b/Dockerfile .\n- cmd: b cat /a\n", files
    )
    assert result.status == "Succeeded"
    assert Dependency("Runtime", OWN, "a", "cab", "") in result.dependencies


def test_an_image_copied_from_is_pulled_though_no_stage_names_it(runs: Runs) -> None:
    runs.registry.push_busybox("tools:3", {"tool": "sharp"})
    text = f"FROM busybox:1\nCOPY --from={OWN}/tools:3 /tool /tool\n"
    result, log = runs.start("steps:\n- build: -t app .\n- cmd: app cat /tool\n", {"Dockerfile": text})
    assert result.status == "Succeeded"
    assert "sharp" in log


def test_steps_share_the_workspace_and_start_there(runs: Runs) -> None:
    steps = (
        "steps:\n- cmd: busybox:1 sh -c 'echo $$HOME > sub/made'\n- cmd: busybox:1 cat made\n  workingDirectory: sub\n"
    )
    result, log = runs.start(steps, {"sub/given": ""})
    assert result.status == "Succeeded"
    assert "/acb/home" in log


def test_a_container_follows_its_image_where_the_step_says_nothing_else(runs: Runs) -> None:
    runs.registry.push_busybox(
        "entry:1", {"srv/x": ""}, Entrypoint=["/bin/echo", "entry"], Cmd=["cmd"], WorkingDir="/srv"
    )
    _, log = runs.start(
        "steps:\n- cmd: $Registry/entry:1\n- cmd: $Registry/entry:1 given\n"
        "- cmd: $Registry/entry:1\n  entryPoint: /bin/pwd\n  disableWorkingDirectoryOverride: true\n"
    )
    assert [line for line in log if line in ("entry cmd", "entry given", "/srv")] == [
        "entry cmd",
        "entry given",
        "/srv",
    ]


def test_environment_reaches_the_container_the_steps_own_winning(runs: Runs) -> None:
    steps = "env: [A=task, 'B=\"two words\"']\nsteps:\n- cmd: busybox:1 env\n  env: [A=step]\n"
    _, log = runs.start(steps)
    assert {"A=step", "B=two words"} <= set(log)


def test_steps_that_wait_for_nothing_run_side_by_side(runs: Runs) -> None:
    steps = """steps:
- cmd: busybox:1 sh -c 'until [ -e signal ]; do sleep 0.1; done; echo seen'
- cmd: busybox:1 touch signal
  when: ["-"]
"""
    result, log = runs.start(steps, timeout=20)
    assert result.status == "Succeeded"
    assert "seen" in log


def test_two_runs_at_once_do_not_see_each_other(runs: Runs) -> None:
    def start(run_id: str) -> tuple[str, list[str]]:
        text = f"FROM busybox:1\nRUN echo I am {run_id} > /who\n"
        steps = "steps:\n- build: -t $Registry/same:1 .\n- cmd: $Registry/same:1 cat /who\n"
        result, log = runs.start(steps, {"Dockerfile": text}, run_id=run_id)
        return result.status, log

    with ThreadPoolExecutor(2) as pool:
        outcomes = dict(zip(("one", "two"), pool.map(start, ("one", "two")), strict=True))
    assert [status for status, _ in outcomes.values()] == ["Succeeded", "Succeeded"]
    assert all(f"I am {run_id}" in log for run_id, (_, log) in outcomes.items())


def test_a_run_leaves_nothing_on_disk(runs: Runs) -> None:
    runs.start(GATE, DOCKERFILE, base="busybox:1", status="0")
    assert list((runs.folder / "runs").iterdir()) == []
    assert str(runs.folder) not in Path("/proc/mounts").read_text()


def test_it_also_runs_where_the_file_system_carries_no_overlay(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.runner.folder.storage_driver", lambda _: "vfs")
    result, _ = runs.start(GATE, DOCKERFILE, base="busybox:1", status="0")
    assert result.status == "Succeeded"


def test_an_image_of_an_unknown_registry_fails_the_step_by_name(runs: Runs) -> None:
    result, log = runs.start("steps:\n- cmd: quay.example.org/some/thing:1\n")
    assert result.status == "Failed"
    assert "no registry is known for quay.example.org, asked for some/thing" in log


def test_an_image_the_registry_does_not_have_fails_the_step_by_name(runs: Runs) -> None:
    result, log = runs.start(GATE, DOCKERFILE, base="busybox:none", status="0")
    assert result.status == "Failed"
    assert "manifest for docker.io/library/busybox:none not found: the registry answered 404" in log


def test_an_image_that_was_never_built_cannot_be_pushed(runs: Runs) -> None:
    result, log = runs.start("steps:\n- push: ['$Registry/never:1']\n")
    assert result.status == "Failed"
    assert "failed to run step ID: acb_step_0: failed to push images successfully" in log


def test_a_build_does_not_reach_outside_its_source(runs: Runs) -> None:
    result, log = runs.start("steps:\n- build: -t app -f ../../secret .\n", DOCKERFILE)
    assert result.status == "Failed"
    assert "Output from dependency scanning: '../../secret' lies outside the source" in step_lines(log)
    assert "failed to run step ID: acb_step_0: failed to scan dependencies: exit status 1" in log


def test_a_task_that_cannot_be_run_is_an_error_and_says_why(runs: Runs) -> None:
    result, log = runs.start("steps:\n- cmd: busybox:1 true\n  privileged: true\n")
    assert (result.status, result.error) == ("Error", "steps[0]: this twin does not run `privileged`")
    assert result.error in log
