"""Copies between registries without a process for each: the same blobs and manifests, and only what is not there yet.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import requests

from infra.local.emulator.backing import Backing
from infra.local.emulator.copies import ImportFailedError, Source

# So that those which are due need not wait for all that are not.
_PREPARED_AT_ONCE = 2


class PlayedCopies:
    """Moves tags: blobs that a registry has in another repository are mounted from there, and sent once otherwise."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], list[str]] = {}
        self._turns = threading.Semaphore(_PREPARED_AT_ONCE)

    def prepare(self, source: Source, target: Backing, repositories: Iterable[str], seconds: float) -> None:
        """Bring, while an import's time passes, all that its image is made of, and nothing by which it can be found.

        So a tag moves when it is due, even if a hundred are due at once. An image that is not whole fails in ``copy``.

        Args:
            source: what is to be copied.
            target: the registry that is to have it.
            repositories: where.
            seconds: how long to wait for a turn; without one nothing is prepared, and ``copy`` does it all.
        """
        if not self._turns.acquire(timeout=seconds):
            return
        try:
            with suppress(requests.HTTPError):
                self._bring_all(source, target, repositories)
        finally:
            self._turns.release()

    def _bring_all(self, source: Source, target: Backing, repositories: Iterable[str]) -> None:
        body, _ = source.backing.raw_manifest(source.repository, source.reference)
        for repository in repositories:
            with target.writing(repository):
                self._bring_parts(source, body, target, repository)

    def copy(self, source: Source, target: Backing, repository: str, reference: str) -> None:
        """Copy an image or a whole index, byte for byte; one at a time into a repository.

        Raises:
            ImportFailedError: a part of it is not in the source, or the target refuses one.
        """
        try:
            with target.writing(repository):
                self._copy_or_begin_anew(source, target, repository, reference)
        except requests.HTTPError as error:
            raise ImportFailedError("InvalidParameters", f"Error copying blobs. {error}") from error

    def _copy_or_begin_anew(self, source: Source, target: Backing, repository: str, reference: str) -> None:
        """Copy; and if that fails, once more with nothing taken to be there, for blobs can be deleted."""
        try:
            self._copy(source, source.reference, target, repository, reference)
        except requests.HTTPError:
            self._places.clear()
            self._copy(source, source.reference, target, repository, reference)

    def _copy(self, source: Source, wanted: str, target: Backing, repository: str, reference: str) -> None:
        body, media_type = source.backing.raw_manifest(source.repository, wanted)
        self._bring_parts(source, body, target, repository)
        target.push_manifest(repository, reference, body, media_type)

    def _bring_parts(self, source: Source, body: bytes, target: Backing, repository: str) -> None:
        manifest = json.loads(body)
        for entry in manifest.get("manifests") or []:
            self._bring_manifest(source, entry["digest"], target, repository)
        for digest in _blobs(manifest):
            self._bring(source, digest, target, repository)

    def _bring_manifest(self, source: Source, digest: str, target: Backing, repository: str) -> None:
        places = self._places.setdefault((target.address, digest), [])
        if repository not in places:
            self._copy(source, digest, target, repository, digest)
            places.append(repository)

    def _bring(self, source: Source, digest: str, target: Backing, repository: str) -> None:
        """Have a blob in a repository; whether it has all of them the registry checks when it is given the manifest."""
        places = self._places.setdefault((target.address, digest), [])
        if repository in places:
            return
        known = source.repository if source.backing is target else (places or [""])[0]
        if not (known and target.mount_blob(repository, digest, known)):
            target.push_blob(repository, source.backing.blob(source.repository, digest))
        places.append(repository)


def _blobs(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the digests that a manifest is made of; an index has none."""
    for entry in (manifest.get("config"), *(manifest.get("layers") or [])):
        if entry:
            yield entry["digest"]
