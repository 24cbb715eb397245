"""The copy that an import is: made between the registries behind the fronts, with skopeo unless imports are played."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.local.emulator.backing import Backing
from infra.local.emulator.manifests import INDEXES

# https://learn.microsoft.com/azure/container-registry/container-registry-import-images
MOST_MANIFESTS = 50
_COPY_SECONDS = 600


@dataclass(frozen=True)
class Source:
    """Where an import copies from: a real registry, a repository, and a tag or digest."""

    backing: Backing
    repository: str
    reference: str

    @property
    def name(self) -> str:
        """The reference as the real registry knows it."""
        return reference_in(self.backing, self.repository, self.reference)


@dataclass
class Import:
    """One accepted import into a registry: tagged targets and repositories that get the digest without a tag.

    Attributes:
        registry, part: where to.
        image: the source as the request names it.
        source: where from.
        tags: targets with a tag.
        untagged: repositories that get the digest alone.
        refusal: why the source gives nothing away, if it does not.
        operation: what the import is called in its address and in errors.
        begun: whether copying has begun.
    """

    registry: str
    part: str
    image: str
    source: Source
    tags: tuple[tuple[str, str], ...]
    untagged: tuple[str, ...]
    refusal: str = ""
    operation: str = field(default_factory=lambda: f"registries-{uuid.uuid4()}")
    begun: bool = False

    @property
    def target(self) -> str:
        """How the import is called where operations are listed."""
        tagged = [f"{repository}:{tag}" for repository, tag in self.tags]
        return f"{self.registry}/{','.join([*tagged, *self.untagged])}"

    @property
    def repositories(self) -> list[str]:
        """The repositories that get the image."""
        return [*dict.fromkeys([repository for repository, _ in self.tags] + list(self.untagged))]

    def pending(self) -> dict[str, str]:
        """Return what a poll says of the import beside its status: its image, once that is being copied."""
        return {self.image: "Pending"} if self.begun else {}


class ImportFailedError(Exception):
    """The copy could not be made; code and text are what ARM would say."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


# Copies from a source to a repository's tag or digest.
Copy = Callable[[Source, Backing, str, str], None]


def copy_all(wanted: Import, target: Backing, copy: Copy, check: Callable[[Import], None]) -> str:
    """Copy an image, or a whole index, to all its targets, and return its digest.

    A lock on a tag is no hindrance, and stays. What refers to the image is left behind.

    Args:
        wanted: the import.
        target: the registry that is to have it.
        copy: copies.
        check: refuses what else is not to be.

    Raises:
        ImportFailedError: the source gives nothing away, or has no such image, or one of too many manifests, or the
            copy broke off.
    """
    source = wanted.source
    if wanted.refusal:
        raise ImportFailedError("InvalidParameters", wanted.refusal)
    found = source.backing.head(source.repository, source.reference)
    if found is None:
        message = "An error occurred when getting manifest. StatusCode: 404, Reason: Not Found"
        raise ImportFailedError("InvalidParameters", f"{message}: {source.repository}")
    _refuse_many(source)
    check(wanted)
    for repository, tag in wanted.tags:
        copy(source, target, repository, tag)
    for repository in wanted.untagged:
        copy(source, target, repository, found.digest)
    return found.digest


def reference_in(backing: Backing, repository: str, reference: str) -> str:
    """Return a reference as skopeo takes it."""
    return f"docker://{backing.address}/{repository}{'@' if ':' in reference else ':'}{reference}"


def _refuse_many(source: Source) -> None:
    count = _count(source, source.reference)
    if count > MOST_MANIFESTS:
        message = f"The image has {count} manifests; an import is limited to {MOST_MANIFESTS} manifests."
        raise ImportFailedError("InvalidParameters", message)


def _count(source: Source, reference: str) -> int:
    """Return how many manifests an index lists, those of indexes in it too; 1 of an image."""
    listed = (source.backing.manifest(source.repository, reference) or {}).get("manifests")
    if not isinstance(listed, list):
        return 1
    return sum(_count(source, child["digest"]) if child["mediaType"] in INDEXES else 1 for child in listed)


def copy_really(source: Source, target: Backing, repository: str, reference: str) -> None:
    """Copy an image or a whole index with skopeo, byte for byte; one at a time into a repository.

    Raises:
        ImportFailedError: skopeo's last words.
    """
    options = ["--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", "--quiet"]
    command = [
        "skopeo",
        "--insecure-policy",
        "copy",
        *options,
        source.name,
        reference_in(target, repository, reference),
    ]
    with target.writing(repository):
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COPY_SECONDS, check=False)
    if done.returncode:
        raise ImportFailedError("InvalidParameters", f"Error copying blobs. {done.stderr.strip()[-400:]}")
