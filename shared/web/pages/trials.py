"""The form that tries a destination of notices: what it answers stands on the page of the system afterwards."""

from __future__ import annotations

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller
from shared.domain.links import Links
from shared.rules.form_keys import FormTokens
from shared.web.asked import Asked, Handler
from shared.web.pages.deeds import REFUSED, TEST, TOOK, Deed, Deeds
from shared.web.pages.sent import believe, by_a_person_on_our_page, sent_fields, token_for
from shared.web.routes import ACTING


class _Answered(msgspec.Struct):
    """What the page needs of ``Tried``."""

    sent: bool


_ANSWERED = msgspec.json.Decoder(_Answered)


class Trials:
    """Takes forms that try a destination.

    Args:
        test: serves the address of the API that does.
        tokens: makes tokens of forms, and believes them.
        deeds: leads to the page that says what was done.
    """

    def __init__(self, test: Handler, tokens: FormTokens, deeds: Deeds) -> None:
        self._test = test
        self._tokens = tokens
        self._deeds = deeds

    def token(self, name: str, caller: Caller) -> str:
        """Return the token of the form that tries a destination; empty for who cannot."""
        return token_for(self._tokens, caller, ACTING, (TEST, name))

    def take(self, asked: Asked) -> func.HttpResponse:
        """Try a destination.

        Returns:
            303 to the page of the system, which says how it went.

        Raises:
            MalformedRequest: it is no form of ours (400, 413, 415), is refused (403), or there is no such destination.
        """
        by_a_person_on_our_page(asked)
        name, token = asked.parameters["destination"], sent_fields(asked.request, {"token"}).get("token", "")
        believe(self._tokens, token, asked.caller, (TEST, name))
        answer = self._test(asked)
        if answer.status_code >= 300:
            return answer
        took = _ANSWERED.decode(answer.get_body()).sent
        return self._deeds.led_to(Links().system(), asked.caller, Deed(TEST, name, TOOK if took else REFUSED))
