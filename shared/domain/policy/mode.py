"""What a check's answer leads to: every check of a policy has such a mode."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """What a check's answer leads to."""

    ENFORCE = "enforce"  # it decides
    OBSERVE = "observe"  # it is made and told, and never blocks
    OFF = "off"  # it is not made
