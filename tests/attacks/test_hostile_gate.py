"""A gate that is made to decide nothing, or to bring in what is not its own, is refused before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.adapters.storage.configuration_blobs import ConfigurationBlobs
from shared.domain.gate.contract import read_contract
from shared.errors import ServiceError
from tests.doubles.gates import GATE_FILES

pytestmark = pytest.mark.unit

SCRIPT = next(name for name in GATE_FILES if name.endswith(".sh"))
HEAD = b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"
ENTRY = b'ENTRYPOINT ["/bin/sh", "/tidegate/test.sh"]\n'
UNFIT = {
    "a script with CRLF": {SCRIPT: GATE_FILES[SCRIPT].replace(b"\n", b"\r\n")},
    "one line with CRLF": {SCRIPT: GATE_FILES[SCRIPT].replace(b"\n", b"\r\n", 1)},
    "no entry point": {"Dockerfile": HEAD},
    "the image's own shell": {"Dockerfile": HEAD + b"ENTRYPOINT /tidegate/test.sh\n"},
    "another image": {"Dockerfile": b"ARG BASE_IMAGE\nFROM alpine\n" + ENTRY},
    "an image that never sees the tested one": {"Dockerfile": b"FROM x@sha256:" + b"a" * 64 + b"\n" + ENTRY},
    "a template": {"Dockerfile": HEAD + b'ENTRYPOINT ["{{.Run.ID}}"]\n'},
    "an option": {"Dockerfile": HEAD.replace(b"FROM", b"FROM --platform=linux/arm64") + ENTRY},
    "nothing": {"Dockerfile": b""},
    "no text": {"Dockerfile": bytes(range(256))},
}


@pytest.mark.parametrize("files", UNFIT.values(), ids=UNFIT.keys())
def test_a_gate_that_can_decide_nothing_is_refused_with_a_line(files: dict[str, bytes]) -> None:
    contract = read_contract({**GATE_FILES, **files})
    assert contract.command == ()
    assert all(problem.line >= 1 and problem.told for problem in contract.problems)
    assert contract.problems


@pytest.mark.parametrize("link", ["environ", "folder", "gate"])
def test_a_deployed_gate_with_a_link_in_it_is_refused(tmp_path: Path, link: str) -> None:
    gate = tmp_path / "gates" / "node"
    gate.parent.mkdir()
    if link == "gate":
        gate.symlink_to("/etc")
    else:
        gate.mkdir()
        (gate / link).symlink_to("/proc/self/environ" if link == "environ" else "/etc")
    account: Any = None
    blobs = ConfigurationBlobs(account, tmp_path)
    with pytest.raises(ServiceError, match="has a link"):
        blobs._deployed_gate("node")
