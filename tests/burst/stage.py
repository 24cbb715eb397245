"""What stands there before a burst: tags upstream that the base registry already bears, a watch list, a gate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any

from infra.local.demo.stage_set import StageSet
from infra.local.demo.watching import Watcher, eventually
from infra.local.emulator.backing import Backing
from infra.local.topology import Topology
from tests.burst.plan import Move
from tests.chaos.cast import Image, image_of
from tests.chaos.players import publish

_GATE = "release"
_LONGEST_ADOPTION = 600.0
_SCANNER, _DATABASE = "tools/scanner", "tools/database"
# Played runs scan with whatever has these names.
_SCANNED = """\
scanner: {{image: "mcr.microsoft.com/{scanner}@{digest}", database: database}}
policies: {{scanned: {{test: {{gate: {gate}}}, scan: {{block: critical}}}}}}
defaults: {{policy: scanned}}
"""
_TOOL = (
    "  - {{name: database, source: mcr.microsoft.com/{database}, tags: [2], target: {database}, registry: staging}}\n"
)
# An entry of which nothing is in use, so that there is one with a scan before there are tags.
_NOWHERE = "  - {name: nowhere, source: mcr.microsoft.com/nowhere, tags: [1], target: base/nowhere}\n"
_TOOLS = 2


class Stage:
    """Publishes, before and during a burst.

    Args:
        topology: of the twin.
        watcher: looks at it.
        moves: of the burst.
        scans: whether each release is scanned, too.
        fields: what else stands in the entry of a repository, by its path.
    """

    def __init__(
        self,
        topology: Topology,
        watcher: Watcher,
        moves: tuple[Move, ...],
        *,
        scans: bool = False,
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._topology, self._watcher, self._moves, self._scans = topology, watcher, moves, scans
        self._fields = fields
        self._mcr, self._base = (Backing(f"127.0.0.1:{topology.port(f'backing_{part}')}") for part in ("mcr", "base"))

    def prepare(self) -> None:
        """Publish what every tag bears at first, upstream and in the base registry; the host is not up yet."""
        for move in self._moves:
            image = image_of(f"{move.name} first")
            publish(self._mcr, move.repository, move.tag, image)
            publish(self._base, target_of(move), move.tag, image)
        listed = self._scanned(f"images:\n{_NOWHERE}") if self._scans else self._listed(_GATE)
        StageSet(self._topology, self._watcher).configure(listed)

    def _listed(self, gate: str = "") -> str:
        return watch_list(self._moves, gate, self._fields)

    def _scanned(self, listed: str) -> str:
        scanner = image_of("scanner")
        publish(self._mcr, _SCANNER, "1", scanner)
        publish(self._mcr, _DATABASE, "2", image_of("database"))
        StageSet(self._topology, self._watcher).add_bash()
        head = _SCANNED.format(scanner=_SCANNER, digest=scanner.digest, gate=_GATE)
        return head + listed + _TOOL.format(database=_DATABASE)

    def adopted(self) -> None:
        """Wait until the product has a target for every tag.

        Where there are scans it has its tools before: the sweep that mirrors them has also looked at what is in use,
        does so again after a quarter of an hour, and scans nothing that was there before the burst meanwhile.
        """
        if self._scans:
            eventually("the scanner is mirrored", self._has_tools, seconds=_LONGEST_ADOPTION, pause=1.0)
            listed = self._scanned(self._listed())
            StageSet(self._topology, self._watcher).store_list(listed.encode())
        eventually("every tag is adopted", self._are_adopted, seconds=_LONGEST_ADOPTION, pause=1.0)

    def _has_tools(self) -> bool:
        return [one["status"] for one in self._watcher.candidates()].count("mirrored") == _TOOLS

    def _are_adopted(self) -> bool:
        known = {
            f"{one['repository']}:{one['tag']}"
            for move in self._repositories()
            for one in self._watcher.api("GET", "targets", params={"repository": target_of(move)}).json()["targets"]
        }
        return known >= {f"{target_of(move)}:{move.tag}" for move in self._moves}

    def _repositories(self) -> list[Move]:
        return list({move.repository: move for move in self._moves}.values())

    def move(self, move: Move) -> None:
        """Let a tag point at its next release."""
        publish(self._mcr, move.repository, move.tag, moved(move))

    def left(self) -> list[Move]:
        """Return the moves whose tags of the base registry do not bear the new release."""
        return [move for move in self._moves if self._borne(move) != moved(move).digest]

    def _borne(self, move: Move) -> str:
        found = self._base.head(target_of(move), move.tag)
        return found.digest if found else ""


def moved(move: Move) -> Image:
    """Return the release that a tag moves to."""
    return image_of(f"{move.name} second")


def target_of(move: Move) -> str:
    """Return the repository of the base registry that a tag goes to."""
    return f"base/{move.repository}"


def watch_list(moves: tuple[Move, ...], gate: str = "", fields: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the watch list of all tags, each team's entries with its name as owner, and a gate if one is named.

    What else stands in the entry of a repository is in ``fields``, by its path.
    """
    tested = f", gate: {gate}" if gate else ""

    def repository(move: Move) -> tuple[str, str]:
        return move.repository, move.team

    lines = ["images:"]
    for (path, team), tags in groupby(sorted(moves, key=repository), key=repository):
        named = ", ".join(f'"{move.tag}"' for move in tags)
        source, name, more = f"mcr.microsoft.com/{path}", path.replace("/", "-"), f"{tested}{fields.get(path, '')}"
        lines.append(
            f"  - {{name: {name}, owner: {team}, source: '{source}', tags: [{named}], target: base/{path}{more}}}"
        )
    return "\n".join(lines) + "\n"


def ends_of(operations: Iterable[Mapping[str, Any]], moves: tuple[Move, ...], base: str) -> dict[Move, float]:
    """Return when each tag's last import into the base registry ended well, in seconds since 1970."""
    by_name = {f"{base}/{target_of(move)}:{move.tag}": move for move in moves}
    ends: dict[Move, float] = {}
    for one in operations:
        if one["kind"] == "import" and one["outcome"] == "Succeeded":
            for name in _names(one["target"]):
                if name in by_name:
                    ends[by_name[name]] = one["finished"]
    return ends


def _names(target: str) -> list[str]:
    """Take an import's name apart: the registry, and its tags with commas between."""
    registry, _, tags = target.partition("/")
    return [f"{registry}/{tag}" for tag in tags.split(",")]
