"""A request that names itself by ``Idempotency-Key`` is done once, and answered as often as it is asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import azure.functions as func
import msgspec
from msgspec.structs import replace

from shared.answer_ports import KeptAnswers, StoredAnswer
from shared.domain.access.repeating import LIFE, Kept, Repeat, begun, is_kept, what_becomes
from shared.errors import Conflict, TidegateError
from shared.ports import Clock
from shared.web.answers import ProblemAnswer, problem
from shared.web.asked import Asked
from shared.web.problems import Problem

log = logging.getLogger("tidegate.web")

KEY_HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
_WRONG = 400
_PROBLEMS = msgspec.json.Decoder(dict[str, Any])
_BETWEEN = timedelta(hours=1)
_OTHER = "this idempotency key came with another request within the last day; make a new key for every new request"
_RUNNING = "the first request with this idempotency key has not ended; ask again for its answer"


class Repeats:
    """Serves requests that change something, once for each key.

    Args:
        answers: where they are kept; not asked for before a request comes that names itself.
        clock: tells the time.
    """

    def __init__(self, answers: Callable[[], KeptAnswers], clock: Clock) -> None:
        self._answers = answers
        self._clock = clock
        self._lock = threading.Lock()
        self._put_away_at: datetime | None = None

    def serve(self, asked: Asked, route: str, serve: Callable[[], func.HttpResponse]) -> func.HttpResponse:
        """Serve a request, or give the answer again that its first one had.

        Args:
            asked: the request.
            route: the name of its route.
            serve: does what is asked.

        Raises:
            MalformedRequest: 400, the key is none.
            ServiceError: nobody can say whether it was done already; nothing was done.
        """
        key = asked.request.headers.get(KEY_HEADER)
        if key is None:
            return serve()
        now = begun(_caller(asked), key, _said(asked, route), self._clock())
        claimed = self._claimed(now)
        if not isinstance(claimed, StoredAnswer):
            return claimed
        try:
            answer = serve()
        except Exception:
            # It may be done or not, as where an answer says that; who asks again is not kept waiting for an end.
            self._keep(claimed, func.HttpResponse(status_code=500))
            raise
        self._keep(claimed, answer)
        self._put_away(now.at)
        return answer

    def _claimed(self, now: Kept) -> StoredAnswer | func.HttpResponse:
        """Two at once are one who claims it and one who is told that it is running."""
        answers = self._answers()
        known = answers.find(now.name)
        try:
            if known is None:
                return answers.add(now) or _refused(Repeat.RUNNING)
            becomes = what_becomes(known.kept, now)
            return answers.replace(known, now) if becomes is Repeat.AGAIN else _answer(becomes, known.kept)
        except Conflict:
            return _refused(Repeat.RUNNING)

    def _keep(self, claimed: StoredAnswer, answer: func.HttpResponse) -> None:
        """What was done is done, whether its answer can be kept or not; it may then be asked again in five minutes."""
        body = answer.get_body()
        try:
            if is_kept(answer.status_code, len(body)):
                etag = answer.headers.get("ETag", "")
                told = replace(claimed.kept, status=answer.status_code, media=answer.mimetype, etag=etag)
                self._answers().replace(claimed, replace(told, body=body.decode()))
            else:
                self._answers().remove(claimed)
        except TidegateError:
            log.warning("the answer to a request with an idempotency key could not be kept", exc_info=True)

    def _put_away(self, now: datetime) -> None:
        with self._lock:
            if self._put_away_at is not None and now - self._put_away_at < _BETWEEN:
                return
            self._put_away_at = now
        try:
            self._answers().put_away(now - LIFE)
        except TidegateError:
            log.warning("answers that are over could not be put away", exc_info=True)


def _caller(asked: Asked) -> str:
    return f"{asked.caller.kind.value} {asked.caller.id}"


def _said(asked: Asked, route: str) -> tuple[bytes, ...]:
    """What a condition or a reason says belongs to what is asked."""
    request = asked.request
    values = [*sorted(asked.parameters.items()), *sorted(request.params.items())]
    values += [(name, request.headers.get(name) or "") for name in ("if-match", "if-none-match", "x-why")]
    return (route.encode(), *(text.encode() for pair in values for text in pair), request.get_body())


def _answer(becomes: Repeat, known: Kept) -> func.HttpResponse:
    if becomes is not Repeat.ANSWERED:
        return _refused(becomes)
    headers = {REPLAYED: "true", **({"ETag": known.etag} if known.etag else {})}
    if known.status >= _WRONG:
        return ProblemAnswer(_PROBLEMS.decode(known.body), headers)
    return func.HttpResponse(known.body.encode(), status_code=known.status, mimetype=known.media, headers=headers)


def _refused(becomes: Repeat) -> ProblemAnswer:
    if becomes is Repeat.OTHER:
        return problem(_OTHER, 422, kind=Problem.KEY_REUSED)
    return problem(_RUNNING, 409, kind=Problem.STILL_RUNNING)
