"""``acr purge`` by its own rules, oddities and all: what it looks at first, what it spares, and what it lays bare.

https://github.com/Azure/acr-cli (cmd/acr/purge.go, cmd/repository/image_functions.go)
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.emulator.contents import Contents
from infra.local.emulator.manifests import DOCKER_LIST, INDEXES, OCI_INDEX, OCI_MANIFEST, Manifest
from infra.local.emulator.purge_request import PurgeRequest, seconds

_OF_OCI = (OCI_MANIFEST, OCI_INDEX)
_UNLOCKED = {"deleteEnabled": True, "writeEnabled": True}


@dataclass
class Purged:
    """What was deleted, or would have been; and what was to be, and is locked by something that lists do not show."""

    tags: list[str] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class Purge:
    """One run of the command against one registry.

    Args:
        contents: of the registry.
        request: the options.
    """

    def __init__(self, contents: Contents, request: PurgeRequest) -> None:
        self._contents = contents
        self._request = request
        self._before = time.time() + seconds(request.later) - seconds(request.ago)
        self._purged = Purged()

    def run(self) -> Purged:
        """Delete, repository by repository, and return what."""
        names = self._contents.repositories()
        for repository, expression in self._request.by_repository(names).items():
            self._purge(repository, expression)
        return self._purged

    def _purge(self, repository: str, expression: str) -> None:
        untagged: Counter[str] = Counter()
        if not self._request.untagged_only:
            for tag in self._old_tags(repository, expression):
                untagged[tag["digest"]] += 1
                self._delete_tag(repository, tag["name"])
        if self._request.untagged or self._request.untagged_only:
            for manifest in self._dangling(repository, untagged):
                self._delete_manifest(repository, manifest["digest"])

    def _old_tags(self, repository: str, expression: str) -> list[dict[str, Any]]:
        """Return the tags to be deleted; those are kept that are the newest of them, and no others are counted."""
        found = [tag for tag in self._contents.tags(repository) if re.search(expression, tag["name"])]
        old = [tag for tag in found if self._updated(repository, tag["name"]) < self._before and self._may_delete(tag)]
        newest = sorted(old, key=lambda tag: self._updated(repository, tag["name"]), reverse=True)
        return newest[self._request.keep :]

    def _dangling(self, repository: str, untagged: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return the manifests to be deleted.

        A lock is looked at before anything else, so the children of a locked index are not spared for it.
        """
        candidates: dict[str, dict[str, Any]] = {}
        spared: set[str] = set()
        for manifest in self._contents.manifests(repository):
            if not self._may_delete(manifest):
                continue
            if self._is_protected(repository, manifest, untagged):
                if manifest["mediaType"] in INDEXES:
                    spared |= self._below(repository, manifest["digest"])
                continue
            candidates[manifest["digest"]] = manifest
            spared |= self._referring(repository, manifest)
        found = [manifest for digest, manifest in candidates.items() if digest not in spared]
        newest = sorted(found, key=lambda one: self._updated(repository, one["digest"]), reverse=True)
        return newest[self._request.keep :]

    def _may_delete(self, entry: Mapping[str, Any]) -> bool:
        attributes = entry["changeableAttributes"]
        return self._request.include_locked or (attributes["deleteEnabled"] and attributes["writeEnabled"])

    def _is_protected(self, repository: str, manifest: Mapping[str, Any], untagged: Mapping[str, int]) -> bool:
        """Tell whether a tag or its age spares a manifest; in a dry run the tags that would be gone are gone."""
        gone = untagged.get(manifest["digest"], 0) if self._request.dry_run else 0
        return len(manifest["tags"]) > gone or self._updated(repository, manifest["digest"]) > self._before

    def _referring(self, repository: str, manifest: Mapping[str, Any]) -> set[str]:
        """Return what is spared because a candidate has a subject: itself, or what it lists, if it is an index.

        That the index itself is not spared then is the tool's.
        """
        found = self._contents.manifest(repository, manifest["digest"])
        if found is None or manifest["mediaType"] not in _OF_OCI or not found.subject:
            return set()
        return self._below(repository, found.digest) or {found.digest}

    def _below(self, repository: str, digest: str) -> set[str]:
        """Return the digests of all that an index lists, and that indexes in it list."""
        found = self._contents.manifest(repository, digest)
        children = found.children if isinstance(found, Manifest) else []
        below = {child["digest"] for child in children}
        for child in children:
            if child.get("mediaType") in (OCI_INDEX, DOCKER_LIST):
                below |= self._below(repository, child["digest"])
        return below

    def _updated(self, repository: str, reference: str) -> float:
        return self._contents.updated(repository, reference)

    def _delete_tag(self, repository: str, tag: str) -> None:
        name = f"{repository}:{tag}"
        if self._request.dry_run:
            self._purged.tags.append(name)
            return
        self._unlock(repository, [tag])
        if self._contents.delete_tag(repository, tag):
            self._purged.tags.append(name)
        else:
            self._purged.skipped.append(name)

    def _delete_manifest(self, repository: str, digest: str) -> None:
        name = f"{repository}@{digest}"
        if self._request.dry_run:
            self._purged.manifests.append(name)
            return
        self._unlock(repository, [digest])
        if self._contents.delete_manifest(repository, digest):
            self._purged.manifests.append(name)
        else:
            self._purged.skipped.append(name)

    def _unlock(self, repository: str, references: Iterable[str]) -> None:
        if self._request.include_locked:
            for reference in references:
                self._contents.change(repository, reference, _UNLOCKED)
