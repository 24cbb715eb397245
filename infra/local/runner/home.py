"""What ACR's builder lays out for the steps: the shared home, with the run's login in it, and volumes of secrets."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path

from infra.local.runner.errors import TaskRefused
from infra.local.runner.task import Volume

# The user name of whoever signs in to ACR with a token.
_TOKEN_USER = "00000000-0000-0000-0000-000000000000"  # noqa: S105 - a published constant, no secret
_CONFIGURATION = {"experimental": "enabled", "HttpHeaders": {"X-Meta-Source-Client": "azure/acr/tasks"}}


def lay_out(home: Path, login_server: str, token: str) -> None:
    """Write ``.docker/config.json``; where there is no token, it holds no login."""
    auth = base64.b64encode(f"{_TOKEN_USER}:{token}".encode()).decode()
    logins = {"auths": {login_server: {"auth": auth}}} if token else {}
    file = home / ".docker" / "config.json"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text(json.dumps({**_CONFIGURATION, **logins}, indent=1))


def fill(folder: Path, volume: Volume) -> None:
    """Write a volume's files below ``folder``; ``TaskRefused`` if one is not in base64."""
    (folder / volume.name).mkdir()
    for name, content in volume.files:
        try:
            text = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            problem = "failed to decode Base64 value. please make sure value provided is Base64 encoded"
            raise TaskRefused(problem) from error
        (folder / volume.name / name).write_bytes(text + b"\n")
