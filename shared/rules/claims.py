"""Reads what images of the base registry claim of their bases, where nothing better is known of who builds them.

The app may pull from the base registry, where applications are unless the settings name registries for them, and from
no other registry of applications: of images there nothing is read. What a digest says never changes: it is read once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from shared.domain.promotion.kept_tasks import base_name
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.references import Digest, parse_digest
from shared.domain.waves.annotations import claim_of
from shared.domain.waves.builders import Claim
from shared.errors import InvalidReference, ServiceError

if TYPE_CHECKING:
    from shared.travel_ports import TravelRegistry

log = logging.getLogger("tidegate.listings")

# So many are read for one answer, a request each; the next answer goes on.
MOST_READ = 25
_MOST_KEPT = 5000


class Claims:
    """Reads them.

    Args:
        base: the base registry.
        login_server: its address, as runs of tasks name it.
    """

    def __init__(self, base: TravelRegistry, login_server: str) -> None:
        self._base = base
        self._host = base_name(login_server, "x").removesuffix("x")
        self._lock = threading.Lock()
        self._kept: dict[str, Claim | None] = {}

    def of(self, tasks: Iterable[ApplicationTask]) -> tuple[tuple[Claim, ...], str]:
        """Return what is claimed by images that tasks pushed which report no base.

        Args:
            tasks: as they are kept, with their runs.

        Returns:
            The claims, and what was not read, for people; empty if all was.
        """
        images = dict(self._images(tasks))
        missing = [image for image in images if image not in self._kept]
        problem = self._read({image: images[image] for image in missing[:MOST_READ]})
        if not problem and len(missing) > MOST_READ:
            problem = f"what {len(missing) - MOST_READ} images claim of their bases is not read yet"
        found = (self._kept.get(image) for image in images)
        return tuple(one for one in found if one is not None), problem

    def _images(self, tasks: Iterable[ApplicationTask]) -> Iterator[tuple[str, tuple[str, Digest]]]:
        for task in tasks:
            for one in task.runs.pushed if task.runs and not task.dependencies else ():
                name = base_name(one.registry, one.repository)
                if not name.startswith(self._host) or not one.tag:
                    continue
                try:
                    yield f"{name}:{one.tag}@{one.digest}", (one.repository, parse_digest(one.digest))
                except InvalidReference:
                    continue

    def _read(self, images: Mapping[str, tuple[str, Digest]]) -> str:
        for image, (repository, digest) in images.items():
            try:
                manifest = self._base.manifest(repository, digest)
            except ServiceError as error:
                log.warning("what %s claims of its base is not known: %s", image, error)
                return f"what images claim of their bases is not known now: {error}"
            self._keep(image, claim_of(image.partition("@")[0], manifest) if manifest is not None else None)
        return ""

    def _keep(self, image: str, claim: Claim | None) -> None:
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[image] = claim
