"""What an import does about a manifest's subject, and about locks: it is not known of Azure, so the settings say.

https://learn.microsoft.com/azure/container-registry/container-registry-import-images
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from infra.local.emulator.copies import Copy, Import, ImportFailedError, Source
from infra.local.emulator.locks import Locks
from infra.local.emulator.registries import Registries
from infra.local.emulator.setting_choices import FOLLOWED, REQUIRED
from infra.local.emulator.settings import Settings
from infra.local.emulator.wire import DISALLOWED

# Whoever follows subjects stops somewhere, should they go in a circle.
_DEEPEST = 5


class ImportRules:
    """Refuses what the settings say Azure refuses, and brings along what they say it brings along."""

    def __init__(self, registries: Registries, locks: Locks, settings: Settings) -> None:
        self._registries = registries
        self._locks = locks
        self._settings = settings

    def check(self, wanted: Import) -> None:
        """Look at the target before anything is copied.

        Raises:
            ImportFailedError: a repository is locked, where imports heed that; or a subject is not there, where they
                want one.
        """
        locked = [name for name in wanted.repositories if not self._locks.may_write(wanted.part, name)]
        if locked and self._settings.now.imports_heed_repository_locks:
            raise ImportFailedError("InvalidParameters", f"{DISALLOWED}: {locked[0]}")
        if self._settings.now.import_subjects == REQUIRED:
            self._check_subject(wanted)

    def bring_subjects(self, wanted: Import, copy: Copy) -> None:
        """Copy the subjects of what is imported, without a tag, where imports follow them."""
        if self._settings.now.import_subjects == FOLLOWED:
            target = self._registries.backing(wanted.part)
            for source in self._above(wanted.source):
                for repository in wanted.repositories:
                    copy(source, target, repository, source.reference)

    def _check_subject(self, wanted: Import) -> None:
        subject = _subject(wanted.source)
        shelf = self._registries.shelf(wanted.part)
        for repository in wanted.repositories:
            if subject and not shelf.has(repository, subject):
                raise ImportFailedError("InvalidParameters", f"manifest unknown: {subject} in {repository}")

    def _above(self, source: Source) -> Iterator[Source]:
        for _ in range(_DEEPEST):
            subject = _subject(source)
            source = replace(source, reference=subject)
            if not subject or source.backing.head(source.repository, subject) is None:
                return
            yield source


def _subject(source: Source) -> str:
    manifest = source.backing.manifest(source.repository, source.reference) or {}
    subject = manifest.get("subject")
    return str(subject.get("digest") or "") if isinstance(subject, dict) else ""
