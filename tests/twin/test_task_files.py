"""Tasks as ACR's users write them, with what the documentation's samples use, each run on real containers."""

from __future__ import annotations

import base64
import json
import multiprocessing
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.runner.vault import VaultRefusedError
from tests.twin.runner_fixtures import OWN, Registry, Runs, processes_with, running_registry
from tests.twin.test_runner import wait_until

pytestmark = pytest.mark.twin

# After network-curl.yaml of Azure-Samples/acr-tasks: a service in the background, and who asks it by the step's name.
SERVICE = """
steps:
  - id: nginx
    cmd: nginx:1
    detach: true
  - cmd: busybox:1 wget -q -O - http://nginx/index.html
    retries: 5
    retryDelay: 1
"""
# After the multi-step sample of the documentation: built side by side, run, tested by another image, pushed.
BUILD_TEST_PUSH = """
steps:
  - id: build-web
    build: -t $Registry/hello-world:$ID -f web.dockerfile .
    when: ["-"]
  - id: build-tests
    build: -t hello-world-test -f tests.dockerfile .
    when: ["-"]
  - id: hello-world
    cmd: $Registry/hello-world:$ID
    detach: true
    keep: true
    ports: ["8080:80"]
    when: [build-web]
  - id: func-tests
    cmd: hello-world-test
    env: [TEST_TARGET_URL=http://hello-world]
    retries: 5
    retryDelay: 1
    when: [build-tests, hello-world]
  - push: [$Registry/hello-world:$ID]
    when: [func-tests]
"""
FILES = {
    "web.dockerfile": "FROM nginx:1\n",
    "tests.dockerfile": 'FROM busybox:1\nCMD ["/bin/sh", "-c", "wget -q -O - $TEST_TARGET_URL/index.html"]\n',
}
VAULT = "https://contoso.vault.azure.net/secrets"
WHO = "c72b2df0-b9d8-4ac6-9363-7c1eb06c1c86"
SECRET = f"""
secrets:
  - id: mysecret
    keyvault: {VAULT}/SampleSecret
    clientID: {WHO}
  - id: other
    keyvault: {{{{.Values.second}}}}
steps:
  - cmd: busybox:1 sh -c 'echo it is $$MY_SECRET and {{{{.Secrets.other}}}}'
    env: ["MY_SECRET='{{{{.Secrets.mysecret}}}}'"]
"""
# After mounts-secrets.yaml of Azure-Samples/acr-tasks.
MOUNTED = f"""
secrets:
  - id: sampleSecret
    keyvault: {VAULT}/SampleSecret
volumes:
  - name: mysecrets
    secret:
      mysecret1: {{{{.Secrets.sampleSecret | b64enc}}}}
      mysecret2: {{{{.Values.second | b64enc}}}}
steps:
  - cmd: busybox:1 cat /run/test/mysecret1 /run/test/mysecret2
    volumeMounts:
      - name: mysecrets
        mountPath: /run/test
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with a small image, and one that serves a page."""
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        found.push_busybox("library/busybox:1")
        command = ["/bin/httpd", "-f", "-p", "80", "-h", "/srv"]
        found.push_busybox("library/nginx:1", {"srv/index.html": "hello from here\n"}, Entrypoint=command)
        yield found


@pytest.fixture
def runs(registry: Registry, tmp_path: Path) -> Runs:
    """Runs with a folder of their own."""
    return Runs(registry, tmp_path)


def said(log: list[str]) -> list[str]:
    """Return the builder's own lines, without their time."""
    return [line[20:] for line in log if re.match(r"\d{4}/\d\d/\d\d ", line)]


def test_a_detached_service_is_reached_by_the_name_of_its_step(runs: Runs) -> None:
    result, log = runs.start(SERVICE)
    assert result.status == "Succeeded"
    assert "hello from here" in log
    assert "Creating Docker network: acb_default_network, driver: 'bridge'" in said(log)
    wanted = "Executing step ID: nginx. Timeout(sec): 600, Working directory: '', Network: 'acb_default_network'"
    assert wanted in said(log)
    container = log[log.index(next(line for line in log if line.endswith("Launching container with name: nginx"))) + 1]
    assert re.fullmatch("[0-9a-f]{64}", container)
    assert processes_with("httpd -f -p 80") == []


def test_the_documented_sample_builds_runs_tests_and_pushes(runs: Runs) -> None:
    result, log = runs.start(BUILD_TEST_PUSH, FILES, run_id="sample")
    assert result.status == "Succeeded"
    assert "hello from here" in log
    assert [image.repository for image in result.output_images] == ["hello-world"]
    assert runs.registry.digest("hello-world:sample") == result.output_images[0].digest


def test_two_services_of_a_run_have_the_same_port(runs: Runs) -> None:
    steps = """
steps:
  - {id: one, cmd: "nginx:1", detach: true}
  - {id: two, cmd: "nginx:1", detach: true}
  - id: ask
    cmd: busybox:1 sh -c 'wget -q -O - http://one/index.html && wget -q -O - http://two/index.html'
    retries: 5
    retryDelay: 1
"""
    result, log = runs.start(steps)
    assert result.status == "Succeeded"
    assert log.count("hello from here") >= 2


def test_what_is_detached_outlives_its_steps_time_and_says_nothing_in_the_log(runs: Runs) -> None:
    steps = """
env: ["A=here,B=there"]
steps:
  - cmd: busybox:1 sh -c 'echo $$A and $$B $$C'
    env: ["C=a,b"]
  - {id: service, cmd: "busybox:1 sh -c 'echo not told; touch up; sleep 91101'", detach: true, timeout: 5}
  - {cmd: "busybox:1 sh -c 'sleep 5; ls'"}
"""
    result, log = runs.start(steps)
    assert result.status == "Succeeded"
    assert "here and there a,b" in log
    assert "up" in log
    assert "not told" not in log
    assert processes_with("91101") == []


def test_a_detached_command_that_is_not_there_fails_its_step(runs: Runs) -> None:
    result, log = runs.start("steps:\n- cmd: busybox:1 nothing\n  detach: true\n")
    assert result.status == "Failed"
    assert "failed to run step ID: acb_step_0: exit status 127" in log


def test_a_detached_container_dies_with_a_run_that_is_failed(runs: Runs) -> None:
    result, _ = runs.start("steps:\n- {cmd: 'busybox:1 sleep 91102', detach: true}\n- cmd: busybox:1 sh -c 'exit 3'\n")
    assert result.status == "Failed"
    assert processes_with("91102") == []


def test_a_runner_that_is_killed_leaves_no_service_running(runs: Runs) -> None:
    steps = "steps:\n- {cmd: 'busybox:1 sleep 91103', detach: true}\n- cmd: busybox:1 sh -c 'touch up; sleep 91104'\n"
    runner = multiprocessing.get_context("fork").Process(target=runs.start, args=(steps,))
    runner.start()
    wait_until((runs.folder / "runs/cab/workspace/up").exists)
    assert processes_with("91103") != []
    runner.kill()
    wait_until(lambda: not processes_with("91103"))


def test_networks_that_a_task_names_do_not_see_each_other(runs: Runs) -> None:
    steps = """
networks:
  - {name: front, driver: bridge, isDefault: true}
  - {name: back}
steps:
  - {id: web, cmd: "nginx:1", detach: true, network: back}
  - {id: near, cmd: "busybox:1 wget -q -O - http://web/index.html", network: back, retries: 5, retryDelay: 1}
  - {id: far, cmd: "busybox:1 wget -q -O - http://web/index.html"}
"""
    result, log = runs.start(steps)
    assert result.status == "Failed"
    assert log.count("hello from here") == 1
    assert "failed to run step ID: far: exit status 1" in log
    assert "Creating Docker network: back, driver: ''" in said(log)


def test_a_step_on_a_network_that_nobody_made_fails_as_docker_says(runs: Runs) -> None:
    steps = "networks: [{name: mine, skipCreation: true}]\nsteps: [{cmd: 'busybox:1 true', network: mine}]\n"
    result, log = runs.start(steps)
    assert result.status == "Failed"
    assert "Skip creating network: mine" in said(log)
    assert "docker: Error response from daemon: network mine not found." in log
    assert "failed to run step ID: acb_step_0: exit status 125" in log


def test_two_networks_of_one_name_cannot_be_made(runs: Runs) -> None:
    result, _ = runs.start("networks: [{name: a}, {name: a}]\nsteps: [{cmd: 'busybox:1 true'}]\n")
    assert result.error.startswith("failed to create network: a, err: exit status 1, msg: Error response from daemon")


def test_a_container_on_a_network_of_its_own_reaches_the_registries_and_nothing_else(runs: Runs) -> None:
    port = runs.registry.address.rpartition(":")[2]
    asked = f"wget -q -O - http://localhost:{port}/v2/; echo; wget -O - http://localhost:{int(port) + 1}/"
    script = f"{asked}; cat /proc/net/route"
    steps = f"networks: [{{name: own, isDefault: true}}]\nsteps: [{{cmd: \"busybox:1 sh -c '{script}'\"}}]\n"
    result, log = runs.start(steps, own=f"localhost:{port}")
    assert result.status == "Succeeded"
    assert "{}" in log
    assert any("Connection refused" in line for line in log)
    assert not any(re.match(r"eth0\s+00000000", line) for line in log)  # no way out of it


def test_a_name_stays_taken_by_a_container_that_is_kept(runs: Runs) -> None:
    steps = "steps:\n- {id: once, cmd: \"busybox:1 sh -c 'exit 3'\", keep: true, retries: 1, retryDelay: 0}\n"
    result, log = runs.start(steps)
    assert result.status == "Failed"
    taken = 'docker: Error response from daemon: Conflict. The container name "/once" is already in use.'
    assert taken in log
    assert "failed to run step ID: once: exit status 125" in log


def test_a_step_is_repeated_and_begins_after_its_delay(runs: Runs) -> None:
    result, log = runs.start("steps:\n- {cmd: 'busybox:1 echo again', repeat: 2, startDelay: 1, user: '7'}\n")
    assert result.status == "Succeeded"
    assert log.count("again") == 3
    assert "Waiting 1 seconds before executing step ID: acb_step_0" in said(log)


def test_a_secret_is_read_by_the_identity_that_the_task_names(runs: Runs) -> None:
    asked = []

    def vault(address: str, identity: str) -> str:
        asked.append((address, identity))
        return address.rpartition("/")[2]

    result, log = runs.start(SECRET, vault=vault, second=f"{VAULT}/Second/1")
    assert result.status == "Succeeded"
    assert asked == [(f"{VAULT}/samplesecret", WHO), (f"{VAULT}/second/1", "")]
    assert "it is samplesecret and 1" in log


def test_a_secret_that_is_not_given_ends_the_run_before_any_step(runs: Runs) -> None:
    def vault(address: str, identity: str) -> str:
        raise VaultRefusedError(
            f"timeout in fetching secrets. please check permissions are valid: {address} {identity}"
        )

    result, log = runs.start(SECRET, vault=vault, second=f"{VAULT}/Second")
    assert (result.status, result.error) == ("Failed", "failed during run, err: exit status 1")
    assert any(line.startswith("unable to render task: timeout in fetching secrets") for line in log)
    assert not any("Executing step" in line for line in log)


def test_secrets_are_mounted_as_files(runs: Runs) -> None:
    result, log = runs.start(MOUNTED, vault=lambda address, _: address.rpartition("/")[2], second="given")
    assert result.status == "Succeeded"
    assert [line for line in log if line in ("samplesecret", "given")] == ["samplesecret", "given"]
    assert "Volume source mysecrets successfully created" in said(log)


def test_a_volume_that_is_not_in_base64_ends_the_run(runs: Runs) -> None:
    steps = "volumes: [{name: v, secret: {file: 'not base64'}}]\nsteps: [{cmd: 'busybox:1 true'}]\n"
    result, _ = runs.start(steps)
    assert result.error == "failed to decode Base64 value. please make sure value provided is Base64 encoded"


def test_steps_find_the_runs_login_in_their_home(runs: Runs) -> None:
    result, log = runs.start("steps:\n- cmd: busybox:1 cat /acb/home/.docker/config.json\n", login="token")
    assert result.status == "Succeeded"
    shown = "\n".join(log[log.index("{") : log.index("}") + 1])
    auth = base64.b64encode(b"00000000-0000-0000-0000-000000000000:token").decode()
    assert json.loads(shown)["auths"] == {OWN: {"auth": auth}}
    assert f"Successfully logged into {OWN}" in said(log)


def test_a_run_that_may_not_sign_in_has_a_home_without_a_login(runs: Runs) -> None:
    _, log = runs.start("steps:\n- cmd: busybox:1 cat /acb/home/.docker/config.json\n")
    assert "auths" not in "\n".join(log)
    assert not any("Logging in" in line for line in log)
