"""Settings that are whole numbers, each with the most it may be."""

from __future__ import annotations

from collections.abc import Mapping

_MOST = {"list_removal_percent": 100, "new_tags_a_check": 10_000}


def number_problems(values: Mapping[str, str]) -> list[str]:
    """Say which of these settings are given and no whole number from 1 to the most they may be."""
    return [
        f"{name.upper()} must be a whole number from 1 to {most}"
        for name, most in _MOST.items()
        if values[name] and not _is_whole(values[name], most)
    ]


def _is_whole(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(most)) and 1 <= int(text) <= most
