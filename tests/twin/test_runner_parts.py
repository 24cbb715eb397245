"""The runner's readers: task YAML, variables, Dockerfiles, references and source archives."""

from __future__ import annotations

import io
import re
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.runner.dockerfile import Bases, read_bases
from infra.local.runner.errors import EngineError, TaskRefused
from infra.local.runner.logs import go_duration
from infra.local.runner.model import RunRequest
from infra.local.runner.parse import parse_task, version_of
from infra.local.runner.reference import parse_reference
from infra.local.runner.source import unpack
from infra.local.runner.task import Build, Command, Nested, Push
from infra.local.runner.variables import expand_aliases, render, run_variables

pytestmark = pytest.mark.twin

DIGEST = "sha256:" + "0" * 64


def test_steps_follow_each_other_unless_when_says_otherwise() -> None:
    steps = parse_task("steps: [{cmd: a}, {id: b, cmd: b, when: ['-']}, {cmd: c, when: [acb_step_0]}, {cmd: d}]").steps
    assert {step.id: step.after for step in steps} == {
        "acb_step_0": (),
        "b": (),
        "acb_step_2": ("acb_step_0",),
        "acb_step_3": ("acb_step_2",),
    }


def test_each_kind_of_step_is_read() -> None:
    text = """
version: v1.1.0
stepTimeout: 30
steps:
  - build: -t a:1 --tag b -f sub/Dockerfile --build-arg X=1 --build-arg "Y=a b" --target t --platform linux/amd64 ctx
  - push: [a:1, b, a:1]
    timeout: 5
  - cmd: bash -c 'echo "hi"'
    retries: 2
"""
    build, push, command = parse_task(text).steps
    assert build.action == Build(("a:1", "b"), "sub/Dockerfile", (("X", "1"), ("Y", "a b")), "t", "ctx")
    assert push.action == Push(("a:1", "b"))
    assert command.action == Command("mcr.microsoft.com/acr/bash:2ff604c", ("-c", 'echo "hi"'))
    assert (build.timeout, push.timeout, command.retries, command.retry_delay) == (30, 5, 2, 5)


def test_a_client_that_is_told_to_run_an_image_is_read_as_that_image() -> None:
    told = "run --rm --network none --env A=1 --env 'B=a=b c' --entrypoint '/opt/my tool' gate:cab -c --rm"
    (step,) = parse_task(f'steps: [{{cmd: "tools/docker:1 {told}", entryPoint: docker}}]').steps
    pairs = (("A", "1"), ("B", "a=b c"))
    assert step.action == Nested("tools/docker:1", "gate:cab", ("-c", "--rm"), pairs, "/opt/my tool")


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("", "this twin knows `docker run`, not `docker `"),
        ("ps", "this twin knows `docker run`, not `docker ps`"),
        ("run --rm --network none --volume /:/host gate", "not --volume"),
        ("run --rm --network=none gate", "each value a word of its own; not --network=none"),
        ("run --rm --network host gate", "with both options"),
        ("run --rm gate", "with both options"),
        ("run --network none gate", "`--rm --network none <image>`"),
        ("run --rm --network none", "`--rm --network none <image>`"),
        ("run --rm --network none --env HOME gate", "expected NAME=value"),
    ],
)
def test_what_a_client_is_told_beside_that_is_refused(told: str, complaint: str) -> None:
    with pytest.raises(TaskRefused, match=re.escape(complaint)):
        parse_task(f'steps: [{{cmd: "tools/docker:1 {told}", entryPoint: docker}}]')


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps: [", "the task is not YAML"),
        ("- a", "task: expected a mapping, found list"),
        ("version: v9\nsteps: [{cmd: a}]", "task.version: expected one of v1.0.0, v1.1.0, found 'v9'"),
        ("steps: []", "task.steps: expected a list with at least one entry"),
        ("steps: [{build: ., detach: true}]", "steps[0]: this twin detaches `cmd` steps alone"),
        ("alias: {}\nsteps: [{cmd: a}]", "task: this twin does not run `alias`"),
        ("volumes: [{name: v}]\nsteps: [{cmd: a}]", "currently only support for source type secret"),
        ("volumes: [{name: 'a b', secret: {f: x}}]\nsteps: [{cmd: a}]", "volume name is not well formed."),
        ("volumes: [{name: v, secret: {a/b: x}}]\nsteps: [{cmd: a}]", "file name, a/b, is not well formed."),
        (
            "volumes: [{name: v, secret: {f: x}}, {name: v, secret: {f: x}}]\nsteps: [{cmd: a}]",
            "volume with duplicate name found",
        ),
        (
            "steps: [{cmd: a, volumeMounts: [{name: v, mountPath: /run}]}]",
            "mount name, v, does not correspond to a volume",
        ),
        ("steps: [{cmd: a, privileged: true}]", "steps[0]: this twin does not run `privileged`"),
        ("steps: [{cmd: a, when: ['-', b]}, {id: b, cmd: b}]", "steps[0].when: step cannot contain other IDs in when"),
        (
            "env: ['A=1,2']\nsteps: [{cmd: a}]",
            "failed to merge task and step environment variables: cannot parse task environment variable 2 correctly",
        ),
        ("networks: [{driver: bridge}]\nsteps: [{cmd: a}]", "networks[0]: name must be specified"),
        (
            "networks: [{name: a, driver: overlay}]\nsteps: [{cmd: a}]",
            "networks[0]: this twin has networks of",
        ),
        ("secrets: [{keyvault: 'https://a.b/secrets/c'}]\nsteps: [{cmd: a}]", "secret is missing an ID"),
        (
            "secrets: [{id: s, keyvault: 'https://a.b/secrets/c'}, {id: s, keyvault: 'https://a.b/secrets/d'}]\n"
            "steps: [{cmd: a}]",
            "duplicate secret found with ID: s",
        ),
        ("secrets: [{id: s}]\nsteps: [{cmd: a}]", "failed to validate secret with ID: s: secret should contain either"),
        (
            "secrets: [{id: s, keyvault: 'http://a.b/secrets/c'}]\nsteps: [{cmd: a}]",
            "failed to validate secret with ID: s: invalid azure keyvault secret URL scheme. Expected Https",
        ),
        (
            "secrets: [{id: s, keyvault: 'https://a.b/keys/c'}]\nsteps: [{cmd: a}]",
            "failed to validate secret with ID: s: invalid azure keyvault secret URL. Expected 'secrets' collection",
        ),
        (
            "secrets: [{id: s, keyvault: 'https://a.b/secrets/c', clientID: me}]\nsteps: [{cmd: a}]",
            "failed to validate secret with ID: s: msi client ID is not a valid guid",
        ),
        ("steps: [{cmd: a, retires: 1}]", "steps[0]: `retires` is not a property of ACR Tasks"),
        ("steps: [{cmd: a, push: [b]}]", "steps[0]: step must contain one build, cmd, or push property"),
        ("steps: [{id: a}]", "steps[0]: step must contain one build, cmd, or push property"),
        ("steps: [{id: a b, cmd: a}]", "step ID cannot contain spaces"),
        ("steps: [{id: a, cmd: a}, {id: a, cmd: a}]", "step ID 'a' is used more than once"),
        ("steps: [{cmd: a, when: [z]}]", "steps[0].when: z does not exist as a vertex"),
        ("steps: [{id: a, cmd: a, when: [b]}, {id: b, cmd: b, when: [a]}]", "steps wait for each other"),
        ("steps: [{cmd: a, timeout: 0}]", "steps[0].timeout: expected an integer of at least 1, found 0"),
        ("steps: [{cmd: a, timeout: soon}]", "steps[0].timeout: expected an integer, found str 'soon'"),
        ("steps: [{cmd: a, env: [A=1 B=2]}]", "steps[0].env: expected NAME=value"),
        ("steps: [{cmd: '--network host a'}]", "steps[0].cmd: this twin runs `cmd: <image> <arguments>`"),
        ("steps: [{build: --squash .}]", "steps[0].build: this twin cannot build with '--squash .'"),
        ("steps: [{build: --platform linux/arm64 .}]", "steps[0].build: this twin cannot build with"),
        ("steps: [{build: -t a https://example.org/a.git}]", "steps[0].build: this twin builds from the run's source"),
        ("steps: [{build: --build-arg A .}]", "steps[0].build: A cannot be split into 2 tokens with '='"),
        ("steps: [{cmd: a 'b}]", "steps[0].cmd: No closing quotation"),
    ],
)
def test_what_cannot_be_run_as_written_is_refused_by_place(text: str, complaint: str) -> None:
    with pytest.raises(TaskRefused) as refusal:
        parse_task(text)
    assert str(refusal.value).startswith(complaint)


def test_the_version_is_found_before_the_task_is_valid_yaml() -> None:
    assert version_of("# task\nversion: 'v1.1.0' # newest\nsteps: {{.Values.x}}") == "v1.1.0"
    assert version_of("steps: []") == "v1.0.0"


def test_run_variables_are_acrs(tmp_path: Path) -> None:
    request = RunRequest("cab", "staging", "staging.example.org", {}, "", {}, None, None, 1, tmp_path)
    run = run_variables(request, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "acb_vol_1")
    text = expand_aliases(
        "$Registry/$RegistryName:$ID-$Date $OS/$Architecture $SharedVolume [$TaskName] $HOME $$ID", run
    )
    assert text == "staging.example.org/staging:cab-20260102-030405z linux/amd64 acb_vol_1 [] $HOME $ID"


def test_templates_are_replaced_and_a_missing_value_is_empty() -> None:
    assert render("{{.Run.ID}} {{ .Values.base }} [{{.Values.none}}]", {"ID": "cab"}, {"base": "b"}, {}) == "cab b []"
    assert render("{{.Secrets.word | b64enc}}", {}, {}, {"word": "xyzzy"}) == "eHl6enk="


@pytest.mark.parametrize("text", ["{{if .Values.x}}", "{{.Run.Unknown}}", "{{.Secret.x}}", "{{.Values.x | quote}}"])
def test_a_template_that_would_be_left_standing_is_refused(text: str) -> None:
    with pytest.raises(TaskRefused):
        render(text, {"ID": "cab"}, {}, {})


@pytest.mark.parametrize(
    ("text", "arguments", "target", "bases"),
    [
        ("FROM a", {}, None, Bases("a", ())),
        ("# FROM x\nfrom a:1 As one\nFROM one", {}, None, Bases("a:1", ())),
        ("FROM a AS One\nFROM b\nCOPY --from=one / /", {}, None, Bases("b", ("a",))),
        ("FROM a AS one\nFROM b AS two\nFROM c", {}, "two", Bases("b", ("a",))),
        ("FROM scratch", {}, None, Bases("", ())),
        ("FROM a AS x\nFROM scratch\nCOPY --from=x / /", {}, None, Bases("", ("a",))),
        ("ARG V=1\nARG I=a:$V\nFROM ${I}", {}, None, Bases("a:1", ())),
        ("ARG V=1\nARG I=a:$V\nFROM ${I}", {"V": "2"}, None, Bases("a:2", ())),
        ("ARG I\nFROM ${I:-a}", {}, None, Bases("a", ())),
        ("ARG I\nFROM a\\\n  AS x\nARG I=b\nFROM $I", {"I": "c"}, None, Bases("c", ("a",))),
    ],
)
def test_bases_of_a_dockerfile(text: str, arguments: dict[str, str], target: str | None, bases: Bases) -> None:
    assert read_bases(text, arguments, target) == bases


@pytest.mark.parametrize(
    "text", ["", "RUN true", "ARG I\nFROM $I", "FROM a b", "FROM", "FROM --platform=$P a", "FROM --platform=p a AS b"]
)
def test_a_dockerfile_without_a_readable_base_is_an_error(text: str) -> None:
    with pytest.raises(EngineError):
        read_bases(text, {}, None)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("node", "docker.io/library/node:latest"),
        ("grafana/grafana:9", "docker.io/grafana/grafana:9"),
        ("registry.hub.docker.com/library/node:1", "docker.io/library/node:1"),
        ("localhost:9425/a/b", "localhost:9425/a/b:latest"),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "mcr.microsoft.com/dotnet/sdk:8.0"),
    ],
)
def test_references_are_read_as_docker_reads_them(text: str, name: str) -> None:
    assert parse_reference(text).tagged == name


def test_a_digest_needs_no_tag() -> None:
    reference = parse_reference(f"localhost:9425/a@{DIGEST}")
    assert (reference.tag, reference.version) == ("", DIGEST)


@pytest.mark.parametrize("text", ["", "Upper", "a:b:c", "a@sha256:12", "a b"])
def test_what_is_no_reference_is_an_error(text: str) -> None:
    with pytest.raises(EngineError):
        parse_reference(text)


def test_durations_read_as_gos() -> None:
    assert [go_duration(seconds) for seconds in (0.4, 18, 65, 3605)] == ["0s", "18s", "1m5s", "1h0m5s"]


def archive(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path / "source.tar.gz", "w:gz") as source:
        for member in members:
            member.size = 2 if member.isreg() else 0
            source.addfile(member, io.BytesIO(b"hi"))
    return path / "source.tar.gz"


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


def test_a_source_is_unpacked_with_its_folders_and_inner_links(tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    unpack(archive(tmp_path, tarfile.TarInfo("./a/b"), link("a/c", "b"), link("d", "a/b")), workspace)
    assert {path: (workspace / path).read_text() for path in ("a/b", "a/c", "d")} == {
        "a/b": "hi",
        "a/c": "hi",
        "d": "hi",
    }


@pytest.mark.parametrize(
    "members",
    [
        [tarfile.TarInfo("../out")],
        [tarfile.TarInfo("/out")],
        [link("a", "/etc")],
        [link("a", "../..")],
        [link("a", "../out", tarfile.LNKTYPE)],
        [link("a", ".."), tarfile.TarInfo("a/out")],
        [link("a", "", tarfile.CHRTYPE)],
    ],
)
def test_a_source_that_leads_outside_is_refused_and_writes_nothing_there(
    tmp_path: Path, members: list[tarfile.TarInfo]
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with pytest.raises(TaskRefused):
        unpack(archive(tmp_path, *members), workspace)
    assert {path.name for path in tmp_path.iterdir()} == {"workspace", "source.tar.gz"}


def test_a_missing_or_damaged_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"not gzip")
    with pytest.raises(TaskRefused, match="was not uploaded"):
        unpack(tmp_path / "absent", tmp_path)
    with pytest.raises(TaskRefused, match="failed to unpack"):
        unpack(tmp_path / "damaged", tmp_path)
