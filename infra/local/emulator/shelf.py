"""What a registry keeps, read from its folder: its API lists no manifest without a tag, and no tag with its digest.

Nor can it delete a tag alone, which ACR does.

https://distribution.github.io/distribution/storage-drivers/filesystem/ (layout: registry/storage/paths.go of 2.8)
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from infra.local.emulator.manifests import Manifest
from infra.local.emulator.subjects import Subjects

_ROOT = Path("docker/registry/v2")
# A link is truncated before it is written anew: whoever reads an empty one looks again.
_LOOKS, _BETWEEN = 10, 0.005


class Shelf:
    """The contents of one registry (CNCF Distribution 2.8 on a file system).

    Args:
        folder: the root directory of its storage.
    """

    def __init__(self, folder: Path) -> None:
        self._repositories = folder / _ROOT / "repositories"
        self._blobs = folder / _ROOT / "blobs"
        self._read: dict[str, Manifest] = {}
        self._subjects = Subjects(self.manifest)

    def tags(self, repository: str) -> dict[str, str]:
        """Return each tag of a repository with the digest it is on, in lexical order."""
        folder = self._manifests(repository) / "tags"
        found = {tag: _link(folder / tag / "current" / "link") for tag in _names(folder)}
        return {tag: found[tag] for tag in sorted(found) if found[tag]}

    def tag(self, repository: str, tag: str) -> str:
        """Return the digest that a tag is on; empty if there is no such tag."""
        return _link(self._manifests(repository) / "tags" / tag / "current" / "link")

    def untag(self, repository: str, tag: str) -> None:
        """Delete a tag and leave its manifest, as the registry does with the tags of what it deletes."""
        manifests = self._manifests(repository)
        gone = manifests / f"untagged-{uuid.uuid4().hex}"
        # At one go; what is then deleted bit by bit is no tag any more.
        with suppress(FileNotFoundError):
            (manifests / "tags" / tag).rename(gone)
            shutil.rmtree(gone)

    def digests(self, repository: str) -> list[str]:
        """Return the digest of every manifest in a repository, tagged or not, in lexical order."""
        folder = self._revisions(repository)
        return [_digest(name) for name in sorted(_names(folder)) if (folder / name / "link").exists()]

    def holds_something(self, repository: str) -> bool:
        """Tell whether there is any manifest in a repository."""
        folder = self._revisions(repository)
        return any((folder / name / "link").exists() for name in _names(folder))

    def has(self, repository: str, digest: str) -> bool:
        """Tell whether a manifest is in a repository."""
        return (self._manifests(repository) / "revisions" / digest.replace(":", "/", 1) / "link").exists()

    def manifest(self, repository: str, digest: str) -> Manifest | None:
        """Return a manifest by its digest, or ``None`` if it is not in the repository."""
        if not self.has(repository, digest):
            return None
        if digest not in self._read:
            name = digest.partition(":")[2]
            self._read[digest] = Manifest.read(digest, (self._blobs / "sha256" / name[:2] / name / "data").read_bytes())
        return self._read[digest]

    def manifests(self, repository: str) -> Iterator[Manifest]:
        """Yield every manifest of a repository in the order of their digests."""
        for digest in self.digests(repository):
            found = self.manifest(repository, digest)
            if found is not None:
                yield found

    def referrers(self, repository: str, subject: str) -> list[Manifest]:
        """Return the manifests of a repository that refer to one, whether that is there or not."""
        self._subjects.look(repository, map(_digest, _names(self._revisions(repository))))
        return self._subjects.referring(repository, subject)

    def indexes_of(self, repository: str, digest: str) -> list[str]:
        """Return the digests of the indexes of a repository that list a manifest."""
        return [one.digest for one in self.manifests(repository) if digest in (kid["digest"] for kid in one.children)]

    def repositories(self) -> list[str]:
        """Return the names of the repositories that hold a manifest."""
        names = sorted(str(path.relative_to(self._repositories)) for path in self._folders())
        return [name for name in names if self.holds_something(name)]

    def _folders(self) -> Iterator[Path]:
        for where, folders, _ in os.walk(self._repositories):
            if "_manifests" in folders:
                yield Path(where)
            # What begins so holds links, no repositories.
            folders[:] = [name for name in folders if not name.startswith("_")]

    def _revisions(self, repository: str) -> Path:
        return self._manifests(repository) / "revisions" / "sha256"

    def _manifests(self, repository: str) -> Path:
        return self._repositories / repository / "_manifests"


def _digest(name: str) -> str:
    return f"sha256:{name}"


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []


def _link(path: Path) -> str:
    """Return what a link points at; empty if there is none."""
    for _ in range(_LOOKS):
        try:
            text = path.read_text()
        except FileNotFoundError:
            return ""
        if text:
            return text
        time.sleep(_BETWEEN)
    return ""
