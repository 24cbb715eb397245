"""What is wrong with a watch list and its gates, for a terminal or as annotations of a pull request.

Annotations: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from shared.cli.files import files_in, placed
from shared.domain.gate.contract import DOCKERFILE, TASK_FILE
from shared.domain.policy.reading import Written
from shared.domain.watching.watch_list import Image
from shared.gate_reading import is_gate, read_gate
from shared.watch_list_yaml import Reading

_PLACE = re.compile(r"(?P<file>.+?), line (?P<line>\d+): (?P<told>.*)", re.DOTALL)


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong.

    Attributes:
        told: for people; begins with file and line where there are some.
        title: what it is wrong with.
        elsewhere: whether it is only not here, and may be right where the app looks too.
    """

    told: str
    title: str = "Watch list"
    elsewhere: bool = False


def list_findings(reading: Reading) -> list[Finding]:
    """Return what is wrong with a watch list."""
    return [Finding(placed(reading, problem)) for problem in reading.problems]


def gate_findings(reading: Reading, folder: Path) -> list[Finding]:
    """Return what is wrong with the gates that a list names; nothing, if the list is not valid.

    Args:
        reading: of the list.
        folder: where the gates are, a folder each.
    """
    findings: list[Finding] = []
    gates: dict[str, dict[str, bytes]] = {}
    for index, image in enumerate(reading.watch_list.images if reading.watch_list else ()):
        if (gate := image.functional_gate) is None:
            continue
        if gate not in gates:
            gates[gate] = files_in(folder / gate)
            findings += _of_gate(gate, folder / gate, gates[gate])
        if not is_gate(gates[gate]):
            there = f"{folder / gate / DOCKERFILE} and no {TASK_FILE} beside it"
            told = f"there is no {there}; name a gate that is there, or none for no test"
            field = "policy" if isinstance(image.policy, str | Written) else "gate"
            findings.append(Finding(placed(reading, reading.of_entry(index, (field,), told)), "Gates", elsewhere=True))
    return findings


def trusting(images: Iterable[Image], folder: Path) -> list[str]:
    """Return which entries have a gate that trusts the image it tests, in sentences.

    Args:
        images: the entries.
        folder: where the gates are, a folder each.
    """
    return [
        f"{image.name}: its gate {image.functional_gate!r} has steps of its own ({TASK_FILE}), so it trusts the image"
        for image in images
        if image.functional_gate and (folder / image.functional_gate / TASK_FILE).is_file()
    ]


def _of_gate(name: str, folder: Path, files: dict[str, bytes]) -> list[Finding]:
    return [Finding(told, f"Gate {name}") for told in (*_links(folder), *_unfit(folder, files))]


def _links(folder: Path) -> list[str]:
    found = [path for path in (folder, *sorted(folder.rglob("*"))) if path.is_symlink()]
    return [f"{path}, line 1: a link, which no gate may have: put the file itself into its folder" for path in found]


def _unfit(folder: Path, files: dict[str, bytes]) -> list[str]:
    found = read_gate(files).problems if is_gate(files) else ()
    return [f"{folder / each.file}, line {each.line}: {each.told}" for each in found]


def annotation(finding: Finding, file: str) -> str:
    """Return the workflow command that marks a finding where it is.

    Args:
        finding: what is wrong.
        file: whose first line is marked where the finding has no place.
    """
    found = _PLACE.fullmatch(finding.told)
    place, line, told = (found["file"], found["line"], found["told"]) if found else (file, "1", finding.told)
    level = "notice" if finding.elsewhere else "error"
    return f"::{level} file={_property(place)},line={line},title={_property(finding.title)}::{_escaped(told)}"


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
