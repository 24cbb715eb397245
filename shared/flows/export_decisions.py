"""Read what people decided, of all records, into one document."""

from __future__ import annotations

from collections.abc import Callable

from shared.access_ports import ApiKeys
from shared.domain.decisions.exporting import decisions_of
from shared.domain.decisions.records import Decisions
from shared.domain.promotion.target import Target
from shared.errors import UNREADABLE, ServiceError
from shared.ports import Clock
from shared.target_ports import Rulings, Targets


class DecisionExporter:
    """Exports what people decided.

    Args:
        targets: what was said of tags.
        rulings: what was said of digests and entries.
        keys: gives the API keys.
        registry: name of the base registry in force.
        installation: what the installation is called.
        clock: tells the time.
    """

    def __init__(
        self,
        targets: Targets,
        rulings: Rulings,
        keys: Callable[[], ApiKeys],
        *,
        registry: str,
        installation: str,
        clock: Clock,
    ) -> None:
        self._targets = targets
        self._rulings = rulings
        self._keys = keys
        self._registry = registry.lower()
        self._installation = installation
        self._clock = clock

    def export(self) -> Decisions:
        """Return what people decided until now; what was decided before the call is in it.

        Rows of targets that cannot be read are told in the document. Without the rulings there is none: where nobody
        can tell what is blocked, nothing is decided either.

        Raises:
            ServiceError: the storage account did not answer, or a ruling cannot be read.
        """
        now = self._clock()
        lacks: list[str] = []
        targets = [target for registry in self._registries() for target in self._of(registry, lacks)]
        return decisions_of(
            targets,
            self._rulings.every(),
            [stored.key for stored in self._keys().every()],
            registry=self._registry,
            installation=self._installation,
            now=now,
            lacks=lacks,
        )

    def _registries(self) -> list[str]:
        return sorted({self._registry} | {name for name, _ in self._targets.repositories()})

    def _of(self, registry: str, lacks: list[str]) -> list[Target]:
        """One row that cannot be read is no reason to keep nothing of all others."""
        found: list[Target] = []
        try:
            for stored in self._targets.every(registry):
                found.append(stored.record)
        except ServiceError as error:
            if error.code != UNREADABLE:
                raise
            lacks.append(f"targets of {registry}: {error}")
        return found
