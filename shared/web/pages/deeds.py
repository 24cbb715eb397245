"""What somebody has just done, said by the page that this leads to: the keyboard comes there, and it is read out.

The address says it, and whoever is given that address is told nothing: it counts for the person alone who did it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from urllib.parse import urlencode

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller, Kind
from shared.domain.access.form_tokens import Believed, made_at
from shared.domain.promotion.offering import Act
from shared.errors import ServiceError
from shared.rules.form_keys import FormTokens
from shared.web.asked import Asked

log = logging.getLogger("tidegate.web")

TEST, WROTE = "test_destination", "put_file"
CONTINUED, RESTORED, CANCELLED = "continue_wave", "restore_wave", "cancel_wave"
TOOK, REFUSED = "took", "refused"
_WORDS = {
    (Act.APPROVE.value, ""): "You approved it",
    (Act.REJECT.value, ""): "You rejected it",
    (Act.ROLL_BACK.value, ""): "You went back to it",
    (Act.PIN.value, ""): "You pinned the tag to it",
    (Act.UNPIN.value, ""): "You unpinned the tag",
    (Act.OVERRIDE.value, ""): "You asked for it against its gate, or granted that",
    (Act.ASK_WAIVER.value, ""): "You asked to waive a finding",
    (Act.GRANT_WAIVER.value, ""): "You granted the waiver",
    (Act.REVOKE_WAIVER.value, ""): "You revoked the waiver",
    (Act.BLOCK.value, ""): "You blocked it",
    (Act.RELEASE.value, ""): "You released it",
    (Act.HOLD.value, ""): "You hold the entry",
    (Act.RESUME.value, ""): "You resumed the entry",
    (Act.RETRY.value, ""): "You asked that it is tried again",
    (CONTINUED, ""): "You had the others rebuilt",
    (RESTORED, ""): "You took the tag back",
    (CANCELLED, ""): "You cancelled the wave",
    (WROTE, ""): "You wrote it",
    (TEST, TOOK): "It took the test",
    (TEST, REFUSED): "It did not take the test, and its words stand below",
}


class Deed(msgspec.Struct, frozen=True):
    """What was done.

    Attributes:
        did: the name of the act.
        about: the id of the record that it was done to.
        more: which digest, or how it went; empty for neither.
        at: when, UTC; ``None`` before anybody is told.
    """

    did: str
    about: str
    more: str = ""
    at: datetime | None = None

    @property
    def words(self) -> str:
        """What was done, for who did it."""
        return _WORDS.get((self.did, self.more)) or _WORDS.get((self.did, ""), self.did)

    @property
    def fine(self) -> bool:
        """Whether it went as it was meant to."""
        return self.more != REFUSED

    @property
    def parts(self) -> tuple[str, ...]:
        """What its token is bound to; no form's is bound to the like."""
        return ("done", self.did, self.about, self.more)


class Deeds:
    """Leads to the page that says what was done, and tells it there.

    Args:
        tokens: makes tokens, and believes them.
    """

    def __init__(self, tokens: FormTokens) -> None:
        self._tokens = tokens

    def led_to(self, page: str, caller: Caller, deed: Deed) -> func.HttpResponse:
        """Return 303 to a page; what was done is done, whether that can be said there or not."""
        headers = {"Location": f"{page}{self._said(caller, deed)}", "Cache-Control": "no-store"}
        return func.HttpResponse("", status_code=303, mimetype="text/plain", headers=headers)

    def _said(self, caller: Caller, deed: Deed) -> str:
        try:
            token = self._tokens.make(caller, deed.parts)
        except ServiceError as error:
            log.warning("what was done is not said once more: %s", error)
            return ""
        return f"?{urlencode({'did': deed.did, 'to': deed.about, 'more': deed.more, 'token': token})}#done"

    def told(self, asked: Asked) -> Deed | None:
        """Return what the person who asks for a page has just done; ``None`` where that is nothing."""
        said = {name: asked.request.params.get(name, "") for name in ("did", "to", "more", "token")}
        if asked.caller.kind is not Kind.PERSON or not said["token"]:
            return None
        deed = Deed(said["did"], said["to"], said["more"], made_at(said["token"]))
        try:
            found = self._tokens.believed(said["token"], asked.caller, deed.parts)
        except ServiceError as error:
            log.warning("what was done is not said once more: %s", error)
            return None
        return deed if found is Believed.YES else None
