"""Where probes work: one registry, names of their own in it, and time that is bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from azure.containerregistry import ContainerRegistryClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ResourceNotFoundError

from infra.live_check.arm import REGISTRIES, Answer, Arm, RefusedError
from infra.live_check.made import Made

T = TypeVar("T")


class OutOfTimeError(Exception):
    """Something did not come about in the time it is given."""


@dataclass(frozen=True)
class Source:
    """An image to import: a repository of a registry that anybody may read, and two digests in it."""

    registry: str
    repository: str
    digests: tuple[str, str]


@dataclass(frozen=True)
class Pace:
    """How long probes wait.

    Attributes:
        look: seconds between two looks.
        longest_retry_after: of a ``Retry-After``, what is heeded at most.
        old_location: how old a ``Location`` is to become before it is asked again.
        run: what a run is given at most.
        many: how many runs are begun at once, and how many imports, where a probe begins many.
    """

    look: float = 3
    longest_retry_after: float = 30
    old_location: float = 400
    run: float = 420
    many: tuple[int, int] = (30, 100)


@dataclass
class Ground:
    """One registry to work in.

    Attributes:
        arm: Resource Manager.
        credential: whoever asks.
        registry_id: resource id of the registry.
        source: what is imported.
        stamp: part of every name that is made.
        audience: of tokens for the registry itself.
        hello: an image whose command says hello and ends well.
        task_id: a task that is there already and may be run; empty makes one.
        client: an image of the registry with the Docker client and a shell, as ``repository@digest``; empty for none.
        pace: how long is waited.
        made: what was made.
    """

    arm: Arm
    credential: TokenCredential
    registry_id: str
    source: Source
    stamp: str
    audience: str = "https://containerregistry.azure.net"
    hello: str = "mcr.microsoft.com/hello-world"
    task_id: str = ""
    client: str = ""
    pace: Pace = field(default_factory=Pace)
    made: Made = field(default_factory=Made)

    @cached_property
    def registry(self) -> dict[str, Any]:
        """The registry as ARM describes it."""
        body: dict[str, Any] = self.arm.must("get registry", "GET", self.registry_id, version=REGISTRIES).body
        return body

    @property
    def login_server(self) -> str:
        """The registry's host."""
        return str(self.registry["properties"]["loginServer"])

    @cached_property
    def data(self) -> ContainerRegistryClient:
        """The registry's own API."""
        return ContainerRegistryClient(f"https://{self.login_server}", self.credential, audience=self.audience)

    def name(self, what: str) -> str:
        """Return a name of this check's own."""
        return f"tidegate-live-{self.stamp}-{what}"

    def repository(self, what: str) -> str:
        """Return a repository of this check's own, which is deleted with all that is in it."""
        name = f"tidegate-live/{self.stamp}/{what}"
        self.made.note(f"repository {name}", lambda: self._delete_repository(name))
        return name

    def digest(self, repository: str, tag: str) -> str:
        """Return what a tag points at, by the registry itself; empty for nothing."""
        try:
            return self.data.get_tag_properties(repository, tag).digest or ""
        except ResourceNotFoundError:
            return ""

    def delete(self, what: str, path: str, version: str) -> None:
        """Note that something is to be deleted by ARM."""
        self.made.note(what, lambda: self._delete(what, path, version))

    def wait(self, what: str, ask: Callable[[], T | None], seconds: float) -> T:
        """Ask until there is an answer.

        Raises:
            OutOfTimeError: there is none in time.
        """
        deadline = time.monotonic() + seconds
        while (answer := ask()) is None:
            if time.monotonic() > deadline:
                raise OutOfTimeError(f"{what}: not within {seconds:.0f} seconds")
            time.sleep(self.pace.look)
        return answer

    def pause(self, answer: Answer) -> None:
        """Wait as an answer asks for."""
        asked = answer.retry_after()
        time.sleep(min(float(asked) if asked.isdigit() else self.pace.look, self.pace.longest_retry_after))

    def _delete(self, what: str, path: str, version: str) -> None:
        answer = self.arm.ask("delete", "DELETE", path, version=version)
        if not answer.ok and answer.status != 404:
            raise RefusedError(f"{what}: {answer.told()}")

    def _delete_repository(self, name: str) -> None:
        """A locked tag would hold its repository, so locks go first."""
        try:
            for tag in self.data.list_tag_properties(name):
                if not (tag.can_write and tag.can_delete):
                    self.data.update_tag_properties(name, tag.name, can_write=True, can_delete=True)
        except ResourceNotFoundError:
            return
        self.data.delete_repository(name)
