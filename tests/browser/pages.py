"""The addresses of every kind of page that a scene has."""

from __future__ import annotations

from shared.domain.links import Links
from tests.browser.scene import target
from tests.doubles.paged import Browser


def paths(browser: Browser) -> list[str]:
    """Return a page of every kind."""
    links, board = Links(), browser.pages.boards.now()
    candidates = {one.place: one.candidate for one in board.lines if one.candidate}
    return [
        links.now(),
        links.images(),
        links.candidate(candidates["base/node:22-alpine"]),
        links.target(target("nginx", "1.28-alpine")),
        links.approvals(),
        links.exposure(),
        links.image("node"),
        links.candidate(candidates["base/redis:8.0"]),
        links.dependants(),
        links.impact("node"),
        links.waves(),
        links.wave(f"{target('nginx', '1.29')}~2"),
        links.activity(),
        links.system(),
        links.file("images.yaml"),
        f"{links.images()}?text=nothing+is+called+so",
        f"{links.now()}/nothing",
    ]
