"""Puts a recording's requests to the emulator, one after the other, and compares the answers."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from tests.twin.conftest import Twin
from tests.twin.listener import Listener
from tests.twin.recorded.interactions import Interaction, Recording
from tests.twin.recorded.names import Names, about
from tests.twin.recorded.shapes import differences
from tests.twin.recorded.stage import Stage, form

_PATIENCE = 10
_ARM = "management.azure.com"
_SCOPES = ("pull", "delete", "metadata_read", "metadata_write")


class Player:
    """Plays one recording.

    Args:
        twin: the emulator and an operator's credential.
        recording: what to play.
        listener: where webhooks go.
        folder: to be made, for the contexts of runs.
    """

    def __init__(self, twin: Twin, recording: Recording, listener: Listener, folder: Path) -> None:
        first = recording.interactions[0]
        self._twin = twin
        self._recording = recording
        self._names = Names(twin.topology, about(first.path, first.host))
        self._names.learn("http://www.microsoft.com", listener.url)
        self._stage = Stage(twin, self._names, listener, folder)
        self._tokens: dict[str, str] = {}
        self._operation = ""

    def play(self, left_out: tuple[int, ...] = ()) -> list[str]:
        """Return in what the answers differ, each with its request; an empty list if in nothing."""
        self._stage.arrange(self._recording)
        found = []
        try:
            for number, interaction in enumerate(self._recording.interactions):
                if number not in left_out:
                    seen = self._put(interaction)
                    found += [f"{number} {interaction.method} {interaction.path[-60:]}: {text}" for text in seen]
        finally:
            self._stage.clear()
        return found

    def _put(self, interaction: Interaction) -> list[str]:
        """Put one request; one that only reads is repeated until the emulator has come as far as the recording."""
        self._go_on(interaction)
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = self._ask(interaction)
            seen = differences(replace(interaction, body=self._names.json(interaction.body)), answer)
            if not seen or interaction.method != "GET" or time.monotonic() > deadline:
                self._learn(interaction, answer)
                return seen
            time.sleep(0.05)

    def _go_on(self, interaction: Interaction) -> None:
        """Let go on, or hold, what the recorded answer shows to have gone on or not."""
        if "/operationResults/" in interaction.path:
            body = interaction.body or {}
            if body != {"status": "Accepted"}:
                self._stage.let_imports_go(to_the_end="Accepted" not in body.values())
        if interaction.path.partition("?")[0].endswith("/scheduleRun") or interaction.status == 201:
            self._stage.hold_runs()
        if "/runs/" in interaction.path and "finishTime" in ((interaction.body or {}).get("properties") or {}):
            self._stage.end_runs(interaction.body)
        if "/operationStatuses/" in interaction.path and interaction.body == {"status": "Succeeded"}:
            self._stage.end_runs({"properties": {"status": "Succeeded"}})

    def _ask(self, interaction: Interaction) -> requests.Response:
        if interaction.host != _ARM:
            return self._ask_registry(interaction)
        is_poll = "/operationResults/" in interaction.path or "/operationStatuses/" in interaction.path
        url = self._operation if is_poll else self._twin.topology.https("arm") + self._names.text(interaction.path)
        sent = self._names.json(interaction.sent) if interaction.sent is not None else None
        return requests.request(interaction.method, url, json=sent, headers=self._stage.bearer(), timeout=20)

    def _ask_registry(self, interaction: Interaction) -> requests.Response:
        url = f"https://{self._names.text(interaction.host)}{self._names.text(interaction.path)}"
        if not isinstance(interaction.sent, str):
            sent, headers = interaction.sent, self._access(interaction)
            return requests.request(interaction.method, url, json=sent, headers=headers, timeout=20)
        fields = form(self._names.text(interaction.sent))
        given = {name: self._token(name) for name in fields if fields[name] == "TOKEN"}
        return requests.request(interaction.method, url, data={**fields, **given}, timeout=20)

    def _access(self, interaction: Interaction) -> dict[str, str]:
        """Return the token that was sent along, which recordings do not show, unless the answer asks for one."""
        if interaction.status == 401:
            return {}
        if "access" not in self._tokens:
            self._sign_in(interaction)
        return {"Authorization": f"Bearer {self._tokens['access']}"}

    def _sign_in(self, interaction: Interaction) -> None:
        """Get a token for a recording that does not show how."""
        host = self._names.text(interaction.host)
        repository = interaction.path.split("/")[2 if interaction.path.startswith("/v2/") else 3]
        fields = {"grant_type": "access_token", "service": host, "access_token": self._token("access_token")}
        exchanged = requests.post(f"https://{host}/oauth2/exchange", data=fields, timeout=20).json()
        scope = f"repository:{repository}:{','.join(_SCOPES)}"
        wanted = {"service": host, "scope": scope, "grant_type": "refresh_token", **exchanged}
        answer = requests.post(f"https://{host}/oauth2/token", data=wanted, timeout=20)
        self._tokens["access"] = answer.json()["access_token"]

    def _token(self, field: str) -> str:
        if field == "access_token":
            return self._twin.credential.get_token("https://containerregistry.azure.net/.default").token
        return self._tokens["refresh"]

    def _learn(self, interaction: Interaction, answer: requests.Response) -> None:
        """Remember what the answer names, for the requests that follow."""
        headers = answer.headers
        self._operation = headers.get("Location") or headers.get("Azure-AsyncOperation") or self._operation
        body: Any = answer.json() if answer.content else {}
        if not isinstance(body, dict) or not isinstance(interaction.body, dict):
            return
        if "refresh_token" in body or "access_token" in body:
            self._tokens |= {name.removesuffix("_token"): str(value) for name, value in body.items()}
        run = interaction.body.get("properties", {}).get("runId")
        if run and interaction.method == "POST":
            self._names.learn(run, body["properties"]["runId"])
