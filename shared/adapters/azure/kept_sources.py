"""Where the files of gates were uploaded to: each version of a gate once an hour, not once a run.

The archive is the same for all runs of a gate: what is said in one run, its steps and the image it tests come with the
request of that run. How long ACR keeps what was uploaded, and whether several runs may use it, is documented nowhere: a
run may wait an hour for an agent, so it has to be kept for that long, and what does not serve is uploaded anew.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future

import msgspec

log = logging.getLogger("tidegate.gates")

_KEPT_SECONDS = 3600.0
# So many shared uploads of one gate that served in vain are no accident.
_MOST_IN_VAIN = 2


class Source(msgspec.Struct, frozen=True):
    """An uploaded archive.

    Attributes:
        path: as the upload address came with it.
        until: when it is relied on no more, in seconds.
        shared: whether it was uploaded for another run.
    """

    path: str
    until: float
    shared: bool = False


class KeptSources:
    """Uploads in one registry, kept in memory; many threads may ask at once.

    Args:
        upload: uploads files, and returns the path.
        clock: tells the time, in seconds.
    """

    def __init__(
        self, upload: Callable[[Mapping[str, bytes]], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._upload = upload
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, Source] = {}
        self._under_way: dict[str, Future[Source]] = {}
        self._in_vain: dict[str, str] = {}

    def has_any(self) -> bool:
        """Whether anything is kept that may be relied on, so that a run most likely needs no upload."""
        now = self._clock()
        with self._lock:
            return any(source.until > now for source in self._kept.values())

    def get(self, files: Mapping[str, bytes], *, anew: bool = False) -> Source:
        """Return where files are, uploaded if need be. Who wants the same at the same time waits for the one upload.

        Args:
            files: content by relative path.
            anew: whether a run with what is kept was in vain, so that nothing of before is relied on.

        Raises:
            ServiceError: what the upload raised, to all who waited for it.
        """
        key = _key(files)
        with self._lock:
            kept = self._usable(key, anew=anew)
            if kept is not None:
                return self._share(key, kept)
            if self._times_in_vain(key) >= _MOST_IN_VAIN:
                begun, ours = None, None
            else:
                begun, ours = self._under_way.get(key), Future[Source]()
                self._under_way.setdefault(key, ours)
        if begun is not None:
            return self._waited_for(key, begun)
        return self._uploaded(files) if ours is None else self._upload_for_all(key, files, ours)

    def doubt(self, path: str) -> bool:
        """Rely no more on an upload, for a run with it did not begin; say whether it was a shared one."""
        with self._lock:
            for key, source in list(self._kept.items()):
                if source.path == path:
                    self._drop(key, source)
            return path in self._in_vain

    def _usable(self, key: str, *, anew: bool) -> Source | None:
        kept = self._kept.get(key)
        if kept is not None and anew:
            self._drop(key, kept)
        return None if kept is None or anew or kept.until <= self._clock() else kept

    def _waited_for(self, key: str, begun: Future[Source]) -> Source:
        source = begun.result()
        with self._lock:
            return self._share(key, source)

    def _share(self, key: str, source: Source) -> Source:
        shared = msgspec.structs.replace(source, shared=True)
        if self._kept.get(key, shared).path == source.path:
            self._kept[key] = shared
        return shared

    def _drop(self, key: str, source: Source) -> None:
        del self._kept[key]
        if not source.shared:
            return
        self._in_vain[source.path] = key
        if self._times_in_vain(key) == _MOST_IN_VAIN:
            log.warning("runs that share an upload of a gate were in vain: it is uploaded for each run from now on")

    def _times_in_vain(self, key: str) -> int:
        return list(self._in_vain.values()).count(key)

    def _uploaded(self, files: Mapping[str, bytes]) -> Source:
        return Source(self._upload(files), self._clock() + _KEPT_SECONDS)

    def _upload_for_all(self, key: str, files: Mapping[str, bytes], waited_for: Future[Source]) -> Source:
        try:
            source = self._uploaded(files)
        except BaseException as error:
            with self._lock:
                del self._under_way[key]
            waited_for.set_exception(error)
            raise
        with self._lock:
            del self._under_way[key]
            self._kept[key] = source
        waited_for.set_result(source)
        return source


def _key(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{len(path)} {path} {len(files[path])} ".encode())
        digest.update(files[path])
    return digest.hexdigest()
