"""Rules as people write them, over tags as well-known repositories have them."""

from __future__ import annotations

import pytest

from shared.domain.watching.selection import choose
from shared.domain.watching.tag_rules import TagRule

pytestmark = pytest.mark.unit

HEX = "ab" * 32
DEBIAN = """
latest 12 12-slim 12.11 12.11-slim 13 13-slim bookworm bookworm-slim bookworm-20240110-slim stable-20240101
unstable sid trixie rc-buggy-20240211 experimental
"""
PYTHON = """
latest 3 3.12 3.12-slim 3.12-slim-bookworm 3.12.7-slim-bookworm 3.12.6-slim-bookworm 3.13-slim-bookworm
3.13.0-slim-bookworm 3.14.0a1-slim-bookworm 3.14-rc-slim-bookworm 3.13.0rc3-slim-bookworm 3.13.0-slim-bullseye
3.13-windowsservercore-ltsc2022 slim-bookworm
"""
NGINX = """
latest mainline stable 1.27 1.27.2 1.27-alpine 1.27-alpine3.20 1.27.2-alpine3.20 1.27.2-alpine3.20-perl
1.27-alpine3.20-perl 1.26.2-alpine3.20 1.26-alpine3.20 1-alpine-slim stable-alpine3.20 mainline-alpine3.20-otel
"""
UBUNTU = """
latest rolling devel 20.04 22.04 24.04 24.10 jammy jammy-20240911.1 noble noble-20240904.1 focal
"""
GOLANG = """
latest 1 1.23 1.23.2 1.23.2-bookworm 1.23rc2-bookworm 1.22.8-bookworm 1.22-bookworm 1.23-bookworm
tip-20240901-bookworm 1.23.2-nanoserver-ltsc2022 bookworm
"""
POSTGRES = """
latest 17 17.0 17.0-alpine3.20 17-alpine3.20 17rc1-alpine3.20 17beta3-alpine3.20 16.4-alpine3.20 16-alpine3.20
16.3-alpine3.20 alpine3.20 9.6.24-alpine3.15
"""
DOTNET = """
latest 8.0 8.0.8 8.0.10 8.0-alpine 8.0.10-alpine3.20 8.0.8-alpine3.20 8.0.10-alpine3.20-amd64 8.0-jammy-chiseled
8.0.10-jammy-chiseled-extra 9.0-preview 9.0.0-rc.2 9.0.0-rc.2-alpine3.20 9.0.0-preview.7 9.0 9.0.0 3.1
"""
PAUSE = f"""
0.8.0 1.0 3.1 3.9 3.10 3.10.1 latest sha256-{HEX}.sig
"""
RENOVATE = f"""
latest full 38 39 39.9 39.9.2 39.9.2-full 38.142.7 38.142.7-full main slim 39-full sha256-{HEX} 1234567
"""
CALENDAR = """
2023.12.4 2024.1.6 2024.04.1 2024.4.2 2024.10.1 2024.11.0b3 2024.11.0.dev20241024 dev stable beta rc
"""
CHART = """
1.2.3 1.2.3_build.5 1.2.3_4 v1.3.0-rc.1 v1.3.0 1.3.0 v1.2.9
"""
SHAS = """
latest sha-1a2b3c4 main-1a2b3c4 1a2b3c4 7654321 1.4.0 1.4.1
"""


@pytest.mark.parametrize(
    ("rule", "tags", "taken"),
    [
        (TagRule(semver=">=12", flavour="slim", newest=1), DEBIAN, "13-slim"),
        (TagRule(glob="bookworm-*-slim"), DEBIAN, "bookworm-20240110-slim"),
        (TagRule(semver="^3.12", flavour="slim-bookworm", newest=2), PYTHON,
         "3.13.0-slim-bookworm 3.12.7-slim-bookworm"),
        (TagRule(semver="3.12", flavour="slim-bookworm"), PYTHON,
         "3.12-slim-bookworm 3.12.7-slim-bookworm 3.12.6-slim-bookworm"),
        (TagRule(semver=">=1.26", flavour="alpine3.20-perl"), NGINX, "1.27.2-alpine3.20-perl 1.27-alpine3.20-perl"),
        (TagRule(semver="1.27.x || 1.26.x", flavour="alpine3.20", newest=2), NGINX,
         "1.27.2-alpine3.20 1.26.2-alpine3.20"),
        (TagRule(regex="[0-9]+\\.04", newest=2), UBUNTU, "24.04 22.04"),
        (TagRule(semver=">=22.04"), UBUNTU, "22.04 24.04 24.10"),
        (TagRule(semver=">=1.22", flavour="bookworm", newest=2), GOLANG, "1.23.2-bookworm 1.22.8-bookworm"),
        (TagRule(semver=">=16", flavour="alpine3.20", newest=3), POSTGRES,
         "17.0-alpine3.20 16.4-alpine3.20 16.3-alpine3.20"),
        (TagRule(semver=">=17", flavour="alpine3.20", prereleases=True), POSTGRES,
         "17.0-alpine3.20 17-alpine3.20 17rc1-alpine3.20 17beta3-alpine3.20"),
        (TagRule(semver="8.0.x"), DOTNET, "8.0 8.0.8 8.0.10"),
        (TagRule(semver=">=8", newest=2), DOTNET, "9.0.0 8.0.10"),
        (TagRule(semver=">=8", flavour="alpine3.20", newest=1), DOTNET, "8.0.10-alpine3.20"),
        (TagRule(semver=">=3.9", newest=2), PAUSE, "3.10.1 3.9"),
        (TagRule(semver=">=38", flavour="full", newest=1), RENOVATE, "39.9.2-full"),
        (TagRule(semver=">=38", newest=2), RENOVATE, "39.9.2 38.142.7"),
        (TagRule(glob="*", exclude=["sha256-*"], flavour="full"), RENOVATE, "39.9.2-full 38.142.7-full 39-full"),
        (TagRule(semver=">=2024.4", newest=2), CALENDAR, "2024.10.1 2024.4.2"),
        (TagRule(semver="2024.4.x"), CALENDAR, "2024.04.1 2024.4.2"),
        (TagRule(semver="^1.2", newest=2), CHART, "1.3.0 v1.2.9"),
        (TagRule(semver=">=1.4", newest=1), SHAS, "1.4.1"),
    ],
    ids=lambda part: getattr(part, "pattern", None),
)  # fmt: skip
def test_a_rule_takes_what_its_author_meant(rule: TagRule, tags: str, taken: str) -> None:
    assert {choice.tag for choice in choose([rule], tags.split()) if choice.target} == set(taken.split())
