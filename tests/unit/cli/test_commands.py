"""The commands for people say what is wrong and why, and end with a status that scripts can go by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.upstream.oci_registry import OciRegistry
from shared.cli.main import main
from shared.domain.references import Repository, parse_repository
from shared.errors import NotFound, ServiceError, Unavailable
from tests.doubles.gates import GATE_FILES

pytestmark = pytest.mark.unit

NODE = parse_repository("node")
ROOT = Path(__file__).resolve().parents[3]
LIST = """\
images:
  - name: node
    source: node
    target: base/node
    gate: node
    tags: [lts, {semver: ^22, newest: 1}]
"""
TAGS = {"docker.io/library/node": ["22.1.0", "22.2.0", "22.2", "latest"]}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A valid list, with its gate beside it."""
    file = tmp_path / "images.yaml"
    file.write_text(LIST)
    for name, content in GATE_FILES.items():
        path = tmp_path / "gates" / "node" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return file


def upstream_has(monkeypatch: pytest.MonkeyPatch, tags: list[str] | ServiceError) -> None:
    """Let the upstreams answer so about ``node``, and about nothing else."""

    def listed(_: OciRegistry, repository: Repository) -> tuple[str, ...]:
        if repository != NODE:
            raise Unavailable(f"{repository}: no answer")
        if isinstance(tags, ServiceError):
            raise tags
        return tuple(tags)

    monkeypatch.setattr(OciRegistry, "tags", listed)


def test_a_valid_list_is_said_to_be_valid(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(images)]) == 0
    assert capsys.readouterr().out == f"{images}: 1 entries, valid\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("gate: node", "gate: nodes", "line 5: images[0].gate: there is no "),
        ("base/node", "c.azurecr.io/base/node", "line 4: images[0].target: 'c.azurecr.io/base/node' names a registry"),
        ("[lts", "[[lts", "line 6: not YAML: "),
        ("source: node", "source: base.example/node", "line 3: images[0].source: 'base.example/node' is in the base"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    images: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, told: str
) -> None:
    images.write_text(LIST.replace(old, new))
    assert main(["validate", str(images), "--base", "base.example"]) == 1
    assert capsys.readouterr().out.startswith(f"{images}, {told}")


def test_a_gate_that_can_decide_nothing_is_told(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (images.parent / "gates/node/Dockerfile").write_text("FROM node\n")
    assert main(["validate", str(images)]) == 1
    assert "Dockerfile, line 1: " in capsys.readouterr().out


def test_a_task_that_acr_would_not_run_as_meant_is_told_with_its_line(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = "version: v1.1.0\nsteps:\n  - cmd: x {{.Values.image}}\n    when: [later]\n"
    (images.parent / "gates/node/task.yaml").write_text(task)
    assert main(["validate", str(images)]) == 1
    assert "task.yaml, line 4: steps[0].when: 'later' is no step above" in capsys.readouterr().out


def test_who_explains_a_list_is_told_which_gate_trusts_the_image(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images.parent / "gates/node/task.yaml").write_text("steps: []\n")
    listing = images.parent / "tags.json"
    listing.write_text(json.dumps(TAGS))
    assert main(["explain", str(images), "--listing", str(listing)]) == 0
    assert "node: its gate 'node' has steps of its own (task.yaml), so it trusts" in capsys.readouterr().err


def test_several_files_are_validated_as_one_list(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = images.parent / "more.yaml"
    more.write_text(LIST)
    assert main(["validate", str(images), str(more)]) == 1
    assert f"{more}, line 2: images[0].name: 'node' is already the name of" in capsys.readouterr().out


def test_every_tag_of_a_listing_is_explained_as_one_document(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = images.parent / "tags.json"
    listing.write_text(json.dumps(TAGS))
    assert main(["explain", str(images), "--listing", str(listing), "--json"]) == 0
    said = capsys.readouterr()
    assert [(line["tag"], line["target"], line["reason"]) for line in json.loads(said.out)] == [
        ("22.1.0", None, "not-among-newest"),
        ("22.2.0", "base/node:22.2.0", "in-range"),
        ("22.2", None, "floating"),
        ("latest", None, "not-a-version"),
        ("lts", "base/node:lts", "exact"),
    ]
    assert said.err == "node: upstream has no tag lts\n"


def test_online_an_exact_tag_that_does_not_exist_is_no(
    images: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = next(iter(TAGS.values()))
    upstream_has(monkeypatch, [*tags, "lts"])
    assert main(["explain", str(images), "--online"]) == 0
    upstream_has(monkeypatch, tags)
    assert main(["explain", str(images), "--online"]) == 1
    assert "upstream has no tag lts" in capsys.readouterr().err


def test_online_a_repository_that_does_not_exist_is_no_and_not_a_missing_tag(
    images: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream_has(monkeypatch, NotFound("HTTP 404"))
    assert main(["explain", str(images), "--online"]) == 1
    told = "upstream has no docker.io/library/node, or does not show it to everybody: HTTP 404"
    assert capsys.readouterr().err == f"node: {told}\n"


def test_online_an_upstream_that_does_not_answer_is_told_and_keeps_no_other_from_it(
    images: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream_has(monkeypatch, ["lts", "22.1.0"])
    silent = "  - {name: app, source: ghcr.io/acme/app, target: base/app, tags: [{semver: '*'}]}\n"
    images.write_text(LIST.replace("  - name: node", silent + "  - name: node"))
    assert main(["explain", str(images), "--online", "--json"]) == 6
    said = capsys.readouterr()
    assert [line["tag"] for line in json.loads(said.out)] == ["lts", "22.1.0"]
    assert said.err == "app: nobody knows what ghcr.io/acme/app has: ghcr.io/acme/app: no answer\n"


@pytest.mark.parametrize(
    ("listing", "told"),
    [
        ({}, "node: the listing has nothing of docker.io/library/node\n"),
        ({"node": []}, "node: upstream has no tag lts\n"),
        (
            {"node": ["lts"], "ghcr.io/acme/nod": ["1"]},
            "no entry watches ghcr.io/acme/nod, which the listing has\n",
        ),
        ({"node": ["lts"], "docker.io/library/node": ["22.1.0"]}, ""),
    ],
)
def test_where_a_listing_may_not_be_what_is_meant_that_is_told(
    images: Path, capsys: pytest.CaptureFixture[str], listing: dict[str, list[str]], told: str
) -> None:
    file = images.parent / "tags.json"
    file.write_text(json.dumps(listing))
    assert main(["explain", str(images), "--listing", str(file)]) == 0
    said = capsys.readouterr()
    assert said.err == told
    assert ("22.1.0" in said.out) == (len(listing.get("docker.io/library/node", ())) == 1)


def test_an_entry_that_takes_nothing_is_told_so_and_so_is_an_empty_list(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = images.parent / "tags.json"
    listing.write_text(json.dumps({"node": ["edge", "a\x1b[2J b"]}))
    images.write_text(LIST.replace("lts, ", ""))
    assert main(["explain", str(images), "--listing", str(listing)]) == 0
    said = capsys.readouterr()
    assert said.err == "node: none of the 2 tags of docker.io/library/node is taken\n"
    assert said.out.splitlines()[-1] == r"node  'a\x1b[2J b'  -  invalid-tag"
    images.write_text("images: []\n")
    assert main(["explain", str(images), "--listing", str(listing)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == "the list has no entries"


def test_an_empty_listing_is_told_to_be_empty(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = images.parent / "tags.json"
    listing.write_text("\n")
    assert main(["explain", str(images), "--listing", str(listing)]) == 65
    assert capsys.readouterr().err == f"{listing} is empty; a listing without anything is {{}}\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 64),
        (["explain", "{images}"], 64),
        (["validate"], 64),
        (["promote"], 64),
        (["validate", "{images}", "--bse"], 64),
        (["validate", "nowhere.yaml"], 65),
        (["explain", "{images}", "--listing", "nowhere.json"], 65),
        (["explain", "{images}", "--listing", "{images}"], 65),
    ],
)
def test_a_wrong_argument_and_a_file_that_cannot_be_read_end_apart(
    images: Path, arguments: list[str], status: int
) -> None:
    assert main([argument.format(images=images) for argument in arguments]) == status


def test_an_offline_command_loads_no_client_of_anything() -> None:
    program = "import sys, shared.cli.commands; print([m for m in ('requests', 'azure', 're2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_entrys_policy_is_told_beside_its_tags(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listing = images.parent / "tags.json"
    listing.write_text(json.dumps({"node": ["22.1.0"], "ghcr.io/a/db": ["2"]}))
    head = "policies: {strict: {test: {gate: node}, scan: off}}\n"
    tool = "  - {name: db, source: ghcr.io/a/db, tags: [2], target: tools/db, registry: staging}\n"
    images.write_text(head + LIST.replace("gate: node", "policy: strict") + tool)
    assert main(["explain", str(images), "--listing", str(listing), "--json"]) == 0
    said = capsys.readouterr()
    assert {(line["image"], line["policy"], line["tool"]) for line in json.loads(said.out)} == {
        ("node", "strict", False),
        ("db", None, True),
    }
    assert said.err.startswith(
        "node: policy strict (test: node, enforce; scan: off)\n"
        "db: a tool, mirrored into the staging registry and promoted nowhere\n"
    )


def test_a_gate_that_only_a_policy_names_is_looked_for_too(images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images.write_text("policies: {strict: {test: {gate: nodes}}}\n" + LIST.replace("gate: node", "policy: strict"))
    assert main(["validate", str(images)]) == 1
    assert capsys.readouterr().out.startswith(f"{images}, line 6: images[0].policy: there is no ")
