"""Another scanner than Trivy is named with its format and how it is called; a run tells it what to scan."""

from __future__ import annotations

import json

import pytest

from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.watching.scanner_command import filled
from tests.unit.domain.watching.test_tools_of_lists import DIGEST, problems, read, tool

pytestmark = pytest.mark.unit

NEEDED = ("{image}", "--platform={platform}", "-o", "sarif={output}")


def other(*command: str, **more: object) -> str:
    """Return the scanner of a list, which is another one than Trivy."""
    fields = {"image": f"anchore/grype@{DIGEST}", "format": "sarif", "command": command or NEEDED, **more}
    return f"scanner: {json.dumps({name: value for name, value in fields.items() if value is not None})}\n"


@pytest.mark.parametrize("form", ScannerFormat)
def test_a_scanner_with_a_format_needs_no_database_of_the_list(form: ScannerFormat) -> None:
    found = read(other(format=form.value), "images:\n", tool()).scanner
    assert found is not None
    assert (found.format, found.command, found.databases) == (form, NEEDED, {})


def test_a_policy_may_ask_for_a_scan_by_it() -> None:
    entry = "  - {name: node, source: node, tags: [22], target: base/node, policy: {scan: {block: high}}}\n"
    assert read(other(), "images:\n", entry).scanner is not None


def test_it_may_be_given_databases_of_the_list() -> None:
    command = (*NEEDED, "--db={database}", "--cache={cache}")
    found = read(other(*command, database="trivy-db"), "images:\n", tool()).scanner
    assert found is not None
    assert found.databases == {"database": "trivy-db"}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (other(command=None), "scanner: a scanner with a format is another one than Trivy: say by command"),
        (other(command=[]), "scanner: a scanner with a format is another one than Trivy: say by command"),
        (other(format=None, database="trivy-db"), "scanner.command: Trivy is told all it needs"),
        (other(format=None, command=None), "scanner: the field 'database' is missing"),
        (other(format="json"), "scanner.format: "),
        (other("{image}", "{platform}"), "scanner.command: it lacks {output}: "),
        (other("{platform}", "{output}"), "scanner.command: it lacks {image}: "),
        (other("{image}", "{output}"), "scanner.command: it lacks {platform}: "),
        (other(*NEEDED, "{images}"), "scanner.command: nobody knows what {images} stands for; there are: {cache}, "),
        (other(*NEEDED, "{{.Run.ID}}"), "scanner.command: braces stand around these words alone"),
        (other(*NEEDED, "}"), "scanner.command: braces stand around these words alone"),
        (other(*NEEDED, "$HOME"), "scanner.command[4]: "),
        (other(*NEEDED, "a b"), "scanner.command[4]: "),
        (other(*NEEDED, "a;b"), "scanner.command[4]: "),
        (other(*NEEDED, "a\nb"), "scanner.command[4]: "),
        (other(*NEEDED, "'"), "scanner.command[4]: "),
        (other(*NEEDED, ""), "scanner.command[4]: "),
        (other(*NEEDED, *["-v"] * 61), "scanner.command: "),
        (other(*NEEDED, "{database}"), "scanner.command: {database} stands in the command where the scanner has a "),
        (other(database="trivy-db"), "scanner.command: {database} stands in the command where the scanner has a "),
        (other(*NEEDED, "{java_database}"), "scanner.command: {java_database} stands in the command where"),
        (other(*NEEDED, "{database}", database="it"), "scanner.database: no entry with registry: staging is called"),
    ],
)
def test_what_is_wrong_with_how_it_is_called_is_told_with_its_line(said: str, problem: str) -> None:
    (told,) = problems(said, "images:\n", tool())
    assert told.startswith(f"line 1: {problem}")


def test_a_run_puts_what_it_gives_in_place_of_the_words_in_braces() -> None:
    given = {"image": "r/a@d", "platform": "linux/arm64", "output": "/o", "cache": "/c"}
    assert filled((*NEEDED, "{cache}/{cache}"), given) == ("r/a@d", "--platform=linux/arm64", "-o", "sarif=/o", "/c//c")
