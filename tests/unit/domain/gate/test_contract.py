"""A gate that could never decide anything, or that would let everything through, is refused before it is run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gate.contract import read_contract
from shared.errors import UnfitGate
from shared.gate_reading import checked_gate
from tests.doubles.gates import GATE_COMMAND, GATE_FILES

pytestmark = pytest.mark.unit

PINNED = f"mcr.microsoft.com/cbl-mariner/busybox@sha256:{'a' * 64}"
ENTRY = 'ENTRYPOINT ["/bin/sh", "/tidegate/test.sh"]'
OUTSIDE = f"""
ARG BASE_IMAGE
FROM $BASE_IMAGE AS candidate
FROM {PINNED}
COPY --from=candidate / /candidate
COPY test.sh /tidegate/test.sh
{ENTRY}
"""


def files(dockerfile: str) -> dict[str, bytes]:
    """Return a gate with another Dockerfile."""
    return {**GATE_FILES, "Dockerfile": dockerfile.encode()}


def told(dockerfile: str) -> list[tuple[int, str]]:
    """Return the lines of a Dockerfile that are refused, and why."""
    return [(problem.line, problem.told) for problem in read_contract(files(dockerfile)).problems]


def inside(*lines: str) -> str:
    """Return a Dockerfile that tests from inside, with more lines."""
    return "\n".join(["ARG BASE_IMAGE", "FROM $BASE_IMAGE", *lines])


def test_a_gate_that_keeps_the_contract_is_run_as_its_dockerfile_says() -> None:
    assert checked_gate("node", GATE_FILES, {}).command == GATE_COMMAND


@pytest.mark.parametrize(
    "dockerfile",
    [
        inside(ENTRY),
        f"ARG BASE_IMAGE=node:22\nFROM ${{BASE_IMAGE}}\n{ENTRY}",
        '# syntax=docker/dockerfile:1\n\narg BASE_IMAGE\r\nfrom $BASE_IMAGE as x\r\nentrypoint ["/bin/sh", \\\r\n  '
        '"/tidegate/test.sh"]\r\n',
        f"ARG X=1 BASE_IMAGE\nFROM golang:1 AS tool\nFROM $BASE_IMAGE\nCOPY --from=tool /x /x\n{ENTRY}",
        f"ARG BASE_IMAGE\nFROM $BASE_IMAGE AS One\n{ENTRY}\nFROM one\nUSER 1000",
        inside("ENTRYPOINT sh", ENTRY),
        inside('ENTRYPOINT ["/bin/sh"]', 'CMD ["/tidegate/test.sh"]'),
        inside('CMD ["/tidegate/test.sh"]', 'ENTRYPOINT ["/bin/sh"]'),
        OUTSIDE,
        OUTSIDE.replace("--from=candidate", "--from=0"),
        OUTSIDE.replace("--from=candidate / /candidate", '--chown=1:1 --from=Candidate ["/", "/candidate/"]'),
        OUTSIDE.replace(f"FROM {PINNED}", f"FROM {PINNED} AS tools\nFROM tools"),
        OUTSIDE.replace(f"FROM {PINNED}", "FROM scratch"),
    ],
)
def test_what_keeps_the_contract_however_written_is_run(dockerfile: str) -> None:
    assert read_contract(files(dockerfile)) == read_contract(GATE_FILES)


@pytest.mark.parametrize(
    ("dockerfile", "line", "words"),
    [
        ("", 1, "the last stage begins FROM nothing"),
        (inside('CMD ["/bin/sh", "/tidegate/test.sh"]'), 2, "no ENTRYPOINT in exec form"),
        (inside("ENTRYPOINT /bin/sh /tidegate/test.sh"), 3, "no ENTRYPOINT in exec form"),
        (inside("ENTRYPOINT []"), 3, "no ENTRYPOINT in exec form"),
        (inside("ENTRYPOINT ['/bin/sh']"), 3, "no ENTRYPOINT in exec form"),
        (inside("RUN <<EOF", ENTRY, "EOF"), 2, "no ENTRYPOINT in exec form"),
        (inside("RUN true \\", ENTRY), 2, "no ENTRYPOINT in exec form"),
        (inside("ONBUILD " + ENTRY), 2, "no ENTRYPOINT in exec form"),
        (inside(ENTRY, "CMD echo hello"), 4, "CMD beside ENTRYPOINT must be in exec form"),
        (inside('ENTRYPOINT ["/bin/sh", "{{.Run.ID}}"]'), 3, "{{"),
        (f"ARG BASE_IMAGE\nFROM node:22\n{ENTRY}", 2, "the last stage begins FROM node:22"),
        (f"ARG BASE_IMAGE\nFROM $BASE_IMAGE AS x\nFROM node:22\n{ENTRY}", 3, "the last stage begins FROM node:22"),
        (f"ARG BASE_IMAGE\nFROM {PINNED}\n{ENTRY}", 2, "never sees the tested image"),
        (f"ARG BASE_IMAGE\nFROM scratch\n{ENTRY}", 2, "never sees the tested image"),
        (f"ARG BASE_IMAGE\nARG X=$BASE_IMAGE\nFROM $X\n{ENTRY}", 3, "the last stage begins FROM $X"),
        (f"FROM $BASE_IMAGE\n{ENTRY}", 1, "ARG BASE_IMAGE must stand before"),
        (f"FROM $BASE_IMAGE\nARG BASE_IMAGE\n{ENTRY}", 1, "ARG BASE_IMAGE must stand before"),
        (inside(ENTRY).replace("FROM", "FROM --platform=$BUILDPLATFORM"), 2, "reads no options of FROM"),
        (inside(ENTRY).replace("FROM", "FROM --platform=linux/amd64"), 2, "reads no options of FROM"),
        (inside(ENTRY).replace("FROM ", "FROM \\\n "), 2, "FROM goes on in another line"),
        (inside("RUN <<EOF", "never ends", ENTRY), 3, "the here-document EOF has no end"),
        (OUTSIDE.replace(" /candidate\n", " /\n"), 4, "never sees the tested image"),
        (OUTSIDE.replace(" /candidate\n", " /usr/../\n"), 4, "never sees the tested image"),
        (OUTSIDE.replace(" /candidate\n", " /bin/\n"), 4, "never sees the tested image"),
        (OUTSIDE.replace("--from=candidate", "--from=7"), 4, "never sees the tested image"),
        (OUTSIDE.replace("--from=candidate", "--from=node:22"), 4, "never sees the tested image"),
        (OUTSIDE.replace("COPY --from=candidate", "RUN --mount=from=candidate"), 4, "never sees the tested image"),
        (OUTSIDE.replace("a" * 64, "a" * 63), 4, "the last stage begins FROM mcr.microsoft.com"),
    ],
)
def test_a_gate_that_decides_nothing_is_refused_at_its_line(dockerfile: str, line: int, words: str) -> None:
    problems = told(dockerfile)
    assert [at for at, _ in problems] == [line], problems
    assert words in problems[0][1]
    with pytest.raises(UnfitGate, match=f"gates/node/Dockerfile, line {line}"):
        checked_gate("node", files(dockerfile), {})


def test_every_problem_of_a_gate_is_told_at_once() -> None:
    problems = told("FROM --platform=$X node:22\nCMD true")
    assert len(problems) == 4


def test_a_gate_that_never_mentions_the_nonce_is_refused() -> None:
    contract = read_contract({**GATE_FILES, "test.sh": b"node --version\n"})
    assert [problem.told.partition(":")[0] for problem in contract.problems] == [
        "no file of this gate mentions TIDEGATE_NONCE"
    ]
    assert contract.command == ()


@pytest.mark.parametrize(("name", "content"), [("a.sh", b"set -eu\nnode\r\n"), ("run", b"#!/bin/sh\nx\r\n")])
def test_a_script_whose_lines_end_with_crlf_is_refused_at_the_first_such_line(name: str, content: bytes) -> None:
    problem = read_contract({**GATE_FILES, name: content}).problems[0]
    assert (problem.file, problem.line) == (name, 2)
    assert "CRLF" in problem.told


def test_what_no_shell_reads_may_end_its_lines_as_it_likes() -> None:
    crlf = {path: content.replace(b"\n", b"\r\n") for path, content in GATE_FILES.items() if path == "Dockerfile"}
    assert read_contract({**GATE_FILES, **crlf, "data.csv": b"a\r\nb\r\n"}).problems == ()


@given(st.binary())
def test_no_dockerfile_is_a_crash(content: bytes) -> None:
    contract = read_contract({**GATE_FILES, "Dockerfile": content})
    assert (contract.command == ()) == bool(contract.problems)


LINES = st.lists(
    st.sampled_from(
        [
            "ARG BASE_IMAGE", "FROM $BASE_IMAGE", "FROM $BASE_IMAGE AS a", "FROM a", "FROM node:22", "FROM scratch",
            f"FROM {PINNED} AS b", ENTRY, "ENTRYPOINT sh", "CMD [\"x\"]", "CMD x", "RUN <<EOF", "EOF", "RUN x \\",
            "# c", "", "COPY --from=a / /c", "COPY --from=0 / /c", "# escape=`", "RUN x `",
        ]
    ),
    max_size=12,
)  # fmt: skip


@given(LINES)
def test_whatever_is_let_through_runs_what_its_own_entry_point_says(lines: list[str]) -> None:
    contract = read_contract(files("\n".join(lines)))
    if contract.problems == ():
        assert contract.command[:2] == GATE_COMMAND
        assert "FROM $BASE_IMAGE" in "\n".join(lines)
