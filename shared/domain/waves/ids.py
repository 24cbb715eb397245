"""The ids of waves: the target's, and the number of the decision. Pure."""

from __future__ import annotations

from shared.domain.promotion.target import parts_of_target
from shared.errors import InvalidReference


def wave_id(target: str, number: int) -> str:
    """Derive a wave's id from its target's and the number of the decision."""
    return f"{target}~{number}"


def parts_of_wave(wave: str) -> tuple[str, int]:
    """Take the target's id and the decision's number out of a wave's id.

    Raises:
        InvalidReference: it is no wave's id.
    """
    target, _, number = wave.rpartition("~")
    if not number.isdecimal() or not number.isascii() or number.startswith("0"):
        raise InvalidReference(f"{wave[:300]!r} is no wave's id, such as tidegatebase~base~node~22-alpine~7")
    parts_of_target(target)
    return target, int(number)
