"""HTTP without a network: answers by appointment to whatever is sent through ``urllib3``, the Azure SDKs included."""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Mapping
from typing import Any

import pytest
import urllib3
from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool
from urllib3.connection import port_by_scheme


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
        """Let a request end in an error instead."""
        self._answers.append(error)

    @property
    def left(self) -> int:
        """How many answers nobody has asked for."""
        return len(self._answers)

    def urlopen(
        self, pool: HTTPConnectionPool, method: str, url: str, body: Any = None, headers: Any = None, **options: Any
    ) -> urllib3.HTTPResponse:
        """Stand in for ``HTTPConnectionPool.urlopen``."""
        self.requests.append(_sent(pool, method, url, body, headers))
        assert self._answers, f"nobody expected {method} {self.requests[-1].url}"
        answer = self._answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        status, answered, content = answer
        preload = options.get("preload_content", True)
        return urllib3.HTTPResponse(
            io.BytesIO(content), answered, status, preload_content=preload, request_method=method
        )


def _sent(pool: HTTPConnectionPool, method: str, url: str, body: Any, headers: Any) -> PreparedRequest:
    request = PreparedRequest()
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = "" if pool.port == port_by_scheme[pool.scheme] else f":{pool.port}"
    request.method, request.url, request.body = method, f"{pool.scheme}://{host}{port}{url}", body
    request.headers = CaseInsensitiveDict(headers)
    return request


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> ScriptedHttp:
    """Everything that would be sent in this test."""
    scripted = ScriptedHttp()

    def urlopen(pool: HTTPConnectionPool, *args: Any, **options: Any) -> urllib3.HTTPResponse:
        return scripted.urlopen(pool, *args, **options)

    monkeypatch.setattr(HTTPConnectionPool, "urlopen", urlopen)
    return scripted
