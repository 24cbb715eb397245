"""POST /api/targets/{target}/approve and /reject: what people say of a digest that waits for them."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func
import msgspec

from shared.domain.references import Digest
from shared.flows.approve import Approver
from shared.ports import Clock
from shared.target_ports import Targets
from shared.web.actions import Naming, answer_of, named_digest
from shared.web.asked import Asked
from shared.web.bodies import decoded, one_line

_NAMING = msgspec.json.Decoder(Naming)


class Consents:
    """Serves who agrees and who refuses.

    Both return 200 with the target as it is from then on, or 409 with the reason by name: ``superseded`` if a newer
    digest was seen, ``decided``, ``not-waiting``. They raise ``MalformedRequest`` (400, 404, 413, or 403 for a caller
    whose consent does not count now) or ``InvalidReference``.

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
        digest, why = _read(asked)
        target = asked.parameters["target"]
        outcome = self._approver().approve(target, digest, asked.caller, why, self._clock())
        return answer_of(target, outcome, self._targets())

    def reject(self, asked: Asked) -> func.HttpResponse:
        """Refuse the ``digest`` that the body names, and says why."""
        digest, why = _read(asked)
        target = asked.parameters["target"]
        outcome = self._approver().reject(target, digest, asked.caller, why, self._clock())
        return answer_of(target, outcome, self._targets())


def _read(asked: Asked) -> tuple[Digest, str]:
    body = decoded(asked.request.get_body(), _NAMING, Naming)
    return named_digest(body.digest), one_line(body.why, "why")
