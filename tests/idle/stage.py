"""What is watched while nothing happens: tags of Docker Hub that the base registry bears as they are."""

from __future__ import annotations

from functools import partial

import requests

from infra.local.demo.stage_set import StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.emulator.backing import Backing
from infra.local.topology import Topology
from tests.chaos.cast import Image, image_of
from tests.chaos.players import publish

TAGS_EACH = 5
_GATE = "release"
_LONGEST_ADOPTION, _LONGEST_UPDATE = 900.0, 600.0


class Stage:
    """Publishes, and waits for what the product makes of it.

    Args:
        topology: of the twin.
        repositories: how many are watched, of five tags each.
    """

    def __init__(self, topology: Topology, repositories: int) -> None:
        self._topology, self._repositories = topology, [f"library/n{number}" for number in range(repositories)]
        self.watcher = Watcher(topology)
        self._set = StageSet(topology, self.watcher)
        self._hub, self._base = (
            Backing(f"127.0.0.1:{topology.port(f'backing_{part}')}") for part in ("docker_hub", "base")
        )

    def prepare(self) -> None:
        """Publish what every tag bears, upstream and in the base registry, and store the list; no host is up yet."""
        for repository in self._repositories:
            image = image_of(f"{repository} first")
            for tag in range(TAGS_EACH):
                publish(self._hub, repository, str(tag), image)
                publish(self._base, target_of(repository), str(tag), image)
        self._set.configure(watch_list(self._repositories))

    def adopted(self) -> None:
        """Wait until the product has a target for every tag."""
        for repository in self._repositories:
            eventually(f"{repository} is adopted", partial(self._is_adopted, repository), _LONGEST_ADOPTION, 1.0)

    def add_webhook(self) -> None:
        """Let the base registry tell the product of pushes, as the deployment does."""
        self._set.add_webhook()

    def update(self, number: int) -> None:
        """Move one tag upstream, have its entry checked, and wait until the base registry has it."""
        repository, image = self._repositories[number], image_of(f"{self._repositories[number]} next")
        publish(self._hub, repository, "0", image)
        self.watcher.api("POST", "check", json={"image": _entry(repository)}).raise_for_status()
        eventually("it is promoted", lambda: self._bears(repository, image), _LONGEST_UPDATE, 1.0)

    def _is_adopted(self, repository: str) -> bool:
        try:
            found = self.watcher.api("GET", "targets", params={"repository": target_of(repository)}).json()["targets"]
        except requests.Timeout:
            # A host that looks at a thousand tags for the first time has no time for others.
            return False
        return len(found) == TAGS_EACH

    def _bears(self, repository: str, image: Image) -> bool:
        found = self._base.head(target_of(repository), "0")
        return found is not None and found.digest == image.digest


def target_of(repository: str) -> str:
    """Return the repository of the base registry that an upstream one goes to."""
    return f"base/{repository}"


def watch_list(repositories: list[str]) -> str:
    """Return the watch list of all tags."""
    tags = ", ".join(f'"{tag}"' for tag in range(TAGS_EACH))
    entries = (
        f"  - {{name: {_entry(one)}, source: 'docker.io/{one}', tags: [{tags}], "
        f"target: {target_of(one)}, gate: {_GATE}}}"
        for one in repositories
    )
    return "\n".join(("images:", *entries, ""))


def _entry(repository: str) -> str:
    return repository.replace("/", "-")
