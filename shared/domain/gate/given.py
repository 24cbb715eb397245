"""What every run of a gate is told of what it tests, as environment variables and in a task's own text."""

from __future__ import annotations

import msgspec

PREFIX = "TIDEGATE_"
# What a task's text may name as ``{{.Values.name}}``.
VALUES = ("image", "base", "target", "candidate", "nonce", "platform")
# Gates run on ACR's own agents, which are of this kind.
PLATFORM = "linux/amd64"


class Given(msgspec.Struct, frozen=True):
    """What a run is told.

    Attributes:
        base: reference by digest of what the first target bears now; empty if it bears nothing yet, or nothing known.
        target: reference of the first target, by its tag.
        candidate: the candidate's id.
        platform: what the run's agents are, as OCI writes it.
    """

    base: str = ""
    target: str = ""
    candidate: str = ""
    platform: str = PLATFORM
