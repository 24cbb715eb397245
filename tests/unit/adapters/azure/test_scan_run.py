"""The request of a scan's run: what it is told, and that nothing else can decide or be reached."""

from __future__ import annotations

import base64
import shlex
from typing import Any

import msgspec
import pytest
import yaml

from shared.adapters.azure.gate_run import RunOptions, says_words
from shared.adapters.azure.scan_run import scan_request, scan_steps
from shared.domain.gate.words import words_of
from tests.doubles.gates import WORDS, gate_run
from tests.doubles.registries import digest_of
from tests.doubles.scans import TOOLS, scan_run

pytestmark = pytest.mark.unit

ARM = "linux/arm64/v8"
SCAN = scan_run(digest_of("app"), "base/app", ("linux/amd64", ARM))


def steps() -> list[dict[str, Any]]:
    """Return the steps as YAML reads them."""
    return list(yaml.safe_load(scan_steps(SCAN))["steps"])


def commands(of: str) -> list[list[str]]:
    """Return the words of the scanner's steps that have this command."""
    words = [shlex.split(step["cmd"]) for step in steps()]
    return [each for each in words if each[1] == of]


def test_every_image_is_named_by_digest_in_the_runs_own_registry() -> None:
    programs = {shlex.split(step["cmd"])[0] for step in steps()}
    assert programs == {"bash", f"$Registry/{TOOLS.scanner}"}
    assert [words[-1] for words in commands("image")] == [f"$Registry/base/app@{digest_of('app')}"] * 2


def test_nothing_that_lies_in_the_working_directory_decides_what_is_found() -> None:
    for words in (*commands("image"), *commands("convert")):
        assert words[words.index("--config") + 1] == words[words.index("--ignorefile") + 1] == "/dev/null"


def test_the_scanner_asks_nobody_but_the_registry() -> None:
    for words in commands("image"):
        assert words[words.index("--image-src") + 1] == "remote"
        assert {"--skip-version-check", "--disable-telemetry", "--offline-scan"} <= set(words)
        assert words[words.index("--java-db-repository") + 1] == f"$Registry/{TOOLS.java_database}"


def test_the_database_is_fetched_once_for_all_platforms() -> None:
    first, second = commands("image")
    assert first[first.index("--db-repository") + 1] == f"$Registry/{TOOLS.database}"
    assert "--skip-db-update" in second
    assert [words[words.index("--platform") + 1] for words in (first, second)] == ["linux/amd64", ARM]


def test_without_a_database_of_jars_none_is_fetched_from_elsewhere() -> None:
    scan = msgspec.structs.replace(SCAN, tools=msgspec.structs.replace(TOOLS, java_database=""))
    assert "--skip-java-db-update" in scan_steps(scan)
    assert "--java-db-repository" not in scan_steps(scan)


def test_only_the_scans_may_fail_for_the_last_step_tells_what_there_is() -> None:
    assert [step.get("ignoreErrors", False) for step in steps()] == [False, True, True, True, True, False]
    assert steps()[-1]["id"] == WORDS.end_step


def test_the_word_of_the_run_is_told_to_the_last_step_alone() -> None:
    assert [WORDS.nonce in str(step) for step in steps()] == [False] * 5 + [True]


def test_no_line_of_the_steps_is_too_long_for_acrs_engine_and_nothing_is_a_template() -> None:
    text = scan_steps(SCAN)
    assert max(map(len, text.splitlines())) < 60 * 1024
    assert "{{" not in text


def test_a_scan_is_known_by_its_words() -> None:
    request = scan_request(SCAN, RunOptions())
    assert says_words(request, WORDS) is True
    assert says_words(request, words_of("another secret", 1, 1)) is False
    assert says_words(scan_request(scan_run(digest_of("app")), RunOptions()), WORDS) is True


def test_a_scan_pulls_by_the_login_of_its_registry_or_as_the_app_and_by_no_other() -> None:
    assert scan_request(SCAN, RunOptions())["credentials"] == {"sourceRegistry": {"loginMode": "Default"}}
    as_caller = scan_request(SCAN, RunOptions(as_caller=True))
    assert as_caller["credentials"] == {"sourceRegistry": {"identity": "[caller]"}}


def test_a_scan_runs_where_gates_run() -> None:
    assert scan_request(SCAN, RunOptions(agent_pool="inside"))["agentPoolName"] == "inside"
    assert "agentPoolName" not in scan_request(SCAN, RunOptions())


def test_a_scan_has_time_for_each_platform_and_never_more_than_acr_grants() -> None:
    assert scan_request(SCAN, RunOptions())["timeout"] == 6000
    many = msgspec.structs.replace(SCAN, platforms=("linux/amd64",) * 99)
    assert scan_request(many, RunOptions())["timeout"] == 28800


def test_the_same_scan_is_always_the_same_request() -> None:
    assert scan_request(SCAN, RunOptions()) == scan_request(SCAN, RunOptions())
    content = base64.b64decode(scan_request(SCAN, RunOptions())["encodedTaskContent"]).decode()
    assert content == scan_steps(SCAN)
    assert gate_run(digest_of("app")).words == SCAN.words
