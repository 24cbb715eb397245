"""Asks the app: with an identity, patiently where it says "not now", and with the exit status that its answer means."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from shared.cli.exchange import Answer, Send, Sent
from shared.cli.exits import Ends, Exit, Unreached
from shared.cli.profiles import Access
from shared.cli.session import Surroundings
from shared.cli.text import plain
from shared.version import VERSION

Document = dict[str, Any]
_ANY = msgspec.json.Decoder(dict[str, Any])
_PROBLEM = "application/problem+json"
_NOT_NOW = frozenset({429, 503})
# What stands before the app says so of a question; whether an act was done, only the app can say.
_NO_ANSWER = frozenset({502, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_EXITS = {
    400: Exit.USAGE,
    401: Exit.DENIED,
    403: Exit.DENIED,
    404: Exit.ABSENT,
    405: Exit.USAGE,
    409: Exit.CONFLICT,
    412: Exit.CONFLICT,
    413: Exit.UNREADABLE,
    422: Exit.UNREADABLE,
    428: Exit.USAGE,
    500: Exit.DEFECT,
}
# A refusal for who asks, and not for what has happened meanwhile.
_OF_WHO = frozenset({"own-request", "may-not-grant"})


class Client:
    """Asks one app.

    Args:
        access: how it is reached.
        send: sends a request.
        around: waits between two tries, and tells how long they took.
    """

    def __init__(self, access: Access, send: Send, around: Surroundings) -> None:
        self.access = access
        self._send = send
        self._around = around

    def ask_anybody(self, sent: Sent) -> Answer:
        """Send a request that bears no identity, once.

        Raises:
            Unreached: nobody answered.
        """
        return self._send(sent)

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Document:
        """Return the document at an address below ``/api/``.

        Args:
            path: as ``path_of`` joins it.
            query: parameters; those that are ``None`` or empty are left out.

        Raises:
            Ends: there is none, or no answer.
        """
        return document_of(self.answer("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, object], query: Mapping[str, object] | None = None) -> Document:
        """Ask for an act, and return what is so from then on.

        Raises:
            Ends: it was refused, or there was no answer.
        """
        content = msgspec.json.encode({name: value for name, value in body.items() if value is not None})
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        return document_of(self.answer("POST", path, query=query, body=content, headers=headers))

    def parts(self, path: str, query: Mapping[str, object] | None = None, most: int = 500) -> Iterator[Document]:
        """Yield every part of a list: each answer's ``next`` is asked for, to the end.

        Args:
            path: of the list.
            query: what is asked for.
            most: rows that the app gives in one part.
        """
        after = ""
        while True:
            limit = min(most, self._around.page or most)
            part = self.get(path, {**(query or {}), "limit": limit, "after": after})
            yield part
            before, after = after, str(part.get("next") or "")
            if not after:
                return
            if after == before:
                raise Ends(Exit.DEFECT, f"{path}: the app says to go on after {plain(after)!r}, where it was asked to")

    def answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        takes: frozenset[int] = frozenset(),
    ) -> Answer:
        """Ask until there is an answer or the time is over.

        Args:
            method: of the request.
            path: below ``/api/``.
            query: parameters.
            body: of the request.
            headers: beside those that every request has.
            takes: statuses that are no error here.

        Raises:
            Ends: the answer is a problem, is no answer of Tidegate's, or there is none.
        """
        said = urlencode({name: value for name, value in (query or {}).items() if value not in (None, "")})
        url = f"{self.access.url}/api/{path}{'?' if said else ''}{said}"
        sent = Sent(method, url, {**self._identity, **(headers or {})}, body, self.access.timeout)
        found = self._patiently(sent)
        if found.status in takes or 200 <= found.status < 300:
            return found
        raise refusal(found, self.access)

    def _patiently(self, sent: Sent) -> Answer:
        begun, pause = self._around.passed(), _FIRST_PAUSE
        while True:
            left = self.access.timeout - (self._around.passed() - begun)
            try:
                answer = self._send(msgspec.structs.replace(sent, timeout=max(left, 0.1)))
                again, told = self._is_worth_another(sent, answer), ""
            except Unreached as error:
                answer, again, told = None, True, str(error)
            wait = max(pause, _asked_to_wait(answer))
            left = self.access.timeout - (self._around.passed() - begun)
            if answer is not None and (not again or wait >= left):
                return answer
            if answer is None and wait >= left:
                raise Ends(Exit.UNREACHABLE, f"{self.access.url} does not answer: {told}")
            self._around.pause(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _is_worth_another(self, sent: Sent, answer: Answer) -> bool:
        return answer.status in _NOT_NOW or (answer.status in _NO_ANSWER and sent.method == "GET")

    @cached_property
    def _identity(self) -> Mapping[str, str]:
        told = {"Accept": "application/json", "User-Agent": f"tidegate/{VERSION}"}
        if self.access.key:
            return {**told, "x-api-key": self.access.key}
        if self.access.sign_in:
            from shared.cli.sign_in import token_for  # noqa: PLC0415  az and its library take long to load

            return {**told, "Authorization": f"Bearer {token_for(self.access.sign_in)}"}
        raise Ends(Exit.DENIED, "no key and no sign-in: set TIDEGATE_KEY or TIDEGATE_KEY_FILE, or sign_in in a profile")


def path_of(*segments: str) -> str:
    """Return an address from its segments, each of which may hold anything."""
    return "/".join(quote(segment, safe="~") for segment in segments)


def document_of(answer: Answer) -> Document:
    """Return the JSON object that an answer holds.

    Raises:
        Ends: it holds none, so something else than Tidegate answered.
    """
    try:
        return _ANY.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Ends(Exit.UNREACHABLE, f"what answered is no Tidegate: {plain(str(error))}") from error


def refusal(answer: Answer, access: Access) -> Ends:
    """Return why an answer ends the command, with the status that tells it from other reasons."""
    problem = _problem(answer)
    if problem is None:
        return _unknown(answer, access)
    status = _EXITS.get(answer.status, Exit.UNREACHABLE)
    if answer.status == 409 and problem.get("reason") in _OF_WHO:
        status = Exit.DENIED
    return Ends(status, "\n".join(_lines(problem)), problem)


def _lines(problem: Document) -> Iterator[str]:
    yield "\n".join(map(plain, str(problem.get("detail") or problem.get("title")).splitlines()))
    told = problem.get("problems")
    yield from (f"  {plain(str(each))}" for each in (told if isinstance(told, list) else ()))
    if problem.get("reason"):
        yield f"  reason: {plain(str(problem['reason']))}"
    if problem.get("request_id"):
        yield f"  request: {plain(str(problem['request_id']))}"


def _problem(answer: Answer) -> Document | None:
    if not answer.headers.get("content-type", "").startswith(_PROBLEM):
        return None
    try:
        return _ANY.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _unknown(answer: Answer, access: Access) -> Ends:
    """Whoever stands before the app, or in its place, answers otherwise than it does."""
    if 300 <= answer.status < 400:
        to = plain(answer.headers.get("location", "nowhere").partition("?")[0])
        told = f"{access.url} sends to {to}, which is not followed: sign in (docs/cli.md), or say another address"
        return Ends(Exit.DENIED, told)
    if answer.status in {401, 403}:
        return Ends(Exit.DENIED, f"{access.url} lets nobody in by this identity: HTTP {answer.status}")
    if answer.status == 500:
        return Ends(Exit.DEFECT, f"{access.url} failed, and says no more: HTTP 500")
    return Ends(Exit.UNREACHABLE, f"{access.url} is no Tidegate, or it is not started: HTTP {answer.status}")


def _asked_to_wait(answer: Answer | None) -> float:
    said = answer.headers.get("retry-after", "") if answer is not None else ""
    return float(said) if said.isascii() and said.isdecimal() else 0.0
