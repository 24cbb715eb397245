"""The watch list and the gates: blobs of the container ``config``; a gate may be in the files of the app instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.blobs import Blob, Container, Listed
from shared.adapters.storage.list_files import MAIN, MOST_FILES, MOST_OF_LAST_GOOD, list_of, packed, unpacked
from shared.configuration_ports import ListSource
from shared.errors import ServiceError

_LAST_GOOD = "images.last-good.yaml"
# One byte more than a watch list may have, so that its reader sees one that is too long.
_MOST_OF_LIST = 1024 * 1024 + 1
_PART = re.compile(r"images/[^/]+\.ya?ml")
_GATE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_MOST_FILES = 200
_MOST_BYTES = 5 * 1024 * 1024
_MOST_GATES_CACHED = 32


class ConfigurationBlobs:
    """The port ``Configuration``. What has not changed since it was last asked for costs one small request.

    Args:
        account: where the container ``config`` is.
        deployed: folder with ``gates/``, for those that are not in the container.
    """

    def __init__(self, account: StorageAccount, deployed: Path) -> None:
        self._container = Container(account, "config")
        self._deployed = deployed
        self._files: dict[str, Blob] = {}
        self._last_good: Blob | None = None
        self._gates: dict[str, tuple[tuple[Listed, ...], Mapping[str, bytes]]] = {}

    def watch_list(self) -> ListSource | None:
        """See ``Configuration.watch_list``. One listing, and a read of each file that changed.

        The sample that the app was deployed with is never taken by itself.
        """
        listed = [blob for blob in self._container.under("images") if blob.name == MAIN or _PART.fullmatch(blob.name)]
        blobs = {each.name: blob for each in listed[: MOST_FILES + 1] if (blob := self._as_listed(each))}
        self._files = blobs
        return list_of(blobs) if blobs else None

    def last_good(self) -> ListSource | None:
        """See ``Configuration.last_good``."""
        blob = self._container.read(_LAST_GOOD, MOST_OF_LAST_GOOD, self._last_good)
        self._last_good = blob
        return unpacked(blob, f"blob config/{_LAST_GOOD}") if blob else None

    def keep_last_good(self, source: ListSource) -> None:
        """See ``Configuration.keep_last_good``. One transaction."""
        self._container.write(_LAST_GOOD, packed(source))

    def gate(self, name: str) -> Mapping[str, bytes]:
        """See ``Configuration.gate``.

        Raises:
            ServiceError: it has over 200 files or 5 MiB, or a link or a file outside its folder; permanent.
            Conflict: it was being changed just now.
        """
        if not _GATE_NAME.fullmatch(name):
            return {}
        return self._stored_gate(name) or self._deployed_gate(name)

    def _as_listed(self, listed: Listed) -> Blob | None:
        known = self._files.get(listed.name)
        if known is not None and known.etag.strip('"') == listed.etag.strip('"'):
            return known
        return self._container.read(listed.name, _MOST_OF_LIST)

    def _stored_gate(self, name: str) -> Mapping[str, bytes]:
        prefix = f"gates/{name}/"
        listed = tuple(_bounded(name, self._container.under(prefix)))
        cached = self._gates.get(name)
        if cached and cached[0] == listed:
            return cached[1]
        files = {_inside(name, blob.name.removeprefix(prefix)): self._container.read_same(blob) for blob in listed}
        if len(self._gates) >= _MOST_GATES_CACHED:
            self._gates.clear()
        self._gates[name] = (listed, files)
        return files

    def _deployed_gate(self, name: str) -> Mapping[str, bytes]:
        folder = self._deployed / "gates" / name
        found = sorted(folder.rglob("*"))
        if links := [path.name for path in (folder, *found) if path.is_symlink()]:
            # It could bring any file of the machine into a run, and left out it would leave a gate half.
            raise ServiceError(
                f"the gate {name!r} has a link, {links[0]!r}: put the file itself into its folder", code="GateLink"
            )
        files = (path for path in found if path.is_file())
        listed = (Listed(path.relative_to(folder).as_posix(), "", path.stat().st_size) for path in files)
        return {file.name: (folder / file.name).read_bytes() for file in _bounded(name, listed)}


def _bounded(gate: str, files: Iterable[Listed]) -> list[Listed]:
    """A gate is packed in memory and uploaded for every run, so what is far too large for one is told at once."""
    taken: list[Listed] = []
    for file in files:
        taken.append(file)
        if len(taken) > _MOST_FILES or sum(each.size for each in taken) > _MOST_BYTES:
            raise ServiceError(
                f"the gate {gate!r} is too large: a gate has at most {_MOST_FILES} files of {_MOST_BYTES} bytes in all",
                code="GateTooLarge",
            )
    return taken


def _inside(gate: str, name: str) -> str:
    """The files are unpacked where the gate is built: none may land outside."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or str(path) != name:
        raise ServiceError(
            f"the gate {gate!r} has a file {name!r}, which is not inside its folder: rename or delete that blob",
            code="GateFileOutside",
        )
    return name
