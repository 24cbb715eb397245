"""Settings that are whole numbers, each with the least and the most it may be."""

from __future__ import annotations

from collections.abc import Mapping

_LIMITS = {
    "list_removal_percent": (1, 100),
    "new_tags_a_check": (1, 10_000),
    "second_look_minutes": (0, 60),
    "base_listings_apart_seconds": (1, 3600),
    "rebuilds_at_once": (1, 9999),
    "gates_at_once": (1, 9999),
    "imports_at_once": (1, 9999),
    "evidence_days": (1, 3650),
    "staging_retention_days": (1, 3650),
    "unique_tags_kept": (1, 1000),
    "shortest_schedule": (1, 3600),
}


def number_problems(values: Mapping[str, str]) -> list[str]:
    """Say which of these settings are given and no whole number within their limits."""
    return [
        f"{name.upper()} must be a whole number from {least} to {most}"
        for name, (least, most) in _LIMITS.items()
        if values[name] and not _is_within(values[name], least, most)
    ]


def _is_within(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most
