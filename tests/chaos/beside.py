"""What others say of releases: signatures and SBOMs, some beside an image from the beginning, some an hour later."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import requests

from infra.local.topology import Topology
from infra.local.twin.beside import attach
from tests.chaos.cast import NOTHING_ASKED, Image, Place
from tests.chaos.mischief import Signs

SIGNATURE, SBOM = "application/vnd.dev.cosign.artifact.sig.v1+json", "application/spdx+json"


@dataclass(frozen=True)
class Said:
    """One thing that is said: of what, of which type, and what tells it from others."""

    subject: str
    kind: str
    content: str


def said_of(image: Image) -> Iterator[Said]:
    """Yield what is said of an image from the beginning, the same for the same image: of a quarter, nothing."""
    number = int(image.digest.partition(":")[2][:2], 16)
    if number % 4:
        yield Said(image.digest, SIGNATURE, f"signature of {image.digest}")
    if number % 2:
        yield Said((image.platforms or (image,))[0].digest, SBOM, f"SBOM of {image.digest}")


class Beside:
    """Leaves things beside images, as those do who publish them.

    Args:
        topology: of the twin.
        travels: whether it does; else it leaves nothing anywhere.
    """

    def __init__(self, topology: Topology, *, travels: bool) -> None:
        self._topology = topology
        self._travels = travels
        self._lock = threading.Lock()
        self._published: dict[Place, Image] = {}
        self.early = self.late = self.refused = 0

    def first(self, place: Place, image: Image) -> None:
        """Leave what is said of an image from the beginning, before its tag bears it."""
        if not self._travels or place.asked == NOTHING_ASKED:
            return
        with self._lock:
            for said in said_of(image):
                self._leave(place, said)
                self.early += 1
            self._published[place] = image

    def play(self, act: Signs) -> None:
        """Say something of what a tag was last moved to; a registry that is being copied from may refuse it."""
        image = self._published.get(act.place)
        if image is None:
            return
        try:
            with self._lock:
                signature = self._leave(act.place, Said(image.digest, SIGNATURE, act.words))
                if act.deep:
                    self._leave(act.place, Said(signature, SIGNATURE, f"signature of {signature}"))
            self.late += 1
        except requests.RequestException:
            self.refused += 1

    def _leave(self, place: Place, said: Said) -> str:
        """Who keeps the list under a tag reads it, adds to it and writes it: one at a time, or something is lost."""
        registry = self._topology.http(f"backing_{place.part}")
        content = json.dumps({"said": said.content}).encode()
        return attach(registry, place.repository, said.subject, said.kind, content)
