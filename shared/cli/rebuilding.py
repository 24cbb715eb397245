"""Follows the rebuilds of what is built on a digest, once the digest is promoted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.cli.client import Document
from shared.cli.exits import Exit
from shared.cli.naming import MOST_REBUILDS
from shared.cli.session import Session

ENDS = frozenset(
    {"succeeded", "up-to-date", "overtaken", "withdrawn", "failed", "undecided", "by-acr-alone", "by-nobody"}
)
_FAILED = frozenset({"failed", "by-nobody"})
# The app looks for what is built on a base when the base registry tells of the push, or soon after it looks itself.
_UNTIL_THEY_ARE_ASKED = 60.0


class Rebuilding:
    """Looks at the rebuilds of one candidate's digest.

    Args:
        to: asks the app.
    """

    def __init__(self, to: Session) -> None:
        self._to = to
        self._begun: float | None = None

    def look(self, candidate: Document, tell: Callable[[Document], None]) -> Exit | None:
        """Look once.

        Args:
            candidate: which is promoted.
            tell: is told how each rebuild stands.

        Returns:
            0 if all have ended well, or none was asked for within a minute; 1 if one failed; ``None`` while one is
            under way.
        """
        self._begun = self._to.around.passed() if self._begun is None else self._begun
        found = [*self._of(candidate)]
        for one in found:
            tell(_event(one))
        if any(one["status"] not in ENDS for one in found):
            return None
        if not found and self._to.around.passed() - self._begun < _UNTIL_THEY_ARE_ASKED:
            return None
        if not found:
            self._to.tell("no rebuild was asked for within a minute: nothing is known to be built on it")
        return Exit.NO if any(one["status"] in _FAILED for one in found) else Exit.FINE

    def _of(self, candidate: Document) -> Iterator[Document]:
        places = {f"{each['repository']}:{each['tag']}" for each in candidate["targets"]}
        for part in self._to.client.parts("rebuilds", most=MOST_REBUILDS):
            for one in part["rebuilds"]:
                if one["base_digest"] == candidate["digest"] and one["base"] in places:
                    yield one


def _event(one: Document) -> Document:
    told = {"of": "rebuild", "id": f"{one['registry']}/{one['task']}", "status": one["status"], "at": one["since"]}
    return {**told, "detail": one.get("detail") or f"on {one['base']}"}
