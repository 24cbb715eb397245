"""HTTP without a network: answers by appointment to whatever is sent through ``requests``, the Azure SDKs included."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Mapping

import pytest
import urllib3
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter


class ScriptedHttp:
    """Answers in the order they were given; a request too many fails the test.

    Attributes:
        requests: what was sent, in order.
    """

    def __init__(self) -> None:
        self.requests: list[PreparedRequest] = []
        self._answers: deque[tuple[int, Mapping[str, str], bytes] | Exception] = deque()

    def answer(self, status: int, headers: Mapping[str, str] | None = None, body: object = b"") -> None:
        """Add an answer; a body that is not bytes is sent as JSON."""
        if isinstance(body, bytes):
            self._answers.append((status, headers or {}, body))
        else:
            json_headers = {"Content-Type": "application/json", **(headers or {})}
            self._answers.append((status, json_headers, json.dumps(body).encode()))

    def fail(self, error: Exception) -> None:
        """Let a request end in an error of ``requests`` instead."""
        self._answers.append(error)

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        """Stand in for ``HTTPAdapter.send``."""
        self.requests.append(request)
        assert self._answers, f"nobody expected {request.method} {request.url}"
        answer = self._answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        raw = urllib3.HTTPResponse(
            io.BytesIO(body), headers, status, preload_content=False, request_method=request.method
        )
        return HTTPAdapter().build_response(request, raw)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> ScriptedHttp:
    """Everything that ``requests`` would send in this test."""
    scripted = ScriptedHttp()
    monkeypatch.setattr(HTTPAdapter, "send", lambda _, request, *args, **options: scripted.send(request))  # noqa: ARG005
    return scripted
