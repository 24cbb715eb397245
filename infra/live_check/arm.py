"""Azure Resource Manager, asked by plain requests: what matters here are statuses, headers and bodies as they are."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from azure.core.credentials import AccessToken, TokenCredential

REGISTRIES, TASKS = "2025-11-01", "2025-03-01-preview"  # the versions that the product's clients ask by
_TIMEOUT = 60
_EARLY = 300
_REMAINING = "x-ms-ratelimit-remaining"
# A signed address carries its permission in its query; ids are nobody's business.
_HIDDEN = (
    (re.compile(r"\?[^\s'\"<>)]+"), "?…"),
    (re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
)


def shown(text: str) -> str:
    """Return a service's words without what a report must not hold."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return " ".join(text.split())


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str

    @property
    def ok(self) -> bool:
        """Whether it was done, or begun."""
        return self.status < 400

    @property
    def code(self) -> str:
        """ARM's word for what went wrong; empty if nothing did, or if it is not said."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("code", "")) if isinstance(error, dict) else ""

    def told(self) -> str:
        """Return status and text, fit for a report."""
        return f"HTTP {self.status} {shown(self.text)[:1200]}".strip()

    def retry_after(self) -> str:
        """Return the header, as it is; empty for none."""
        return self.headers.get("Retry-After", "")


class RefusedError(Exception):
    """A request that a probe needs was refused, so that its question cannot be asked."""


class KeptTokens:
    """A credential that asks for each token once: the Azure CLI takes a second to give one."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._tokens: dict[tuple[str, ...], AccessToken] = {}

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token for scopes, good for some minutes yet."""
        kept = self._tokens.get(scopes)
        if kept is None or kept.expires_on < time.time() + _EARLY:
            kept = self._tokens[scopes] = self._credential.get_token(*scopes, **options)
        return kept


@dataclass
class Arm:
    """Resource Manager.

    Attributes:
        endpoint: its address.
        scope: of tokens for it.
        credential: whoever asks.
        remaining: what answers said is left of limits, by operation.
        asked: how many requests were made.
    """

    endpoint: str
    scope: str
    credential: TokenCredential
    remaining: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: int = 0
    _session: requests.Session = field(default_factory=requests.Session)

    def ask(self, doing: str, method: str, path: str, body: Any = None, *, version: str = TASKS) -> Answer:
        """Ask once.

        Args:
            doing: the operation, by which its limits are told apart.
            method: of HTTP.
            path: from the endpoint on, without the version, or an address that ARM gave.
            body: JSON.
            version: of the API.
        """
        url = path if path.startswith("https://") else _address(self.endpoint, path, version)
        if not url.startswith(f"{self.endpoint}/"):
            raise RefusedError(
                f"{doing}: sent to {shown(url)}, which is not {self.endpoint}: it is not given the token"
            )
        token = self.credential.get_token(self.scope).token
        sent = self._session.request(
            method, url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT
        )
        self.asked += 1
        left = {name: value for name, value in sent.headers.items() if name.lower().startswith(_REMAINING)}
        self.remaining.setdefault(doing, {}).update(left)
        return Answer(sent.status_code, sent.headers, _json(sent), sent.text)

    def must(self, doing: str, method: str, path: str, body: object = None, *, version: str = TASKS) -> Answer:
        """Ask for what a probe needs.

        Raises:
            RefusedError: it was not done.
        """
        answer = self.ask(doing, method, path, body, version=version)
        if not answer.ok:
            raise RefusedError(f"{doing}: {answer.told()}")
        return answer


def _address(endpoint: str, path: str, version: str) -> str:
    return f"{endpoint}{path}{'&' if '?' in path else '?'}api-version={version}"


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
