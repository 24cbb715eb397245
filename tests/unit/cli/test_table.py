"""Every command of the table says what it takes, is tested, and costs nothing before it is asked for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from shtab import complete

from docs.commands import COMPLETIONS
from docs.generate import pages
from docs.parts import ROOT
from shared.cli.commands.completion import SHELLS
from shared.cli.exits import Exit
from shared.cli.main import main
from shared.cli.parsing import Parser, commands_of, module_of, whole_parser
from shared.cli.table import COMMANDS, GROUPS
from shared.version import VERSION
from tests.unit.cli.conftest import Terminal
from tests.unit.test_packages import ALONG, DIRECT, pinned

pytestmark = pytest.mark.unit

HERE = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HEAVY = ("requests", "urllib3", "azure", "yaml", "cryptography", "sigstore", "re2", "jinja2", "http.client", "ssl")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_command_has_a_module_a_group_and_a_sentence(command: object) -> None:
    module = module_of(command)  # type: ignore[arg-type]
    assert callable(module.add) and callable(module.run)
    assert command.group in GROUPS  # type: ignore[attr-defined]
    assert re.fullmatch(r"[A-Z].*\.", command.purpose)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_command_is_typed_in_a_test(command: object) -> None:
    typed = {word for file in HERE.glob("test_*.py") for word in re.findall(r'"([a-z-]+)"', file.read_text())}
    assert command.name in typed  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_command_helps_and_refuses_what_it_does_not_take(
    command: object, capsys: pytest.CaptureFixture[str]
) -> None:
    name = command.name  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert (end.value.code, capsys.readouterr().out.startswith(f"usage: tidegate {name}")) == (0, True)
    assert main([name, "--no-such-option"]) == Exit.USAGE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("words", [[], ["no-such-command"], ["imag"], ["--quiet"]])
def test_a_command_line_that_is_none_is_told_by_64(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == Exit.USAGE
    assert "usage: tidegate" in capsys.readouterr().err


def test_no_option_is_known_by_its_beginning() -> None:
    assert main(["images", "--wait"]) == Exit.USAGE


@pytest.mark.parametrize("words", [["--help"], ["version"], ["status", "--help"], ["watch", "--help"]], ids=str)
def test_nothing_is_loaded_that_is_not_needed_yet(words: list[str]) -> None:
    program = (
        "import json, sys\nfrom shared.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stderr)} | set(json.loads(done.stderr))
    assert "shared.cli.table" in loaded
    assert loaded & set(HEAVY) == set()


def test_the_version_is_one(terminal: Terminal) -> None:
    assert terminal.type("version").out == f"tidegate {VERSION}\n"
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "shared.version.VERSION"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_the_command_is_installed_by_its_name() -> None:
    module, _, function = PROJECT["project"]["scripts"]["tidegate"].partition(":")
    program = f"import sys; sys.argv = ['tidegate', 'version']; from {module} import {function}; {function}()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"tidegate {VERSION}\n")


def test_what_the_command_needs_is_pinned_as_in_the_app() -> None:
    needed = pinned((ROOT / "requirements-cli.txt").read_text())
    assert len(needed) > 5
    assert needed.items() <= (pinned(DIRECT) | pinned(ALONG)).items()


def test_what_completes_the_command_is_as_its_parser_is() -> None:
    written = pages()
    for file, shell in COMPLETIONS.items():
        assert (ROOT / file).read_text() == written[file], "python -m docs.generate writes it"
        assert complete(whole_parser(), shell)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_printed_for_each_shell(terminal: Terminal, shell: str) -> None:
    typed = terminal.type("completion", shell)
    assert (typed.status, "rollback" in typed.out, str(ROOT) in typed.out) == (Exit.FINE, True, False)
    assert terminal.type("completion", "fish").status == Exit.USAGE


def test_bash_completes_commands_acts_and_options() -> None:
    asked = 'COMP_WORDS=({words}); COMP_CWORD={at}; _shtab_tidegate 2>/dev/null; echo "${{COMPREPLY[*]}}"'
    lines = [asked.format(words=words, at=words.count(" ")) for words in ("tidegate who", "tidegate waivers gr")]
    script = f"source {ROOT}/shared/cli/completions/tidegate.bash; " + "; ".join(lines)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["whoami", "grant"]


def test_options_that_all_commands_take_may_stand_before_or_after_it() -> None:
    parser = whole_parser()
    assert len(commands_of(parser)) == len(COMMANDS)
    before = parser.parse_args(["--url", "https://a", "status"])
    after = parser.parse_args(["--url", "https://a", "status", "--url", "https://b"])
    act = parser.parse_args(["waivers", "--json", "list"])
    assert (before.url, after.url, act.json) == ("https://a", "https://b", True)
    assert isinstance(commands_of(parser)["status"], Parser)
