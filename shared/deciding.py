"""Puts together what exports what people decided, brings it back and keeps it; see ``shared.bootstrap``.

What only this needs is loaded when it is first needed; without another account that keeps decisions, nothing is.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from azure.functions import HttpResponse

    from shared.bootstrap import Parts
    from shared.decision_ports import Vault
    from shared.domain.watching.troubles import Trouble
    from shared.flows.export_decisions import DecisionExporter
    from shared.flows.import_decisions import DecisionImporter
    from shared.flows.keep_decisions import DecisionKeeper
    from shared.rules.remembering import Memory
    from shared.storage_settings import Storage
    from shared.web.asked import Asked
    from shared.web.decisions import DecisionPages


class Deciding:
    """What people decided, as one document.

    Args:
        parts: the other parts of the app.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def _elsewhere(self) -> Storage | None:
        return self._parts.settings.decisions_storage

    def remembers(self) -> bool:
        """Whether what people decided is known here; raises ``ServiceError`` where that cannot be told."""
        return self._elsewhere is None or self.memory.remembers()

    def sweep(self) -> None:
        """Keep what people decided in another account, where one is set; see ``DecisionKeeper.sweep``."""
        if self._elsewhere is not None:
            self.keeper.sweep()

    def troubles(self) -> Iterable[Trouble]:
        """Return what is wrong with what is kept elsewhere."""
        return self.keeper.troubles() if self._elsewhere is not None else ()

    def export(self, asked: Asked) -> HttpResponse:
        """Serve the document of what people decided; see ``DecisionPages.export``."""
        return self._pages.export(asked)

    def bring_back(self, asked: Asked) -> HttpResponse:
        """Bring back what a document says; see ``DecisionPages.bring_back``."""
        return self._pages.bring_back(asked)

    @cached_property
    def exporter(self) -> DecisionExporter:
        """Reads what people decided."""
        from shared.flows.export_decisions import DecisionExporter  # noqa: PLC0415

        parts = self._parts
        return DecisionExporter(
            parts.targets,
            parts.rulings,
            lambda: parts.api_keys,
            registry=parts.target_book.registry,
            installation=parts.settings.installation,
            clock=parts.clock,
        )

    @cached_property
    def importer(self) -> DecisionImporter:
        """Brings back what people decided."""
        from shared.flows.import_decisions import DecisionImporter  # noqa: PLC0415

        parts = self._parts
        return DecisionImporter(
            parts.target_book,
            parts.rulings,
            parts.base,
            parts.base,
            parts.activity,
            lambda: parts.api_keys,
            finish=parts.ruler.finish,
            remembered=self._remembered,
        )

    def _remembered(self) -> None:
        if self._elsewhere is not None:
            self.memory.remembered()

    @cached_property
    def memory(self) -> Memory:
        """Knows whether what people decided is known here."""
        from shared.rules.remembering import Memory  # noqa: PLC0415

        parts = self._parts
        return Memory(parts.keepings, self._vault, parts.target_book.registry, parts.clock)

    @cached_property
    def keeper(self) -> DecisionKeeper:
        """Keeps documents elsewhere."""
        from shared.flows.keep_decisions import DecisionKeeper  # noqa: PLC0415

        return DecisionKeeper(self.exporter.export, self.memory, self._vault, self._parts.clock)

    @cached_property
    def _vault(self) -> Vault:
        storage = self._elsewhere
        assert storage is not None  # noqa: S101  nothing of this is asked for otherwise
        return self._parts.vault(storage)

    @cached_property
    def _pages(self) -> DecisionPages:
        """Serves the addresses of the API."""
        from shared.web.decisions import DecisionPages  # noqa: PLC0415

        return DecisionPages(lambda: self.exporter, lambda: self.importer, self._parts.clock)
