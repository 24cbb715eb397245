"""People who may decide: they say of waves to continue, to restore or to cancel, through the API, when they please."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import requests

from infra.local.demo.watching import Watcher
from tests.chaos.mischief import Speaks

_HELD = ("held",)
_OPEN = ("planned", "canaries", "rolling", "restoring", *_HELD)
_WORDS: tuple[str, ...] = ("continue", "restore", "cancel", "")


class Approvers:
    """Says words, and remembers of which waves it said to continue.

    Args:
        watcher: calls the API.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self.continued: set[str] = set()
        self.heard = self.declined = self.refused = 0

    def sign_in(self) -> None:
        """Be given a key before anything fails: it is made where the storage account answers."""
        self._waves(_HELD)

    def play(self, act: Speaks) -> None:
        """Say a word of one of the waves that there are; a host that is down hears nothing."""
        try:
            found = self._waves(_HELD if act.of == "held" else _OPEN)
            if found:
                self._say(found[int(act.which * len(found))], act.word)
        except requests.RequestException:
            self.refused += 1

    def heal(self) -> None:
        """Answer for three of four that wait, one word after the other, and leave the fourth waiting."""
        try:
            for number, wave in enumerate(self._waves(_HELD)):
                if word := _WORDS[number % len(_WORDS)]:
                    self._say(wave, word)
        except requests.RequestException:
            self.refused += 1

    def _waves(self, states: Iterable[str]) -> list[dict[str, Any]]:
        return [one for state in states for one in self._of(state)]

    def _of(self, state: str) -> list[dict[str, Any]]:
        answer = self._watcher.api("GET", "waves", params={"state": state})
        answer.raise_for_status()
        waves: list[dict[str, Any]] = answer.json()["waves"]
        return waves

    def _say(self, wave: Mapping[str, Any], word: str) -> None:
        """Noted first: an answer that is lost may be that of a word that was heard."""
        if word == "continue":
            self.continued.add(str(wave["id"]))
        answer = self._watcher.api("POST", f"waves/{wave['id']}/{word}", json={"why": "so says the storm"})
        if answer.status_code == requests.codes.conflict:
            self.declined += 1
            return
        answer.raise_for_status()
        self.heard += 1
