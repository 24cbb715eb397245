"""A gate that keeps the contract, and what is said in its runs."""

from __future__ import annotations

from shared.domain.gate.words import words_of
from shared.domain.references import Digest
from shared.run_ports import GateRun

GATE_FILES = {
    "Dockerfile": (
        b"ARG BASE_IMAGE\nFROM $BASE_IMAGE\nCOPY test.sh /tidegate/test.sh\n"
        b'ENTRYPOINT ["/bin/sh", "/tidegate/test.sh"]\n'
    ),
    "test.sh": b'echo "tidegate: begin $TIDEGATE_NONCE"\nnode --version\necho "tidegate: passed $TIDEGATE_NONCE"\n',
}
GATE_COMMAND = ("/bin/sh", "/tidegate/test.sh")
WORDS = words_of("0123456789abcdef0123456789abcdef", 1, 1)


def gate_run(digest: Digest, image: str = "base/node") -> GateRun:
    """Return a run of that gate."""
    return GateRun(image, digest, WORDS, GATE_FILES, GATE_COMMAND)
