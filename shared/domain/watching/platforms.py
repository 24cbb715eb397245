"""The platforms of an image that an entry of the watch list speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.domain.shapes import Path, Told

_PLATFORM = re.compile(r"linux/[a-z0-9]+(?:/v[0-9]+)?")
_ALONE = re.compile(r"[a-z0-9]+")


def platform_problems(path: Path, fields: dict[str, object]) -> Iterator[Told]:
    """Find what is wrong with the platforms of an entry, or of the defaults.

    Args:
        path: to it.
        fields: as plain objects.
    """
    platforms = fields.get("platforms")
    seen: set[str] = set()
    for position, platform in enumerate(platforms if isinstance(platforms, list) else ()):
        if not isinstance(platform, str):
            continue
        if not _PLATFORM.fullmatch(platform):
            yield (*path, "platforms", position), _told(platform)
        elif platform in seen:
            yield (*path, "platforms", position), f"{platform!r} stands here twice"
        seen.add(platform)


def _told(platform: str) -> str:
    if _ALONE.fullmatch(platform):
        return f"{platform[:60]!r} is no platform; write the system before it: linux/{platform[:60]}"
    if "/" in platform and not platform.startswith("linux/"):
        return f"{platform[:60]!r}: images of other systems than linux can neither be tested nor scanned"
    return f"{platform[:60]!r} is no platform, such as linux/amd64, linux/arm64 or linux/arm/v7"
