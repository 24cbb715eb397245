"""Which images a run's storage holds.

As on the fresh machine ACR gives every run: a base is pulled once, at the digest its tag points at then, and an image
the run has built is used without a pull.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from infra.local.runner.engine import Engine
from infra.local.runner.limits import Limits
from infra.local.runner.reference import Reference
from infra.local.runner.registry import resolve
from infra.local.runner.rights import PULL, Rights


class Images:
    """The images of one run, built or pulled."""

    def __init__(self, engine: Engine, registries: Mapping[str, str], rights: Rights) -> None:
        self._engine = engine
        self._registries = registries
        self._rights = rights
        self._digests: dict[Reference, str] = {}
        self._lock = threading.Lock()

    def built(self, reference: Reference) -> None:
        """Remember an image that the run has just built; it has no digest before it is pushed."""
        with self._lock:
            self._digests[reference] = ""

    def ensure(self, reference: Reference, limits: Limits) -> str:
        """Have ``reference`` in storage, and return the digest it was pulled at; empty if it was built here.

        Raises:
            EngineError: its registry is unknown, does not answer, does not have it, or gives it to others only.
        """
        with self._lock:
            if reference not in self._digests:
                self._rights.require(PULL, reference)
                digest = resolve(reference, self._registries)
                self._engine.pull(reference.at(digest), reference.tagged if reference.tag else "", limits)
                self._digests[reference] = digest
            return self._digests[reference]
