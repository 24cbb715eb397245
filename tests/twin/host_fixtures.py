"""A twin whose host runs the sample app, and a way to wait for what the app noted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from azure.storage.queue import QueueClient, QueueServiceClient

from infra.local.twin.parts import HostKind
from infra.local.twin.ports import new_topology
from infra.local.twin.twin import Twin

SAMPLE_APP = Path(__file__).parent / "sample_app"

Note = dict[str, Any]
_Found = TypeVar("_Found")


class SampleTwin:
    """A running twin with the sample app, its queues and its journal."""

    def __init__(self, twin: Twin, journal: Path):
        self.twin = twin
        self._journal = journal
        service = QueueServiceClient.from_connection_string(twin.environment()["AzureWebJobsStorage"])
        self.queue = service.get_queue_client("work")
        self.poison_queue: QueueClient = service.get_queue_client("work-poison")

    def notes(self, **wanted: Any) -> list[Note]:
        """What the app noted so far with these fields."""
        lines = self._journal.read_text().splitlines() if self._journal.exists() else []
        notes = [json.loads(line) for line in lines]
        return [note for note in notes if wanted.items() <= note.items()]

    def wait_for(self, count: int, seconds: float = 15, **wanted: Any) -> list[Note]:
        """Wait until at least ``count`` notes have these fields, and return them."""
        return eventually(lambda: found if len(found := self.notes(**wanted)) >= count else None, seconds)


def eventually(look: Callable[[], _Found | None], seconds: float = 15) -> _Found:
    """Return the first thing ``look`` finds; fail the test when it finds nothing in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(0.05)
    pytest.fail(f"nothing came within {seconds} s")


SETTINGS = {
    "WORK_QUEUE": "work",
    "TICK_SCHEDULE": "*/1 * * * * *",
    "MISTAKEN_SCHEDULE": "once in a while",
    "AzureWebJobs.off.Disabled": "true",
}


@contextmanager
def running_sample(folder: Path, host: HostKind | None = None, *options: str) -> Iterator[SampleTwin]:
    """Run the sample app on a host, with an Azurite of its own; options are for the twin's own host."""
    journal = folder / "journal"
    topology, settings = new_topology(folder / "state"), {"JOURNAL": str(journal), **SETTINGS}
    app: dict[str, Any] = {"app": "sample_app:app", "folder": SAMPLE_APP, "host": host, "host_options": options}
    with Twin(topology, settings, storage_only=True, **app) as twin:
        twin.start_host()
        yield SampleTwin(twin, journal)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleTwin]:
    """The sample app on the twin's host, started."""
    with running_sample(tmp_path_factory.mktemp("host"), "own") as started:
        yield started
