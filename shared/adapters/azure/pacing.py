"""The one place where requests to Azure Resource Manager wait for their turn, and where its limits are read.

Imports the SDK, so this module is itself imported only where a client is made.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy

from shared.adapters.azure.import_texts import cause_in, is_about_an_operation
from shared.adapters.retry_after import retry_after
from shared.budget_ports import Pace
from shared.domain.pacing.asking import NOTHING, Answered, Asked, asked, left
from shared.domain.pacing.bucket import Kind, Work
from shared.errors import Paced

_TOO_MANY = 429
# The resource provider's own limit, beside which other operations go on.
_BY_PROVIDER = "ResourceRequestsThrottled"
# A refusal that does not say for how long.
_UNTOLD_SECONDS = 10.0


class InTurn(HTTPPolicy[Any, Any]):
    """Sends a request only in its turn; a policy that stands after the one that tries again, for each try counts.

    Args:
        pace: says whose turn it is.
        work: what the requests of this client are for.
    """

    def __init__(self, pace: Pace, work: Work) -> None:
        super().__init__()
        self._pace = pace
        self._work = work

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send a request, or refuse to.

        Raises:
            Paced: it is not its turn, or ARM says that it was not: it has begun nothing. The SDK sends a write that was
                not answered no second time, so none was begun before either.
        """
        about = asked(request.http_request.method, urlsplit(request.http_request.url).path)
        if about is None:
            return self.next.send(request)
        self._pace.take(self._work, about)
        answer = NOTHING
        try:
            response = self.next.send(request)
            answer = _answered(about.kind, response.http_response)
        finally:
            self._pace.answered(about, answer)
        if answer.wait is not None:
            raise _refused(about, answer.wait)
        return response


def _answered(kind: Kind, response: Any) -> Answered:
    remaining = left(kind, response.headers)
    if response.status_code != _TOO_MANY:
        return Answered(remaining)
    text = _text(response)
    if cause_in(text) is not None or is_about_an_operation(text):  # what another registry said, which an import quotes
        return Answered(remaining)
    wait = retry_after(dict(response.headers))
    seconds = _UNTOLD_SECONDS if wait is None else wait
    return Answered(remaining, timedelta(seconds=seconds), whole=_BY_PROVIDER not in text)


def _text(response: Any) -> str:
    """The body, whether or not it was asked for as a stream; the SDK reads what was read again."""
    if hasattr(response, "read"):
        response.read()
    return str(response.text())


def _refused(about: Asked, wait: timedelta) -> Paced:
    seconds = wait.total_seconds()
    told = f"Azure Resource Manager refused {about.operation} (HTTP 429): it is asked again in {seconds:g} s"
    return Paced(told, code=str(_TOO_MANY), retry_after=seconds)
