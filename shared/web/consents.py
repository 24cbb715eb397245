"""POST /api/targets/{target}/approve and /reject: what people say of a digest that waits for them."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from shared.domain.promotion.actions import Declined
from shared.domain.promotion.target import Target
from shared.flows.approve import Approver
from shared.ports import Clock
from shared.target_ports import Targets
from shared.web.acting_bodies import DECODERS, Naming, named_digest
from shared.web.actions import answer_of
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line


class Consents:
    """Serves who agrees and who refuses.

    Both return 200 with the target as it is from then on, or 409 with the reason by name: ``superseded`` if a newer
    digest was seen, ``decided``, ``not-waiting``, and ``moved-on`` for a body that names the ``number`` of a decision
    that is not in force any more. They raise ``MalformedRequest`` (400, 404, 413, or 403 for a caller whose consent
    does not count now) or ``InvalidReference``.

    Args:
        approver: takes what they say.
        targets: where targets are.
        clock: tells the time.
    """

    def __init__(self, *, approver: Callable[[], Approver], targets: Callable[[], Targets], clock: Clock) -> None:
        self._approver = approver
        self._targets = targets
        self._clock = clock

    def approve(self, asked: Asked) -> func.HttpResponse:
        """Agree to the ``digest`` that the body names, and says why."""
        return self._said(asked, self._approver().approve)

    def reject(self, asked: Asked) -> func.HttpResponse:
        """Refuse the ``digest`` that the body names, and says why."""
        return self._said(asked, self._approver().reject)

    def _said(self, asked: Asked, say: Callable[..., Target | Declined]) -> func.HttpResponse:
        body, target = decoded(asked.request.get_body(), DECODERS[Naming], Naming), asked.parameters["target"]
        digest, why = named_digest(body.digest), one_line(body.why, "why")
        return answer_of(target, say(target, digest, asked.caller, why, self._clock(), body.number), self._targets())
