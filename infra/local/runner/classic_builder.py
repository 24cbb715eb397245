"""What docker's classic builder, which ACR uses unless a step says otherwise, does not understand.

https://docs.docker.com/reference/dockerfile/ marks what needs BuildKit.
"""

from __future__ import annotations

import re

from infra.local.runner.dockerfile import instructions
from infra.local.runner.errors import EngineError

BUILDKIT = "DOCKER_BUILDKIT"
_FLAGS = {
    "RUN": ("mount", "network", "security"),
    "COPY": ("chmod", "link", "exclude", "parents"),
    "ADD": ("chmod", "link", "checksum", "keep-git-dir", "exclude", "unpack"),
}
_HEREDOC = re.compile(r"<<-?['\"]?\w")


def refuse_buildkit(text: str) -> None:
    """Raise ``EngineError`` at the first instruction of a Dockerfile that needs BuildKit."""
    for line in instructions(text):
        keyword, _, rest = line.partition(" ")
        for word in rest.split():
            if not word.startswith("--"):
                break
            flag = word[2:].partition("=")[0]
            if flag in _FLAGS.get(keyword.upper(), ()):
                raise EngineError(_needs(f"the --{flag} option"))
        if keyword.upper() in _FLAGS and _HEREDOC.search(rest):
            raise EngineError(_needs("a here-document"))


def _needs(what: str) -> str:
    return (
        f"{what} requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with "
        "BuildKit enabled"
    )
