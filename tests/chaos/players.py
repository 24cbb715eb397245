"""Those who do it, one for each part of the twin. What a part that is down refuses them is left undone."""

from __future__ import annotations

import time
from collections import defaultdict, deque

import requests
from azure.core.exceptions import AzureError
from azure.storage.queue import QueueClient

from infra.local.emulator.backing import Backing
from infra.local.topology import Topology
from infra.local.twin.settings import storage_connection_string
from infra.local.twin.twin import Twin
from tests.chaos.beside import Beside
from tests.chaos.cast import Image, Place, first_image, release_of
from tests.chaos.mischief import Ails, Chokes, Dies, Meddles, Moves
from tests.chaos.proxy import Proxy

_SECONDS = 20
_REMEMBERED = 500
_PEEKED = 32


def publish(backing: Backing, repository: str, tag: str, image: Image) -> None:
    """Let a tag of a registry, or a digest, point at an image, whether or not the registry has it already."""
    for platform in image.platforms:
        publish(backing, repository, platform.digest, platform)
    if backing.head(repository, image.digest) is None:
        for blob in image.blobs:
            backing.push_blob(repository, blob)
    backing.push_manifest(repository, tag, image.manifest, image.media_type)


class Upstreams:
    """Publishes, and remembers what every tag ever bore.

    Args:
        topology: of the twin.
        beside: leaves signatures and the like beside what is published.
    """

    def __init__(self, topology: Topology, beside: Beside) -> None:
        self._beside = beside
        self._backing = {
            part: Backing(topology.http(f"backing_{part}").partition("//")[2])
            for part in ("docker_hub", "mcr", "other", "base")
        }
        self.bore: defaultdict[Place, list[str]] = defaultdict(list)
        self._images: dict[str, Image] = {}
        self.moves = self.refused = 0

    def first(self, place: Place, *, in_base: bool) -> None:
        """Publish what a tag bears at first; and put it into the base registry, as people did before Tidegate."""
        self._put(place, first_image(place))
        if in_base:
            publish(self._backing["base"], place.base_repository, place.tag, first_image(place))

    def play(self, act: Moves) -> None:
        """Move tags; a registry that is being copied from may refuse to be written to, and its tag stays."""
        for place in act.places:
            try:
                self._move(place, act)
                self.moves += 1
            except requests.RequestException:
                self.refused += 1

    def _move(self, place: Place, act: Moves) -> None:
        if act.how == "on":
            self._put(place, release_of(place, f"{place.repository} {act.release}"))
        elif act.how == "back":
            self._put(place, self._images[self._before(place)])
        else:
            self._backing[place.part].delete(place.repository, self.bore[place][-1])

    def bears(self, place: Place) -> str | None:
        """Return what a tag bears now, by its registry."""
        found = self._backing[place.part].head(place.repository, place.tag)
        return found.digest if found else None

    def base(self, place: Place) -> str | None:
        """Return what the base registry bears where a tag goes."""
        found = self._backing["base"].head(place.base_repository, place.tag)
        return found.digest if found else None

    def _before(self, place: Place) -> str:
        """What a tag that is gone bore last, and else what it bore before that, if it bore anything."""
        bore, now = self.bore[place], self.bears(place)
        return next((digest for digest in reversed(bore) if digest != now), bore[-1])

    def _put(self, place: Place, image: Image) -> None:
        # Noted first: what is there for a moment may be seen.
        self.bore[place].append(image.digest)
        self._images[image.digest] = image
        self._beside.first(place, image)
        publish(self._backing[place.part], place.repository, place.tag, image)


class Machines:
    """Kills and restarts.

    Args:
        twin: up, with its host.
    """

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self.kills = self.restarts = 0

    def play(self, act: Dies) -> None:
        """Kill or stop, wait, and start again."""
        if act.what != "storage":
            self.kills += 1
            self._twin.kill_host()
        if act.what != "host":
            self.restarts += 1
            self._twin.stop_storage()
        time.sleep(act.seconds)
        if act.what != "host":
            self._twin.start_storage()
        if act.what != "storage":
            self._twin.start_host()


class Services:
    """Asks the emulator for faults.

    Args:
        topology: of the twin.
    """

    def __init__(self, topology: Topology) -> None:
        self._url = f"{topology.http('control')}/faults"

    def play(self, act: Ails) -> None:
        """Add a fault."""
        requests.post(self._url, json=act.fault, timeout=_SECONDS).raise_for_status()

    def heal(self) -> None:
        """Forget all faults."""
        requests.delete(self._url, timeout=_SECONDS).raise_for_status()


class Storage:
    """Lets requests for the storage account fail.

    Args:
        topology: of the twin.
    """

    def __init__(self, topology: Topology) -> None:
        self._proxies = {name: Proxy(topology.port(f"azurite_{name}")) for name in ("blob", "queue", "table")}
        self.connection = storage_connection_string(topology)
        for name, proxy in self._proxies.items():
            self.connection = self.connection.replace(f":{topology.port(f'azurite_{name}')}/", f":{proxy.port}/")

    def play(self, act: Chokes) -> None:
        """Let a share of the requests fail for a time."""
        self._proxies[act.service].ail(act.how, act.share, act.seconds)

    def heal(self) -> None:
        """Let nothing fail any more."""
        for proxy in self._proxies.values():
            proxy.heal()

    def close(self) -> None:
        """Listen no more."""
        for proxy in self._proxies.values():
            proxy.close()


class Messages:
    """Doubles messages, holds them back, and puts junk among them.

    Args:
        topology: of the twin.
    """

    def __init__(self, topology: Topology) -> None:
        self._connection = storage_connection_string(topology)
        self._seen: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))
        self.copied = self.held = self.junk = self.refused = 0

    def play(self, act: Meddles) -> None:
        """Meddle with a queue, unless it cannot be reached."""
        queue = QueueClient.from_connection_string(self._connection, act.queue, retry_total=0)
        try:
            with queue:
                self._meddle(queue, act)
        except AzureError:
            self.refused += 1

    def _meddle(self, queue: QueueClient, act: Meddles) -> None:
        seen = self._seen[act.queue]
        seen.extend(message.content for message in queue.peek_messages(_PEEKED))
        if act.how == "junk":
            queue.send_message(act.text)
            self.junk += 1
        elif act.how == "delay":
            held = next(queue.receive_messages(visibility_timeout=max(act.seconds, 1)).by_page(), ())
            texts = [message.content for message in held]
            seen.extend(texts)
            self.held += len(texts)
        else:
            for text in list(seen)[:: max(len(seen) // 8, 1)]:
                queue.send_message(text, visibility_timeout=act.seconds)
                self.copied += 1
