"""What a run is given that nobody can know before it, and what its test has to say with it.

Everything is derived from one secret of the candidate and from the run's number, one way: who is given the nonce, as
the tested container is, knows neither the secret nor the ids of the steps.
"""

from __future__ import annotations

import hashlib

import msgspec

NONCE_VARIABLE = "TIDEGATE_NONCE"
# What ids of steps of ours begin with, beside those of a gate.
OURS = "tidegate-"


class Words(msgspec.Struct, frozen=True):
    """What is said in one run.

    Attributes:
        nonce: what the test is given in ``TIDEGATE_NONCE``.
        build_step: id of the step that makes the test image.
        test_step: id of the step that runs it. The container is not told, so that it cannot print what the task engine
            prints about this step.
        seal: what the last step prints where a gate has steps of its own; no other step of the run is given it.
    """

    nonce: str
    build_step: str
    test_step: str
    seal: str

    @property
    def files_step(self) -> str:
        """Id of the step that unpacks the gate's files, where they come with the steps."""
        return self.build_step.replace("build", "files", 1)

    @property
    def begin_step(self) -> str:
        """Id of the step that says the first word before a gate's own steps."""
        return self.test_step.replace("test", f"{OURS}begin", 1)

    @property
    def end_step(self) -> str:
        """Id of the step that says the last word after all of them."""
        return self.test_step.replace("test", f"{OURS}end", 1)

    @property
    def sealed(self) -> str:
        """The last word of a gate with steps of its own."""
        return f"tidegate: passed {self.seal}"

    @property
    def first(self) -> str:
        """What the test prints before it tries anything of the image, as a line of its own."""
        return f"tidegate: begin {self.nonce}"

    @property
    def last(self) -> str:
        """What it prints as its last act, if all went well."""
        return f"tidegate: passed {self.nonce}"


def words_of(secret: str, generation: int, run: int) -> Words:
    """Return the words of one run.

    Args:
        secret: the candidate's.
        generation: the candidate's.
        run: the run's number in that generation.
    """
    step = _derived("step", secret, generation, run)[:12]
    nonce, seal = (_derived(purpose, secret, generation, run) for purpose in ("nonce", "seal"))
    return Words(nonce, f"build-{step}", f"test-{step}", seal)


def run_name_of(record: str, run: str, secret: str) -> str:
    """Return the name of a run, valid for an ARM resource (5 to 50 letters, digits and hyphens).

    Args:
        record: the id of the record for which it is run.
        run: which of its runs.
        secret: the record's, so that nobody can take the name beforehand; empty in records of versions without one.
    """
    key = f"{record}~{run}~{secret}" if secret else f"{record}~{run}"
    return f"tidegate-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _derived(purpose: str, secret: str, generation: int, run: int) -> str:
    return hashlib.sha256(f"{purpose}~{secret}~{generation}~{run}".encode()).hexdigest()[:32]
