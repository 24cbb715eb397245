"""What a person says of a wave by its page: a form is a request of the API, from whom it was shown to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import azure.functions as func
import msgspec

from shared.domain.access.callers import Caller, Kind
from shared.domain.links import Links
from shared.domain.promotion.actions import Declined
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.waves.speaking import said
from shared.domain.waves.states import MemberState
from shared.domain.waves.wave import Spoken, Wave, Word
from shared.errors import MalformedRequest
from shared.rules.form_keys import FormTokens
from shared.web.asked import Asked, Handler
from shared.web.pages.deeds import CANCELLED, CONTINUED, RESTORED, Deed, Deeds
from shared.web.pages.sent import believe, by_a_person_on_our_page, sent_fields, token_for
from shared.web.routes import ACTING

_ACTS = {Word.CONTINUE: CONTINUED, Word.RESTORE: RESTORED, Word.CANCEL: CANCELLED}
_LABELS = {
    Word.CONTINUE: "Rebuild the others",
    Word.RESTORE: "Take the tag back",
    Word.CANCEL: "Cancel the wave",
}
_FIELDS = frozenset({"word", "number", "why", "token"})


class WordView(msgspec.Struct, frozen=True):
    """One form.

    Attributes:
        word: what it says.
        label: of its button.
        told: what it comes to.
        may_not: why its reader cannot say it now; empty for who can.
        token: of the form; empty where there is none.
    """

    word: Word
    label: str
    told: str
    may_not: str
    token: str


class WaveForms:
    """Offers forms, and takes them.

    Args:
        acting: what serves each address of the API that acts, by its name.
        tokens: makes tokens of forms, and believes them.
        deeds: leads to the page that says what was done.
    """

    def __init__(self, acting: Mapping[str, Handler], tokens: FormTokens, deeds: Deeds) -> None:
        self._acting = acting
        self._tokens = tokens
        self._deeds = deeds

    def words(self, wave: Wave, target: Target | None, caller: Caller, now: datetime) -> tuple[WordView, ...]:
        """Return the forms that somebody is shown; none for who cannot act.

        Args:
            wave: its record.
            target: its tag's record; ``None`` if there is none any more.
            caller: who is shown them.
            now: UTC.
        """
        if caller.kind is not Kind.PERSON or not caller.roles & ACTING or wave.is_over:
            return ()
        return tuple(self._view(word, wave, target, caller, now) for word in Word)

    def _view(self, word: Word, wave: Wave, target: Target | None, caller: Caller, now: datetime) -> WordView:
        may_not = _may_not(word, wave, target, caller, now)
        token = "" if may_not else token_for(self._tokens, caller, ACTING, _about(word, wave.id, wave.number))
        return WordView(word, _LABELS[word], _comes_to(word, wave), may_not, token)

    def take(self, asked: Asked) -> func.HttpResponse:
        """Say what a form says.

        Returns:
            303 to the wave's page; or the problem that the API answers.

        Raises:
            MalformedRequest: it is no form of ours (400, 413, 415), or is refused (403).
        """
        by_a_person_on_our_page(asked)
        fields, wave = sent_fields(asked.request, _FIELDS), asked.parameters["wave"]
        word, number = _word(fields.get("word", "")), _number(fields.get("number", ""))
        believe(self._tokens, fields.get("token", ""), asked.caller, _about(word, wave, number))
        body = msgspec.json.encode({"why": fields.get("why", ""), "number": number})
        request = func.HttpRequest("POST", asked.request.url, headers={}, body=body)
        answer = self._acting[_ACTS[word]](Asked(request, {"wave": wave}, asked.caller))
        if answer.status_code >= 300:
            return answer
        return self._deeds.led_to(Links().wave(wave), asked.caller, Deed(_ACTS[word], wave))


def _about(word: Word, wave: str, number: int) -> tuple[str, ...]:
    return ("wave", word.value, wave, str(number))


def _word(text: str) -> Word:
    found = next((one for one in Word if one.value == text), None)
    if found is None:
        raise MalformedRequest("word: nobody can say that of a wave")
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise MalformedRequest("number: it is none")
    return int(text)


def _may_not(word: Word, wave: Wave, target: Target | None, caller: Caller, now: datetime) -> str:
    """It is asked again at the click, and that is what counts."""
    if wave.spoken is not None and wave.spoken.word is word:
        return f"{wave.spoken.said.by} said so already"
    outcome = said(wave, target, Spoken(word, Said(caller.said, "", now)))
    return outcome.detail if isinstance(outcome, Declined) else ""


def _comes_to(word: Word, wave: Wave) -> str:
    left = sum(one.state is MemberState.WAITING for one in wave.members)
    if word is Word.CONTINUE:
        return f"{left} others are rebuilt on {wave.digest}, at most {wave.asked.wave} at once"
    if word is Word.CANCEL:
        return f"{left} others are not rebuilt and keep what they are built on; {wave.place} stays {wave.digest}"
    former = wave.former or "what it was before"
    return f"{wave.place} becomes {former}, and {wave.digest} is not taken for it by itself any more"
