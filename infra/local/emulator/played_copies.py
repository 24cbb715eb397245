"""Copies between registries without a process for each: the same blobs and manifests, and only what is not there yet.

https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import requests

from infra.local.emulator.backing import Backing
from infra.local.emulator.copies import ImportFailedError, Source


class PlayedCopies:
    """Moves tags: blobs that a registry has in another repository are mounted from there, and sent once otherwise."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], list[str]] = {}

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
        manifest = json.loads(body)
        for entry in manifest.get("manifests") or []:
            self._copy(source, entry["digest"], target, repository, entry["digest"])
        for digest in _blobs(manifest):
            self._bring(source, digest, target, repository)
        target.push_manifest(repository, reference, body, media_type)

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
