"""Blobs of one container, read and written whole, and the evidence that is kept in them.

Conditional reads: https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.errors import translated
from shared.errors import Conflict, NotFound
from shared.evidence_ports import Kept

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

_TEXT = "text/plain; charset=utf-8"
# Logs of runs are kept shortened; this is for whatever else somebody may have put there.
_LARGEST_EVIDENCE = 64 * 1024 * 1024
# Of files that come with the app nobody asks when they were written.
_UNKNOWN = datetime.min.replace(tzinfo=UTC)


class Blob(msgspec.Struct, frozen=True):
    """A blob as it was read."""

    content: bytes
    etag: str
    modified: datetime


class Listed(msgspec.Struct, frozen=True):
    """A blob as a listing tells of it; ``size`` in bytes, ``modified`` in UTC."""

    name: str
    etag: str
    size: int
    modified: datetime = _UNKNOWN


class Container:
    """Reads and writes blobs. A container that is not there is empty, and made by the first write.

    Args:
        account: where it is.
        name: its name.
    """

    def __init__(self, account: StorageAccount, name: str) -> None:
        self._account = account
        self._name = name

    def read(self, name: str, most: int, known: Blob | None = None) -> Blob | None:
        """Read a blob, in one small transaction if it is the one that is known.

        Args:
            name: the blob's name.
            most: how many bytes are read; the rest of a larger blob is left.
            known: what it was when last read.

        Returns:
            The blob, ``known`` itself if it has not changed, or ``None`` if there is no such blob.
        """
        from azure.core import MatchConditions  # noqa: PLC0415

        guard: dict[str, Any] = {}
        if known:
            guard = {"etag": known.etag, "match_condition": MatchConditions.IfModified}
        return self._download(name, most, guard, known)

    def read_same(self, listed: Listed) -> bytes:
        """Read the blob that was listed.

        Raises:
            Conflict: it has changed since.
            NotFound: it is gone since.
        """
        from azure.core import MatchConditions  # noqa: PLC0415

        unchanged = MatchConditions.IfNotModified
        with translated(f"reading the blob {self._name}/{listed.name}"):
            return self._client.download_blob(listed.name, etag=listed.etag, match_condition=unchanged).readall()

    def write(self, name: str, content: bytes) -> None:
        """Write a blob, replacing what it held. One transaction."""
        try:
            self._upload(name, content)
        except NotFound:
            self._create()
            self._upload(name, content)

    def write_same(self, name: str, content: bytes, etag: str) -> str:
        """Write a blob that nobody changed since it was read, and return its new ETag. One transaction.

        Args:
            name: the blob's name.
            content: what it is to hold.
            etag: as it was read; empty for a blob that was not there.

        Raises:
            Conflict: somebody did change it.
        """
        try:
            return self._upload(name, content, etag)
        except NotFound:
            if etag:
                raise Conflict(f"the blob {self._name}/{name} is not there any more") from None
            self._create()
            return self._upload(name, content, etag)

    def under(self, prefix: str) -> Iterator[Listed]:
        """Iterate over the blobs whose names begin with a prefix, sorted. One transaction for each five thousand.

        A container that is not there has none.
        """
        try:
            yield from self.surely_under(prefix)
        except NotFound:
            return

    def surely_under(self, prefix: str) -> Iterator[Listed]:
        """See ``under``; a container that is not there is no answer.

        Raises:
            NotFound: it is not there.
        """
        with translated(f"listing the blobs {self._name}/{prefix}"):
            for blob in self._client.list_blobs(name_starts_with=prefix):
                yield Listed(blob.name, str(blob.etag), int(blob.size), blob.last_modified)

    def delete(self, name: str, etag: str) -> bool:
        """Delete a blob that is still what was listed; ``False`` if it is not. One transaction."""
        from azure.core import MatchConditions  # noqa: PLC0415

        unchanged = MatchConditions.IfNotModified
        try:
            with translated(f"deleting the blob {self._name}/{name}"):
                self._client.delete_blob(name, etag=etag, match_condition=unchanged)
        except (Conflict, NotFound):
            return False
        return True

    @property
    def _client(self) -> ContainerClient:
        return self._account.container(self._name)

    def _download(self, name: str, most: int, guard: dict[str, Any], known: Blob | None) -> Blob | None:
        from azure.core.exceptions import HttpResponseError  # noqa: PLC0415

        try:
            with translated(f"reading the blob {self._name}/{name}"):
                try:
                    found = self._client.download_blob(name, **guard)
                    return Blob(found.read(most), str(found.properties.etag), found.properties.last_modified)
                except HttpResponseError as error:
                    if error.status_code == 304:
                        return known
                    raise
        except NotFound:
            return None

    def _upload(self, name: str, content: bytes, etag: str | None = None) -> str:
        """``None`` replaces whatever is there, and an empty ETag nothing; returns the new one."""
        from azure.core import MatchConditions  # noqa: PLC0415
        from azure.storage.blob import ContentSettings  # noqa: PLC0415

        unchanged: dict[str, Any] = {}
        if etag:
            unchanged = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        with translated(f"writing the blob {self._name}/{name}"):
            settings, client = ContentSettings(content_type=_TEXT), self._client.get_blob_client(name)
            written = client.upload_blob(content, overwrite=etag != "", content_settings=settings, **unchanged)
        return str(written["etag"])

    def _create(self) -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415

        with translated(f"making the blob container {self._name}"):
            try:
                self._client.create_container()
            except ResourceExistsError:
                return


class EvidenceBlobs:
    """The port ``EvidenceStore``: text that browsers show, in the container ``evidence``.

    Args:
        account: where the container is.
    """

    def __init__(self, account: StorageAccount) -> None:
        self._container = Container(account, "evidence")

    def keep(self, candidate: str, name: str, content: bytes) -> None:
        """See ``Evidence.keep``. One transaction."""
        self._container.write(f"{candidate}/{name}", content)

    def read(self, candidate: str, name: str) -> bytes | None:
        """See ``Evidence.read``. One transaction."""
        found = self._container.read(f"{candidate}/{name}", _LARGEST_EVIDENCE)
        return found.content if found else None

    def of(self, record: str) -> tuple[Kept, ...]:
        """See ``EvidenceStore.of``. One transaction for each five thousand."""
        return tuple(_kept(listed) for listed in self._container.under(f"{record}/"))

    def every(self) -> Iterator[Kept]:
        """See ``EvidenceStore.every``. One transaction for each five thousand."""
        return (_kept(listed) for listed in self._container.under(""))

    def drop(self, kept: Kept) -> bool:
        """See ``EvidenceStore.drop``. One transaction."""
        return self._container.delete(f"{kept.record}/{kept.name}", kept.etag)


def _kept(listed: Listed) -> Kept:
    record, _, name = listed.name.partition("/")
    return Kept(record, name, listed.size, listed.modified, listed.etag)
