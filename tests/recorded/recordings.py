"""Recordings of Azure's answers, played to whatever is sent: the product's clients ask, and Azure answers as it did.

The recordings are not part of this repository. They lie beside it on machines that have them; see CONTRIBUTING.md.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.config import RegistryId
from tests.doubles.scripted_http import ScriptedHttp

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "samples" / "azure-recorded"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
# What the suite plays; every test says so where it is defined.
PLAYED: set[str] = set()

_REGISTRY = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.ContainerRegistry"
    r"/registries/(?P<name>[^/?]+)"
)
# The recordings have the word TOKEN for every token; the SDK reads when a refresh token ends.
_TOKEN = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, {"exp": 4102444800}, {})
)


@dataclass(frozen=True)
class Interaction:
    """One request as it was recorded, and its answer."""

    method: str
    host: str
    path: str
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def resource(self) -> str:
        """The address without its query."""
        return self.path.partition("?")[0]


class Recording:
    """One file of interactions, in order.

    Args:
        name: of the file, without ``.json``.
        wire: answers from it.
    """

    def __init__(self, name: str, wire: ScriptedHttp) -> None:
        self._wire = wire
        document = json.loads((FOLDER / f"{name}.json").read_text())
        self.interactions = tuple(_interaction(each) for each in document["interactions"])
        self._left = list(self.interactions)

    @property
    def registry(self) -> RegistryId:
        """The registry that the recording is about."""
        found = next(filter(None, (_REGISTRY.match(each.path) for each in self.interactions)))
        return RegistryId(found["subscription"], found["group"], found["name"], found[0])

    def play(self) -> Interaction:
        """Let the next request be answered as the next one of the recording was."""
        answered = self._left.pop(0)
        headers = {name: value for name, value in answered.headers.items() if name != "content-length"}
        body = b"" if answered.body is None else json.dumps(answered.body).encode()
        self._wire.answer(answered.status, headers, body)
        return answered

    def ask(self, question: Callable[[], Any]) -> Any:
        """Ask a question that one request answers, and see that it was sent where the recorded one was.

        Args:
            question: calls a client.

        Returns:
            What the client made of the answer.
        """
        recorded, before = self.play(), len(self._wire.requests)
        answer = question()
        (sent,) = self._wire.requests[before:]
        assert sent.method == recorded.method
        assert (sent.url or "").partition("?")[0] == f"https://{recorded.host}{recorded.resource}"
        return answer

    def pass_over(self) -> None:
        """Leave the next answer out, which no client of the product asks for; say why where this is called."""
        self._left.pop(0)

    @property
    def next(self) -> Interaction | None:
        """What is played next; ``None`` at the end."""
        return self._left[0] if self._left else None

    def end(self) -> None:
        """See that every answer was played and read."""
        assert not self._left, f"{len(self._left)} answers of the recording were not played"
        assert not self._wire.left, "an answer was played to nobody"


def plays(*names: str) -> pytest.MarkDecorator:
    """Give a test each of these recordings, as the fixture ``recording``."""
    PLAYED.update(names)
    return pytest.mark.parametrize("recording", names, indirect=True)


def _interaction(recorded: dict[str, Any]) -> Interaction:
    request, response = recorded["request"], recorded["response"]
    headers = {name.lower(): value for name, value in (response.get("headers") or {}).items()}
    body = response.get("body")
    if isinstance(body, dict):
        body = {name: _TOKEN if value == "TOKEN" else value for name, value in body.items()}
    return Interaction(request["method"], request["host"], request["path"], response["status"], headers, body)
