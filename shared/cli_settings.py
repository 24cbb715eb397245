"""What the commands for people read of the environment: where the app is, by what they are let in, how they print."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def environment() -> Mapping[str, str]:
    """Return the environment: ``TIDEGATE_URL``, ``TIDEGATE_KEY`` and the others of docs/cli.md."""
    return os.environ


def config_file(environment: Mapping[str, str]) -> Path:
    """Return where the profiles are: never in the working directory, whose owner could send a key elsewhere."""
    base = environment.get("XDG_CONFIG_HOME") or ""
    folder = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    return folder / "tidegate" / "config.toml"


def registry_credentials(environment: Mapping[str, str] = os.environ) -> str:
    """Return the accounts at registries that are asked for records, each named with its host; empty for none.

    Args:
        environment: the process's environment.
    """
    return environment.get("TIDEGATE_REGISTRY_CREDENTIALS", "")
