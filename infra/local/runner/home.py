"""The steps' shared home as ACR's builder lays it out: the docker client's configuration, and the run's login in it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

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
