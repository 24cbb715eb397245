"""What people do on the playground: push upstream, change the watch list, run the application."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from infra.local.demo.reading_pages import cards
from infra.local.demo.stage_set import APPLICATION, StageSet
from infra.local.demo.watching import Watcher, expect
from infra.local.playground.references import NotUpstreamError, upstream
from infra.local.topology import Topology
from infra.local.twin.records import alive


class NoTwinError(Exception):
    """No twin is up in the state folder; the message says how to start one."""


def running(state: Path) -> Topology:
    """Return the topology of the twin that is up in a folder.

    Raises:
        NoTwinError: none is.
    """
    if "host" not in alive(state):
        raise NoTwinError(f"no twin is up in {state}: start it by `make up`, or name its folder by --state")
    return Topology.load(state / "topology.json")


def push(topology: Topology, reference: str, *, broken: bool) -> str:
    """Publish a new release under an upstream tag, as its maintainers do.

    Args:
        topology: of the running twin.
        reference: such as ``node:22-alpine``.
        broken: whether the playground's gate is to reject it.

    Returns:
        What was done, with the digest before and now.

    Raises:
        NotUpstreamError: the reference names no upstream of the twin.
    """
    watcher = Watcher(topology)
    to = upstream(reference, topology)
    before = watcher.digest(to.part, to.repository, to.tag)
    release = f"{to.tag} of {datetime.now(UTC):%H:%M:%S.%f}"[:-3] + (" broken" if broken else "")
    now = StageSet(topology, watcher).release(to.part, to.repository, to.tag, release)
    return f"{to}\n  was {before or 'not there'}\n  is  {now}, release {release!r}"


def digest(topology: Topology, reference: str) -> str:
    """Return what an upstream tag points at.

    Raises:
        NotUpstreamError: the reference names no upstream of the twin, or a tag that is not there.
    """
    of = upstream(reference, topology)
    found = Watcher(topology).digest(of.part, of.repository, of.tag)
    if found is None:
        raise NotUpstreamError(f"{of} is not there")
    return found


def change_list(topology: Topology, file: Path) -> str:
    """Upload a watch list, whatever is in it: what is wrong with it the product says.

    Raises:
        OSError: the file cannot be read.
    """
    StageSet(topology, Watcher(topology)).store_list(file.read_bytes())
    return f"{file} is uploaded as config/images.yaml; the next check goes by it"


def shown_list(topology: Topology) -> str:
    """Return the watch list as it is stored; empty where none is."""
    return (StageSet(topology, Watcher(topology)).stored_list() or b"").decode(errors="replace").rstrip("\n")


def notices(topology: Topology) -> str:
    """Return what people see in the channel of the stand-in for Teams, the latest last."""
    return "\n\n".join(f"{card.text}\n{card.link}" for card in cards(topology)) or "nobody was told anything yet"


def run_application(topology: Topology) -> str:
    """Run the application's image and return what it prints.

    Raises:
        SceneFailed: it does not run.
    """
    watcher = Watcher(topology)
    expect(bool(watcher.digest("applications", APPLICATION, "latest")), f"the application {APPLICATION} was built")
    return StageSet(topology, watcher).run_application().strip()
