"""The port ``Runs``: the double and the adapter to ACR Tasks, held to the same promises."""

from __future__ import annotations

import pytest

from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.promotion.rebuilds import Dependency
from shared.run_ports import GateRun, Run, ScanRun
from tests.contract.registry_fixtures import Outside, emulator, outside, outside_or_none, side, word
from tests.contract.registry_sites import RunsSite, runs_site
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import TEST_FAILED_LOG, digest_of, scan_key
from tests.doubles.scans import scan_run

__all__ = ["emulator", "outside", "outside_or_none", "side", "word"]
pytestmark = pytest.mark.contract

BASE_NODE = Dependency("base.azurecr.io", "base/node", "22", digest_of("node"))


@pytest.fixture
def site(outside_or_none: Outside | None) -> RunsSite:
    """ACR Tasks of the staging registry."""
    return runs_site(outside_or_none)


@pytest.fixture
def name(word: str) -> str:
    """A name for a run."""
    return f"tidegate-{word}"


@pytest.fixture
def gate(word: str) -> GateRun:
    """A gate for an image of the test's own."""
    return gate_run(digest_of(word))


def test_a_name_nobody_used_finds_no_run(site: RunsSite, name: str) -> None:
    assert site.runs.find(name) is None


def test_a_gate_that_passes_is_found_as_succeeded(site: RunsSite, name: str, gate: GateRun) -> None:
    site.runs.start_gate(name, gate)
    assert site.wait(name).status is RunStatus.SUCCEEDED


def test_a_run_just_started_is_under_way(site: RunsSite, name: str, gate: GateRun) -> None:
    assert site.runs.start_gate(name, gate).status in UNDER_WAY
    site.wait(name)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.CANCELED, RunStatus.ERROR])
def test_every_bad_end_is_told_apart(site: RunsSite, name: str, gate: GateRun, status: RunStatus) -> None:
    site.end(gate.digest, status, "it did not go well")
    site.runs.start_gate(name, gate)
    assert site.wait(name).status is status


def test_the_log_of_a_finished_run_can_be_read(site: RunsSite, name: str, gate: GateRun) -> None:
    log = TEST_FAILED_LOG.format(words=gate.words)
    site.end(gate.digest, RunStatus.FAILED, log)
    site.runs.start_gate(name, gate)
    assert log.splitlines()[1] in site.runs.log(site.wait(name).run_id)


def test_a_run_nobody_knows_has_no_log(site: RunsSite) -> None:
    assert site.runs.log("never-started") == ""


def test_a_run_that_was_never_given_an_id_has_no_log(site: RunsSite) -> None:
    assert site.runs.log("") == ""


def test_a_gate_started_twice_under_one_name_is_one_run(site: RunsSite, name: str, gate: GateRun) -> None:
    before = site.started()
    first = site.runs.start_gate(name, gate)
    again = site.runs.start_gate(name, gate)
    assert site.wait(name).run_id == first.run_id == again.run_id
    assert site.started() == before + 1


def test_a_gates_run_is_found_by_its_name_and_its_words(site: RunsSite, name: str, gate: GateRun) -> None:
    assert site.runs.find_gate(name, WORDS) is None
    started = site.runs.start_gate(name, gate)
    site.wait(name)
    assert site.runs.find_gate(name, WORDS) == Run(started.run_id, RunStatus.SUCCEEDED)


def test_a_run_can_be_looked_at_by_its_id(site: RunsSite, name: str, gate: GateRun) -> None:
    started = site.runs.start_gate(name, gate)
    site.wait(name)
    assert site.runs.look(started.run_id) == Run(started.run_id, RunStatus.SUCCEEDED, named=False)
    assert site.runs.look("never-started") is None


def test_a_run_that_is_under_way_is_asked_to_end_and_does_as_often_as_it_is_asked(
    site: RunsSite, name: str, gate: GateRun
) -> None:
    site.hold()
    started = site.runs.start_gate(name, gate)
    site.runs.cancel(started.run_id)
    site.runs.cancel(started.run_id)
    assert site.wait(name).status is RunStatus.CANCELED


def test_a_run_that_has_ended_stays_as_it_ended(site: RunsSite, name: str, gate: GateRun) -> None:
    started = site.runs.start_gate(name, gate)
    site.wait(name)
    site.runs.cancel(started.run_id)
    assert site.runs.look(started.run_id) == Run(started.run_id, RunStatus.SUCCEEDED, named=False)


def test_a_run_nobody_knows_is_ended_without_trouble(site: RunsSite) -> None:
    assert site.runs.cancel("never-started") is None


@pytest.fixture
def scan(word: str) -> ScanRun:
    """A scan of an image of the test's own."""
    return scan_run(digest_of(word))


def test_a_scan_is_found_by_its_name_and_its_words(site: RunsSite, name: str, scan: ScanRun) -> None:
    assert site.runs.find_scan(name, WORDS) is None
    started = site.runs.start_scan(name, scan)
    assert started.status in UNDER_WAY
    site.wait(name)
    assert site.runs.find_scan(name, WORDS) == Run(started.run_id, RunStatus.SUCCEEDED)


def test_a_scan_started_twice_under_one_name_is_one_run(site: RunsSite, name: str, scan: ScanRun) -> None:
    before = site.started()
    first = site.runs.start_scan(name, scan)
    again = site.runs.start_scan(name, scan)
    unlooked = site.runs.start_scan(name, scan, again=False)
    assert site.wait(name).run_id == first.run_id == again.run_id == unlooked.run_id
    assert site.started() == before + 1


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.CANCELED, RunStatus.ERROR])
def test_every_bad_end_of_a_scan_is_told_apart_with_its_log(
    site: RunsSite, name: str, scan: ScanRun, status: RunStatus
) -> None:
    site.end(scan_key(scan.digest), status, "it did not go well")
    site.runs.start_scan(name, scan)
    run = site.wait(name)
    assert run.status is status
    assert "it did not go well" in site.runs.log(run.run_id)


def test_a_scan_that_is_under_way_can_be_asked_to_end(site: RunsSite, name: str, scan: ScanRun) -> None:
    site.hold()
    started = site.runs.start_scan(name, scan)
    site.runs.cancel(started.run_id)
    assert site.wait(name).status is RunStatus.CANCELED


def test_two_names_are_two_runs(site: RunsSite, name: str, gate: GateRun) -> None:
    site.runs.start_gate(f"{name}-1", gate)
    site.runs.start_gate(f"{name}-2", gate)
    assert site.wait(f"{name}-1").run_id != site.wait(f"{name}-2").run_id


def test_a_forgotten_name_finds_no_run_and_may_be_forgotten_again(site: RunsSite, name: str, gate: GateRun) -> None:
    site.runs.start_gate(name, gate)
    site.wait(name)
    site.runs.forget(name)
    site.runs.forget(name)
    assert site.runs.find(name) is None


def test_a_task_is_listed_with_what_it_was_built_on(site: RunsSite, word: str) -> None:
    task_id = site.add_task(word, BASE_NODE, own_trigger=False)
    listed = next(one.task for one in site.runs.tasks() if one.task.name == word)
    assert (listed.resource_id, listed.enabled, listed.own_trigger) == (task_id, True, False)
    assert listed.dependencies == (BASE_NODE,)


def test_one_task_is_read_by_its_name_as_it_is_listed_and_one_that_is_not_there_is_none(
    site: RunsSite, word: str
) -> None:
    site.add_task(word, BASE_NODE, own_trigger=False)
    assert site.runs.task(word) in [one.task for one in site.runs.tasks()]
    assert site.runs.task(f"{word}-other") is None


def test_a_task_whose_own_trigger_is_on_is_listed_so(site: RunsSite, word: str) -> None:
    site.add_task(word, BASE_NODE, own_trigger=True)
    assert next(one.task for one in site.runs.tasks() if one.task.name == word).own_trigger is True


def test_a_task_started_twice_under_one_name_is_one_run(site: RunsSite, word: str) -> None:
    task_id = site.add_task(word, BASE_NODE, own_trigger=False)
    before = site.started()
    first = site.runs.start_task(f"{word}-rebuild", task_id)
    site.runs.start_task(f"{word}-rebuild", task_id)
    assert site.wait(f"{word}-rebuild").run_id == first.run_id
    assert site.started() == before + 1
