"""Really executes ACR Tasks' multi-step YAML on this machine; see README.md for what it runs and what it refuses."""

from __future__ import annotations

from infra.local.runner.execute import execute
from infra.local.runner.model import Dependency, Image, RunRequest, RunResult
from infra.local.runner.played import play, play_pushing
from infra.local.runner.vault import VaultRefusedError

__all__ = ["Dependency", "Image", "RunRequest", "RunResult", "VaultRefusedError", "execute", "play", "play_pushing"]
