"""A running twin whose host is Microsoft's, and what the tests ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from infra.local.demo.scenes import Scenes
from infra.local.demo.watching import eventually
from infra.local.twin.twin import Twin

# As the templates set it up but for times; a message that fails waits for a second, not for ten.
SETTINGS = {
    "SWEEP_SCHEDULE": "*/5 * * * * *",
    "PYTHON_THREADPOOL_THREAD_COUNT": "32",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
}

# Set to nothing, as a parameter that was left out does.
UNREADY = {"WEBHOOK_SECRET": "", "STAGING_REGISTRY_ID": ""}
ENDED = {"promoted", "rejected", "superseded", "failed"}


@dataclass(frozen=True)
class Product:
    """The twin, and the scenes that can be played on it."""

    twin: Twin
    scenes: Scenes

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> requests.Response:
        """Ask the host, with a key in ``x-functions-key`` or without."""
        with requests.Session() as session:
            session.trust_env = False
            headers = {**({"x-functions-key": key} if key else {}), **options.pop("headers", {})}
            url = self.twin.topology.http("host") + path
            return session.request(method, url, headers=headers, timeout=20, **options)

    def functions(self) -> dict[str, dict[str, Any]]:
        """Return what the host indexed, by the functions' names."""
        answer = self.ask("GET", "/admin/functions", self.twin.topology.master_key)
        return {function["name"]: function for function in answer.json()}

    def candidates(self) -> list[dict[str, Any]]:
        """Return the product's candidates, once each has ended."""

        def ended() -> list[dict[str, Any]] | None:
            candidates = self.scenes.watcher.candidates()
            return candidates if {one["status"] for one in candidates} <= ENDED else None

        return eventually("every candidate has ended", ended, seconds=20)

    def log(self) -> str:
        """Return what the host said so far."""
        return self.twin.log("host").read_text(errors="replace")
