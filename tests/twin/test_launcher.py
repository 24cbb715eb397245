"""The launcher: what it starts, what it says when it cannot, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from azure.storage.queue import QueueClient

from infra.local.playground import told
from infra.local.playground.told import addresses
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import PortsTakenError, free_base_port, new_topology, require_free
from infra.local.twin.processes import PartFailedError, started_at
from infra.local.twin.settings import product_settings
from infra.local.twin.twin import Twin
from tests.twin.host_fixtures import SAMPLE_APP, eventually

pytestmark = pytest.mark.twin

_SAMPLE_SETTINGS = {"WORK_QUEUE": "work", "TICK_SCHEDULE": "0 0 0 1 1 *", "MISTAKEN_SCHEDULE": "never"}


def _pids(state: Path) -> list[int]:
    return [row["pid"] for row in json.loads((state / "processes.json").read_text())]


def _all_gone(pids: list[int]) -> bool:
    return all(started_at(pid) is None for pid in pids)


def test_a_twin_serves_every_part_and_leaves_no_process_behind(tmp_path: Path) -> None:
    topology = new_topology(tmp_path)
    with Twin(topology) as twin:
        pids = _pids(tmp_path)
        assert len(pids) == 8
        assert requests.get(f"{topology.http('control')}/health", timeout=5).status_code == 200
        for name in ("docker_hub", "mcr", "other", "staging", "base", "applications"):
            assert requests.get(f"{topology.http(f'backing_{name}')}/v2/", timeout=5).status_code == 200
        assert Path(twin.environment()["REQUESTS_CA_BUNDLE"]).exists()
    assert _all_gone(pids)
    assert not (tmp_path / "processes.json").exists()


def test_a_part_that_dies_is_named_with_the_end_of_its_log_and_the_rest_is_stopped(tmp_path: Path) -> None:
    twin = Twin(new_topology(tmp_path), {}, app="sample_app:app", folder=SAMPLE_APP)
    with pytest.raises(PartFailedError, match=r"provision ended with status 1(.|\n)*WORK_QUEUE"), twin:
        pids = _pids(tmp_path)
        twin.start_host()
    assert _all_gone(pids)


def test_a_host_killed_and_stopped_is_gone_while_the_rest_stays(tmp_path: Path) -> None:
    settings = {**_SAMPLE_SETTINGS, "JOURNAL": str(tmp_path / "journal")}
    with Twin(new_topology(tmp_path), settings, app="sample_app:app", folder=SAMPLE_APP) as twin:
        for end in (twin.kill_host, twin.stop_host):
            twin.start_host()
            assert len(_pids(tmp_path)) == 9
            end()
            assert len(_pids(tmp_path)) == 8
            with pytest.raises(requests.ConnectionError):
                requests.get(twin.topology.http("host"), timeout=5)


def test_what_azurite_keeps_on_disk_outlives_it(tmp_path: Path) -> None:
    with Twin(new_topology(tmp_path), {}, in_memory=False, storage_only=True) as twin:
        queue = QueueClient.from_connection_string(twin.environment()["AzureWebJobsStorage"], "kept")
        queue.create_queue()
        queue.send_message("still here")
        twin.stop_storage()
        twin.start_storage()
        assert [message.content for message in queue.receive_messages()] == ["still here"]


def test_taken_ports_are_named() -> None:
    base = free_base_port()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", base + 3))
        holder.listen()
        with pytest.raises(PortsTakenError, match=rf"taken: {base + 3} "):
            require_free(base)


def test_another_start_in_a_twins_folder_is_refused_and_leaves_the_twin_to_be_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.local.twin", "up", "--empty", "--state", str(tmp_path)]
    command += ["--base-port", str(free_base_port())]
    with Twin(new_topology(tmp_path), {}, storage_only=True):
        kept = (tmp_path / "topology.json").read_text()
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert f"a twin is up in {tmp_path} already" in again.stderr
        assert f"down --state {tmp_path}" in again.stderr
        assert len(_pids(tmp_path)) == 1
        assert (tmp_path / "topology.json").read_text() == kept


def test_a_twin_whose_ports_are_taken_forgets_nothing_of_the_one_that_has_them(tmp_path: Path) -> None:
    topology = new_topology(tmp_path)
    with Twin(topology, {}, storage_only=True):
        other = Twin(topology, {}, storage_only=True)
        with pytest.raises(PortsTakenError):
            other.start()
        other.stop()
        assert len(_pids(tmp_path)) == 1


def test_the_products_settings_follow_the_topology_and_overrides_win(tmp_path: Path) -> None:
    topology = new_topology(tmp_path, 20000)
    settings = product_settings(topology, {"SWEEP_SCHEDULE": "0 * * * * *"})
    assert settings["STAGING_REGISTRY_ID"].endswith("/registries/tidegatestaging")
    assert settings["BASE_LOGIN_SERVER"] == "localhost:20026"
    assert settings["ARM_ENDPOINT"] == "https://localhost:20020"
    assert settings["IDENTITY_ENDPOINT"] == "http://127.0.0.1:20028/msi/token"
    assert settings["CHECK_MCR_SCHEDULE"] == "*/1 * * * * *"
    assert settings["SWEEP_SCHEDULE"] == "0 * * * * *"
    assert "QueueEndpoint=http://127.0.0.1:20001/devstoreaccount1;" in settings["AzureWebJobsStorage"]


def test_what_is_printed_names_every_registry_and_stops_the_twin_of_its_own_folder(tmp_path: Path) -> None:
    topology = new_topology(tmp_path / "my twin")
    topology.state.mkdir()
    (topology.state / "api-key").write_text("tidegate_key")
    printed = addresses(topology)
    for name in ("docker_hub", "mcr", "other", "staging", "base", "applications"):
        assert topology.http(f"backing_{name}") in printed
    assert printed.endswith(f"down --state '{tmp_path / 'my twin'}'")


def test_what_is_printed_of_the_usual_twin_stops_it_by_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    topology = new_topology(tmp_path)
    (tmp_path / "api-key").write_text("tidegate_key")
    monkeypatch.setattr(told, "STATE", tmp_path)
    assert addresses(topology).endswith("make down")


def test_every_topology_has_secrets_of_its_own(tmp_path: Path) -> None:
    one, other = new_topology(tmp_path, 20000), new_topology(tmp_path, 20000)
    assert len({one.function_key, one.webhook_secret, one.identity_header, other.function_key}) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "infra.local.twin", "run", "--state", str(tmp_path)]
    command += ["--base-port", str(free_base_port())]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: True if (tmp_path / "processes.json").exists() else None)
    time.sleep(0.3)
    pids = _pids(tmp_path)
    os.kill(process.pid, number)
    process.communicate(timeout=20)
    assert pids
    assert _all_gone(pids)


def test_down_stops_what_a_lost_launcher_left(tmp_path: Path) -> None:
    twin = Twin(new_topology(tmp_path))
    twin.start()
    pids = _pids(tmp_path)
    command = [sys.executable, "-m", "infra.local.twin", "down", "--state", str(tmp_path)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    assert re.match(r"stopped: azurite, registry-docker_hub, .*emulator", said)
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    assert again.strip() == "no twin is up"
    twin.stop()
    assert _all_gone(pids)
