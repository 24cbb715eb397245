"""The verdict from files: one document, and an exit status that scripts can go by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.cli.main import main
from tests.unit.domain.scan.reports import ANOTHER, DIGEST, document, language, system, vulnerability

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
LIST = """\
policies:
  standard:
    test: {gate: shell}
    scan: {block: high, fixable: true, delta: true, max_db_age: 3d}
  strict: {extends: standard, scan: {block: medium}}
images:
  - {name: node, policy: {extends: strict, scan: observe}}
"""
AT = "2026-11-26T00:00:00Z"


class Files:
    """A folder with what the command reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = self.write(
            "policy.yaml", "test: {gate: shell}\nscan: {block: high, fixable: true, delta: true}\n"
        )
        self.report = self.write("report.json", document(system(vulnerability())))
        self.clean = self.write("clean.json", document(system()))

    def write(self, name: str, content: object) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """What the command reads, in a folder."""
    return Files(tmp_path)


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = main(["verdict", *arguments, "--at", AT, "--json"])
    said = capsys.readouterr()
    assert said.err == ""
    return status, json.loads(said.out)


def test_a_finding_that_blocks_is_rejected_by_name(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    status, decision = judged(capsys, "--policy", files.policy, "--report", files.report)
    assert (status, decision["outcome"]) == (1, "reject")
    assert decision["reasons"] == ["database-age-not-judged", "blocking-findings", "not-judged"]
    assert decision["findings"] == [
        {
            "id": "CVE-2026-0001",
            "package": "libssl3",
            "installed": "3.0.11-1",
            "fixed": "3.0.15-1",
            "severity": "HIGH",
            "change": "new",
            "decided": "severity",
            "blocks": True,
            "place": None,
            "detail": None,
        }
    ]


def test_a_clean_image_passes(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    status, decision = judged(capsys, "--policy", files.policy, "--report", files.clean)
    assert (status, decision["outcome"], decision["findings"]) == (0, "pass", [])


def test_a_report_that_is_cut_off_is_a_hold(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    cut = files.write("cut.json", json.dumps(document(system(vulnerability())))[:-100])
    status, decision = judged(capsys, "--policy", files.policy, "--report", cut)
    assert (status, decision["outcome"], decision["findings"]) == (2, "hold", [])
    assert "report-cut-off" in decision["reasons"]
    status, decision = judged(capsys, "--policy", files.policy, "--report", files.report, "--base-report", cut)
    assert (status, decision["reasons"][2]) == (2, "base-report-unusable")


def test_what_the_base_has_passes_and_what_it_had_is_told(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--policy", files.policy, "--report", files.report, "--base-report")
    status, decision = judged(capsys, *arguments, files.report)
    assert (status, decision["findings"][0]["change"]) == (0, "unchanged")
    base = files.write("base.json", document(system(vulnerability(PkgName="bash"))))
    status, decision = judged(capsys, *arguments, base)
    assert (status, [(each["package"], each["change"]) for each in decision["findings"]]) == (
        1,
        [("libssl3", "new"), ("bash", "fixed")],
    )


def test_database_vex_waivers_and_the_list_of_what_is_exploited_are_read(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--policy", files.policy, "--report", files.report)
    old = files.write("old.json", {"Version": "0.76.0", "VulnerabilityDB": {"UpdatedAt": "2024-01-01T00:00:00Z"}})
    assert judged(capsys, *arguments, "--database", old)[0] == 2
    waiver = {"id": "CVE-2026-0001", "package": "libssl3", "reason": "r", "by": "ana", "until": "2026-12-31"}
    status, decision = judged(capsys, *arguments, "--waivers", files.write("waivers.json", [waiver]))
    assert (status, decision["findings"][0]["decided"]) == (0, "waived")
    statement = {"vulnerability": "CVE-2026-0001", "products": ["pkg:deb/debian/libssl3"], "status": "fixed"}
    vex = [
        files.write(name, {"@context": "https://openvex.dev/ns", "statements": said})
        for name, said in (("a.json", []), ("b.json", [statement]))
    ]
    for given in (("--vex", *vex), ("--vex", vex[1], "--vex", vex[0])):
        status, decision = judged(capsys, *arguments, *given)
        assert (status, decision["findings"][0]["decided"]) == (0, "vex")
    entries = {"dateReleased": "2026-11-25T00:00:00Z", "vulnerabilities": [{"cveID": "CVE-2026-0001"}]}
    enforcing = files.write("kev.yaml", "scan: {block: critical, known_exploited: enforce}\n")
    known = ("--policy", enforcing, "--report", files.report, "--known-exploited", files.write("kev.json", entries))
    assert judged(capsys, *known)[1]["reasons"] == ["database-age-not-judged", "known-exploited"]


def test_a_report_of_another_image_is_a_hold(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--policy", files.policy, "--report", files.clean, "--digest")
    assert judged(capsys, *arguments, DIGEST, "--platform", "linux/amd64")[0] == 0
    status, decision = judged(capsys, *arguments, ANOTHER)
    assert (status, decision["reasons"][1]) == (2, "report-of-another-image")
    assert judged(capsys, *arguments, DIGEST, "--platform", "linux/arm64")[0] == 2


@pytest.mark.parametrize(
    ("name", "status", "policy"),
    [("standard", 1, "standard"), ("strict", 1, "strict"), ("node", 0, "node")],
)
def test_of_a_list_a_policy_is_taken_by_its_name_or_an_entrys(
    files: Files, capsys: pytest.CaptureFixture[str], name: str, status: int, policy: str
) -> None:
    arguments = ("--policy", files.write("list.yaml", LIST), "--report", files.report)
    ended, decision = judged(capsys, *arguments, "--name", name)
    assert (ended, decision["policy"]["name"]) == (status, policy)


def test_of_a_list_its_default_is_meant_where_none_is_named(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"defaults: {{policy: strict}}\n{LIST}"
    decision = judged(capsys, "--policy", files.write("list.yaml", text), "--report", files.report)[1]
    assert decision["policy"]["name"] == "strict"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 64),
        (["--policy", "{policy}"], 64),
        (["--policy", "{policy}", "--report", "{report}", "--at", "soon"], 64),
        (["--policy", "{policy}", "--report", "{report}", "--wrong"], 64),
        (["--policy", "{list}", "--report", "{report}"], 64),
        (["--policy", "{list}", "--report", "{report}", "--name", "nobody"], 64),
        (["--policy", "nowhere.yaml", "--report", "{report}"], 65),
        (["--policy", "{policy}", "--report", "nowhere.json"], 65),
        (["--policy", "{policy}", "--report", "{policy}"], 65),
        (["--policy", "{report}", "--report", "{report}"], 65),
        (["--policy", "{policy}", "--report", "{folder}"], 65),
        (["--policy", "{policy}", "--report", "{report}", "--base-report", "{policy}"], 65),
        (["--policy", "{policy}", "--report", "{report}", "--database", "{report}.x"], 65),
        (["--policy", "{policy}", "--report", "{report}", "--database", "{report}"], 65),
        (["--policy", "{policy}", "--report", "{report}", "--vex", "{report}"], 65),
        (["--policy", "{policy}", "--report", "{report}", "--waivers", "{policy}"], 65),
        (["--policy", "{policy}", "--report", "{report}", "--known-exploited", "{report}"], 65),
    ],
)
def test_wrong_usage_and_wrong_files_end_apart_and_print_no_decision(
    files: Files, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int
) -> None:
    places = {"policy": files.policy, "report": files.report, "folder": str(files.folder)}
    places["list"] = files.write("list.yaml", LIST)
    assert main(["verdict", *(argument.format(**places) for argument in arguments)]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


def test_a_wrong_policy_is_told_with_file_and_line(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = files.write("wrong.yaml", "scan:\n  blok: high\n  fixable: maybe\n")
    assert main(["verdict", "--policy", wrong, "--report", files.report]) == 65
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{wrong}, line 2: scan.blok: unknown field")
    assert second.startswith(f"{wrong}, line 3: scan.fixable: expected `bool`")


def test_without_json_people_are_told_and_names_from_an_image_do_nothing_to_their_terminal(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = vulnerability(PkgName="a\x1b[2J\npass", InstalledVersion="1\u202e", Severity="CRITICAL")
    report = files.write("evil.json", document(system(), language(evil)))
    assert main(["verdict", "--policy", files.policy, "--report", report, "--at", AT]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "reject, by the policy policy"
    assert lines[-1] == r"CVE-2026-0001  a\x1b[2J\npass  1\u202e  3.0.15-1  CRITICAL  new  severity"
    assert (
        lines[2]
        == r"  - blocking-findings: 1 as severe as the policy blocks, or worse: CVE-2026-0001 in a\x1b[2J\npass"
    )


@pytest.mark.parametrize(
    "given", ["digest", "platform", "base-report", "database", "waivers", "known-exploited", "name"]
)
def test_what_is_given_and_empty_is_a_wrong_argument_and_no_check_left_out(
    files: Files, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    """A script's variable that is not set must not switch a check off."""
    assert main(["verdict", "--policy", files.policy, "--report", files.clean, f"--{given}", ""]) == 64
    assert capsys.readouterr() == ("", f"--{given} is empty; leave it out, or say what is meant\n")


@pytest.mark.parametrize(
    "given", [("--digest", "sha256:e4"), ("--digest", DIGEST.upper()), ("--name", "\udcff"), ("--name", "\x1b[2J")]
)
def test_what_is_no_digest_or_no_name_is_a_wrong_argument(files: Files, given: tuple[str, str]) -> None:
    assert main(["verdict", "--policy", files.policy, "--report", files.clean, *given, "--json"]) == 64


def test_names_from_an_image_do_nothing_to_a_terminal_and_to_no_output_in_json_either(files: Files) -> None:
    name = "a\x9b2J\x7f\u202eé😀"
    report = files.write("evil.json", document(system(vulnerability(PkgName=name))))
    for end in (["--json"], []):
        arguments = ["-m", "shared.cli", "verdict", "--policy", files.policy, "--report", report, *end]
        environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, *arguments], check=False, cwd=ROOT, capture_output=True, env=environment)
        assert (done.returncode, done.stderr) == (1, b"")
        assert all(byte == 10 or 32 <= byte < 127 for byte in done.stdout)
        assert not end or json.loads(done.stdout)["findings"][0]["package"] == name


def test_a_name_in_a_policy_does_nothing_to_a_terminal(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = files.write("wrong.yaml", '"\\e[2Jx": 1\n')
    assert main(["verdict", "--policy", wrong, "--report", files.report]) == 65
    assert r"\x1b[2Jx: unknown field" in capsys.readouterr().err


def test_a_report_without_end_is_read_to_the_largest_there_may_be(
    files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("shared.cli.verdicts", "shared.domain.scan.reading"):
        monkeypatch.setattr(f"{module}.LARGEST_REPORT", 1000)
    status, decision = judged(capsys, "--policy", files.policy, "--report", "/dev/zero")
    assert (status, decision["reasons"][1]) == (2, "report-unreadable")


def test_the_other_commands_load_nothing_of_it() -> None:
    ours = "[m for m in sys.modules if m.startswith(('shared.domain.scan', 'shared.policy'))]"
    program = f"import sys, shared.cli.commands; print({ours})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_verdict_loads_no_client_of_anything(files: Files) -> None:
    arguments = ["verdict", "--policy", files.policy, "--report", files.clean]
    ends = "[m for m in ('requests', 'azure', 're2', 'urllib3', 'http') if m in sys.modules]"
    program = f"import sys; from shared.cli.main import main; main({arguments!r}); print({ends})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
