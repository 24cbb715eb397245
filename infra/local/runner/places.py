"""Where containers are that can meet: a network namespace each, joined by bridges in one more, and names for them.

All of them live as long as small processes do that wait in them, so nothing of a run is left when it ends or dies. Such
a container sees what is on its network, and the twin's registries at their addresses; nothing else of this machine.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.runner.errors import EngineError
from infra.local.runner.networks import MACHINE, NONE, UNNAMED
from infra.local.runner.process import DIES_WITH_US
from infra.local.runner.relays import Relays
from infra.local.runner.task import Step, Task

_WAITS = ("unshare", "--net", "busybox", "sh", "-c", "echo; exec busybox cat")
_APPLETS = 'ip() { busybox ip "$@"; }; brctl() { busybox brctl "$@"; }; '
_HOSTS = "127.0.0.1\tlocalhost\n"


@dataclass
class Names:
    """The names of one network: of the containers that are there now, in a file that all of them see."""

    file: Path
    resolves: bool
    addresses: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._write()

    @contextmanager
    def known(self, name: str, address: str) -> Iterator[None]:
        """Have a name resolve meanwhile; in docker's own network none does."""
        self._change(name, address)
        try:
            yield
        finally:
            self._change(name, None)

    def _change(self, name: str, address: str | None) -> None:
        with self.lock:
            self.addresses.pop(name, None)
            if address and self.resolves:
                self.addresses[name] = address
            self._write()

    def _write(self) -> None:
        # In place, for the containers have this very file mounted.
        self.file.write_text(_HOSTS + "".join(f"{at}\t{name}\n" for name, at in self.addresses.items()))


@dataclass(frozen=True)
class Place:
    """Where one container is: its namespace, and what it is called on its network."""

    namespace: Path
    names: Names
    name: str
    address: str


@dataclass(frozen=True)
class Places:
    """Where the containers of a run's steps are; a step that is not among them is on this machine's network."""

    of: Mapping[str, Place | str]

    def find(self, step: Step) -> Place | str:
        """Return a step's place, or ``host`` or ``none``; ``EngineError``, as docker says it, if there is no such."""
        if step.network and step.id not in self.of:
            raise EngineError(f"docker: Error response from daemon: network {step.network} not found.")
        return self.of.get(step.id, MACHINE)


@contextmanager
def places(task: Task, folder: Path, registries: Iterable[str]) -> Iterator[Places]:
    """Make the places of a run's steps; they are gone afterwards.

    Args:
        task: with the network of each step.
        folder: for the files of names.
        registries: addresses such as ``localhost:9425`` that stay what they are on this machine.
    """
    made = {network.name for network in task.networks if not network.exists}
    wanted = [step for step in task.steps if step.network in {*made, UNNAMED}]
    found: dict[str, Place | str] = {step.id: step.network for step in task.steps if step.network in (MACHINE, NONE)}
    with ExitStack() as stack:
        if wanted:
            relays = stack.enter_context(Relays(registries))
            found |= _laid_out(wanted, folder, relays, stack)
        yield Places(found)


def _laid_out(steps: Sequence[Step], folder: Path, relays: Relays, stack: ExitStack) -> dict[str, Place | str]:
    middle = stack.enter_context(_namespace())
    networks = list(dict.fromkeys(step.network for step in steps))
    names = {}
    for number, name in enumerate(networks):
        _inside(middle, f"brctl addbr br{number}; ip link set br{number} up")
        names[name] = Names(folder / f"hosts-{number}", resolves=name != UNNAMED)
    found: dict[str, Place | str] = {}
    for number, step in enumerate(steps):
        own, network = stack.enter_context(_namespace()), networks.index(step.network)
        address = f"10.89.{network}.{number + 2}"
        _plug_in(own, middle, number, network, address)
        relays.serve(_path(own))
        found[step.id] = Place(_path(own), names[step.network], step.id, address)
    return found


def _plug_in(own: int, middle: int, number: int, network: int, address: str) -> None:
    """Lay a cable from a namespace to the bridge of its network."""
    ends = f"ip link add eth0 type veth; ip link set veth0 name end{number}; ip link set end{number} netns {middle}"
    _inside(own, f"ip link set lo up; {ends}; ip addr add {address}/24 dev eth0; ip link set eth0 up")
    _inside(middle, f"ip link set end{number} up; brctl addif br{network} end{number}")


@contextmanager
def _namespace() -> Iterator[int]:
    """Return the process that holds a new network namespace."""
    command = [*DIES_WITH_US, *_WAITS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        if holder.stdout and not holder.stdout.readline() and holder.stderr:
            raise OSError(f"no network namespace can be made: {holder.stderr.read().decode()}")
        yield holder.pid


def _inside(holder: int, script: str) -> None:
    command = ["nsenter", f"--net={_path(holder)}", "--", "busybox", "sh", "-ec", f"{_APPLETS}{script}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise OSError(f"no network can be made: {script}: {ended.stderr}")


def _path(holder: int) -> Path:
    return Path(f"/proc/{holder}/ns/net")
