"""The playground: what `make up` leaves comes to a promoted image, and what its page and its printout name is there."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.demo.stage_set import APPLICATION
from infra.local.demo.watching import SceneFailed, Watcher, eventually
from infra.local.playground import commands, told
from infra.local.playground.ground import SETTINGS, Playground
from infra.local.playground.references import NotUpstreamError, upstream
from infra.local.twin.parts import ROOT
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin
from shared.web.routes import Found, find

pytestmark = pytest.mark.twin

PAGE = (ROOT / "docs" / "playground.md").read_text()


def own_commands(text: str) -> list[list[str]]:
    """The commands of the twin in a text: what follows the module's name, up to a redirection or a closing mark."""
    found = re.findall(r"python -m infra\.local\.twin ([^\n>`)]*)", text.replace("python -m\n", "python -m "))
    return [shlex.split(words) for words in found]


def test_the_playground_comes_to_a_promoted_image_and_an_application_and_takes_what_is_pushed(tmp_path: Path) -> None:
    topology = new_topology(tmp_path, free_base_port())
    with Twin(topology, SETTINGS) as twin:
        Playground(topology, say=lambda _: None).lay_out(twin)
        watcher = Watcher(topology)
        assert watcher.digest("applications", APPLICATION, "latest")
        assert commands.running(tmp_path) == topology
        before = watcher.digest("base", "base/node", "22-alpine")
        assert before == commands.digest(topology, "node:22-alpine")
        commands.push(topology, "node:22-alpine", broken=False)
        pushed = commands.digest(topology, "node:22-alpine")
        assert pushed != before
        eventually("it is promoted", lambda: watcher.digest("base", "base/node", "22-alpine") == pushed)
        assert commands.shown_list(topology).startswith("images:\n")


def test_a_twin_that_is_empty_takes_a_list_and_says_that_it_has_no_application(tmp_path: Path) -> None:
    topology = new_topology(tmp_path, free_base_port())
    with Twin(topology):
        assert commands.shown_list(topology) == ""
        commands.change_list(topology, ROOT / "images.yaml")
        assert commands.shown_list(topology) == (ROOT / "images.yaml").read_text().rstrip("\n")
        with pytest.raises(SceneFailed, match=f"the application {APPLICATION} was built"):
            commands.run_application(topology)


def test_every_command_of_the_page_exists() -> None:
    modules = set(re.findall(r"python3? -m\s+([\w.]+)", PAGE))
    assert "infra.local.twin" in modules
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
    targets = set(re.findall(r"^make ([a-z-]+)", PAGE, re.MULTILINE))
    assert targets == {"up", "down"}
    assert targets <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_command_of_the_twin_on_the_page_is_one_it_takes() -> None:
    verbs = {words[0] for words in own_commands(PAGE)}
    assert verbs == {"up", "push", "list", "notices", "shop", "digest"}
    for verb in verbs:
        asked = [sys.executable, "-m", "infra.local.twin", verb, "--help"]
        assert subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_every_address_of_the_page_is_served() -> None:
    filled = PAGE.replace("$target", "tidegatebase~base~node~22-alpine").replace("$digest", f"sha256:{'0' * 64}")
    asked = re.findall(r"(?:ask (-d .*? )?)?\$api/([\w/~:.-]+)", filled)
    assert len(asked) == 6
    for body, path in asked:
        method = "POST" if body or path.endswith("/release") else "GET"
        assert isinstance(find(method, path), Found), path


def test_what_is_printed_for_another_folder_is_for_the_twin_of_that_folder(tmp_path: Path) -> None:
    topology = new_topology(tmp_path / "my twin", 20000)
    topology.state.mkdir()
    (topology.state / "api-key").write_text("tidegate_key")
    text = told.playground(topology) + told.addresses(topology)
    assert [words for words in own_commands(text) if words[1:3] != ["--state", str(topology.state)]] == []
    assert "http://127.0.0.1:20030/api/targets/tidegatebase~base~node~22-alpine/rollback" in text
    assert ".twin/" not in text


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("node:22-alpine", "docker.io/library/node:22-alpine"),
        ("docker.io/grafana/grafana:11", "docker.io/grafana/grafana:11"),
        ("mcr.microsoft.com/dotnet/runtime:8.0", "mcr.microsoft.com/dotnet/runtime:8.0"),
        ("localhost:20031/team/tool:1.0", "localhost:20031/team/tool:1.0"),
    ],
)
def test_a_reference_names_the_upstream_that_docker_would_ask(tmp_path: Path, reference: str, meant: str) -> None:
    assert str(upstream(reference, new_topology(tmp_path, 20000))) == meant


@pytest.mark.parametrize("reference", ["node", "quay.io/a/b:1", "localhost:20031/tool", "Node:1", "node:", "../x:1"])
def test_what_is_no_upstream_of_the_twin_is_refused_with_what_to_write(tmp_path: Path, reference: str) -> None:
    with pytest.raises(NotUpstreamError, match="write one such as node:22-alpine"):
        upstream(reference, new_topology(tmp_path, 20000))


def test_a_command_without_a_twin_says_how_to_start_one(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "infra.local.twin", "push", "node:1", "--state", str(tmp_path)]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "make up" in done.stderr
