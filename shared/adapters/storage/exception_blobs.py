"""Waivers, VEX documents, what is known to be exploited, and what is trusted: blobs of the container ``config``."""

from __future__ import annotations

import logging
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator

import msgspec

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Blob, Container, Listed
from shared.exception_ports import ExceptionFile

log = logging.getLogger("tidegate.exceptions")

_LAST_GOOD = "exceptions.last-good.json"
_NAMES = re.compile(r"waivers\.yaml|known-exploited\.json|vex/[^/]+\.json")
_TRUST = "trust/"
_TRUST_NAMES = re.compile(r"trust/(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*\.(?:pem|pub|crt|cer|json)")
_LAST_GOOD_TRUST = "trust.last-good.json"
_NOTIFY_NAMES = re.compile(r"notify\.yaml")
_LAST_GOOD_NOTIFY = "notify.last-good.json"
_MOST_OF_ONE = 8 * 1024 * 1024
_MOST_IN_ALL = 32 * 1024 * 1024
_MOST_FILES = 200
_PACKED = msgspec.json.Decoder(dict[str, str])


class ExceptionBlobs:
    """The port ``ExceptionFiles``. One listing of the container; what has not changed is not read again.

    Args:
        account: where the container ``config`` is.
        under: with what the names of the files begin.
        names: those that are read.
        last_good: the blob in which those are kept that were last found valid.
    """

    def __init__(
        self,
        account: StorageAccount,
        under: str = "",
        names: re.Pattern[str] = _NAMES,
        last_good: str = _LAST_GOOD,
    ) -> None:
        self._container = Container(account, "config")
        self._under = under
        self._names = names
        self._last_good_name = last_good
        self._read: dict[str, tuple[str, ExceptionFile]] = {}
        self._last_good: Blob | None = None

    def stored(self) -> tuple[ExceptionFile, ...]:
        """See ``ExceptionFiles.stored``. One listing, and a read of each file that changed."""
        listed = [blob for blob in self._container.under(self._under) if self._names.fullmatch(blob.name)]
        read = dict(self._each(listed))
        self._read = read
        return tuple(file for _, file in read.values())

    def last_good(self) -> tuple[ExceptionFile, ...]:
        """See ``ExceptionFiles.last_good``. One small transaction if it has not changed since it was read."""
        blob = self._container.read(self._last_good_name, 2 * _MOST_IN_ALL, self._last_good)
        self._last_good = blob
        return _unpacked(blob.content, self._last_good_name) if blob else ()

    def keep_last_good(self, files: tuple[ExceptionFile, ...]) -> None:
        """See ``ExceptionFiles.keep_last_good``. One transaction."""
        packed = {file.name: b64encode(file.content).decode() for file in files}
        self._container.write(self._last_good_name, msgspec.json.encode(packed))

    def _each(self, listed: list[Listed]) -> Iterator[tuple[str, tuple[str, ExceptionFile]]]:
        total = 0
        for number, blob in enumerate(listed, start=1):
            total += blob.size
            known = self._read.get(blob.name)
            if blob.size > _MOST_OF_ONE or total > _MOST_IN_ALL or number > _MOST_FILES:
                told = f"it is too large: {_MOST_OF_ONE} bytes each, {_MOST_IN_ALL} in all, and {_MOST_FILES} files"
                yield blob.name, (blob.etag, ExceptionFile(blob.name, b"", f"{told} are read at most"))
            elif known is not None and known[0] == blob.etag.strip('"'):
                yield blob.name, known
            elif (found := self._container.read(blob.name, _MOST_OF_ONE)) is not None:
                yield blob.name, (found.etag.strip('"'), ExceptionFile(blob.name, found.content))


def trust_blobs(account: StorageAccount) -> ExceptionBlobs:
    """Return the port ``ExceptionFiles`` for the keys, roots and stores that signatures are judged by."""
    return ExceptionBlobs(account, _TRUST, _TRUST_NAMES, _LAST_GOOD_TRUST)


def notify_blobs(account: StorageAccount) -> ExceptionBlobs:
    """Return the port ``ExceptionFiles`` for the file that says who is told of what."""
    return ExceptionBlobs(account, "notify.yaml", _NOTIFY_NAMES, _LAST_GOOD_NOTIFY)


def _unpacked(content: bytes, name: str) -> tuple[ExceptionFile, ...]:
    """What cannot be read was written by nobody here; the stored files are taken for the first ones then."""
    try:
        return tuple(ExceptionFile(name, b64decode(text)) for name, text in _PACKED.decode(content).items())
    except (msgspec.DecodeError, ValueError) as error:
        log.warning("the blob config/%s cannot be read, and counts as none: %s", name, error)
        return ()
