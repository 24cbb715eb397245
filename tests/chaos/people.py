"""People at the base registry: they lock and open what they please, and remember what they locked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from infra.local.demo.registry_user import RegistryUser
from infra.local.demo.watching import Watcher
from infra.local.topology import Topology
from tests.chaos.cast import LOCKABLE, Place
from tests.chaos.mischief import Locks

# What is never opened once it was locked: what is decided for these waits when all else is over.
STAYS = frozenset(place for place in LOCKABLE if place.target in {"base/cat:5", "base/hen:4"})
_A_PAGE = 1000
_REFUSED = (requests.RequestException, KeyError)


def is_closed(attributes: Mapping[str, Any]) -> bool:
    """Whether what is told of something says that it is locked."""
    allowed: Mapping[str, bool] = attributes["changeableAttributes"]
    return not allowed["writeEnabled"] and not allowed["deleteEnabled"]


class People:
    """Locks and opens, as an operator with the Azure CLI does.

    Args:
        topology: of the twin.
        watcher: knows how people sign in.
    """

    def __init__(self, topology: Topology, watcher: Watcher) -> None:
        self._user = RegistryUser(topology, watcher)
        # Repository and tag, and whether they were told that it is locked; a tag that is empty is the repository.
        self._locked: dict[tuple[str, str], bool] = {}
        self.touched: list[str] = []
        self.locks = self.opened = self.undone = self.refused = 0

    def sign_in(self) -> None:
        """Sign in before anything fails: nobody else asks for tokens so often, so that they would meet each fault."""
        self._user.sign_in()

    def play(self, act: Locks) -> None:
        """Lock or open; what does not answer is left."""
        try:
            self._play(act)
        except _REFUSED:
            self.refused += 1

    def heal(self) -> None:
        """Open all that they locked, but what stays; and see to it that this is locked."""
        for repository, tag in tuple(self._locked):
            if not self._stays(repository, tag):
                self._open(repository, tag)
        for place in STAYS:
            self._lock(place.base_repository, place.tag)

    def held(self) -> tuple[str, ...]:
        """Return the names of the tags that they keep locked, as ``base/cat:10``."""
        return tuple(f"{repository}:{tag}" for repository, tag in self._locked)

    def listed(self, repository: str, kind: str) -> dict[str, bool]:
        """Return which tags, or manifests by digest, are locked.

        Args:
            repository: of the base registry.
            kind: ``tags`` or ``manifests``.
        """
        answer = self._ask("GET", f"/acr/v1/{repository}/_{kind}?n={_A_PAGE}", repository)
        name = "name" if kind == "tags" else "digest"
        return {str(one[name]): is_closed(one) for one in answer.get(kind) or ()}

    def _play(self, act: Locks) -> None:
        repository, tag = act.place.base_repository, act.place.tag
        if act.how == "lock":
            self._lock(repository, tag)
        elif act.how == "lock repository":
            self._lock(repository, "")
        elif act.how == "open":
            self._open_first()
        else:
            self._undo(act.place)

    def _lock(self, repository: str, tag: str) -> None:
        """Noted first: an answer that is lost may be that of a lock. What is not there cannot be locked."""
        known = self._locked.get((repository, tag), False)
        if self._find(repository, tag) is None:
            return
        self._locked[repository, tag] = known
        self._change(repository, tag, closed=True)
        self._locked[repository, tag] = True
        self.locks += 1

    def _open_first(self) -> None:
        open_ = next((key for key in self._locked if not self._stays(*key)), None)
        if open_ is not None:
            self._open(*open_)

    def _open(self, repository: str, tag: str) -> None:
        """They look before they open: who else opened it was not asked to."""
        found = self._find(repository, tag)
        if self._locked[repository, tag] and (found is None or not is_closed(found)):
            self.touched.append(f"{repository}:{tag}" if tag else repository)
        self._locked[repository, tag] = False
        if found is not None:
            self._change(repository, tag, closed=False)
        del self._locked[repository, tag]
        self.opened += 1

    def _undo(self, place: Place) -> None:
        found = self._find(place.base_repository, place.tag)
        if found is not None and is_closed(found):
            self._change(place.base_repository, place.tag, closed=False)
            self.undone += 1

    def _stays(self, repository: str, tag: str) -> bool:
        return (repository, tag) in {(place.base_repository, place.tag) for place in STAYS}

    def _find(self, repository: str, tag: str) -> dict[str, Any] | None:
        answer = self._ask("GET", _path(repository, tag), repository, missing=True)
        found: dict[str, Any] | None = answer.get("tag", answer) if answer else None
        return found

    def _change(self, repository: str, tag: str, *, closed: bool) -> None:
        rights = {"writeEnabled": not closed, "deleteEnabled": not closed}
        self._ask("PATCH", _path(repository, tag), repository, json=rights)

    def _ask(self, method: str, path: str, repository: str, *, missing: bool = False, **body: Any) -> dict[str, Any]:
        """What is ``missing`` may be so, and is nothing."""
        answer = self._user.ask(method, path, repository, "metadata_read,metadata_write", **body)
        if missing and answer.status_code == requests.codes.not_found:
            return {}
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content


def _path(repository: str, tag: str) -> str:
    return f"/acr/v1/{repository}/_tags/{tag}" if tag else f"/acr/v1/{repository}"
