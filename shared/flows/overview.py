"""Tell of every entry of the watch list how each of its tags stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.identity import candidate_id, group_of_source
from shared.domain.promotion.standing import TagStanding, stands, tool_stands
from shared.domain.promotion.target import Target
from shared.domain.promotion.tool import Tool
from shared.domain.references import Repository, Tag
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.selection import wanted_places
from shared.domain.watching.troubles import Noted
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import UNREADABLE, ServiceError
from shared.ports import Known, Observations, Records
from shared.rules.reading import readable
from shared.target_ports import Targets
from shared.tool_ports import Tools
from shared.trouble_ports import Troubles

MOST_IMAGES = 100
_ById = Mapping[str, Candidate]


class ImageStanding(msgspec.Struct, frozen=True):
    """One entry of the watch list, as it stands.

    Attributes:
        name: the entry's.
        source: the upstream repository.
        target: the repository in the base registry, or in the staging registry of a tool.
        gate: the gate's name; ``None`` for no functional test.
        tool: whether it is mirrored into the staging registry for runs there, and promoted nowhere.
        owner: whose it is, as the watch list says; ``None`` if it does not.
        state: what is remembered of the upstream repository as a whole: when it was checked, and its trouble.
        tags: of those that are watched and known, by name; those that are named exactly are always among them.
        troubles: what is wrong with it, or with its tags, and was told; at most a quarter of an hour old.
        unreadable: which records could not be read, so that what is told may lack something; ``None`` if all could.
    """

    name: str
    source: str
    target: str
    gate: str | None
    tool: bool
    owner: str | None
    state: RepositoryState
    tags: tuple[TagStanding, ...]
    troubles: tuple[Noted, ...] = ()
    unreadable: str | None = None


class Overview:
    """Tells how images stand, from what is recorded: nobody outside is asked.

    Args:
        observations: what is known of upstreams.
        targets: what the base registry's tags should be.
        candidates: what is on its way, or ended.
        troubles: what was found to be wrong.
        registry: the base registry's name.
        tools: what runs are given from the staging registry.
    """

    def __init__(
        self,
        observations: Observations,
        targets: Targets,
        candidates: Records[Candidate],
        troubles: Troubles,
        registry: str,
        tools: Tools,
    ) -> None:
        self._observations = observations
        self._targets = targets
        self._candidates = candidates
        self._troubles = troubles
        self._registry = registry
        self._tools = tools

    def images(self, watch_list: WatchList, *, limit: int, after: str = "") -> tuple[tuple[ImageStanding, ...], str]:
        """Tell of some entries, by name.

        One transaction, three for each entry, and one or two for each tag whose upstream has what the base registry
        has not.

        Args:
            watch_list: the list in force.
            limit: of how many entries, at most ``MOST_IMAGES``.
            after: the name of the last one that was told of before; empty to begin.

        Returns:
            The entries, and the name to go on after; empty if there are no more.
        """
        rest = sorted((one for one in watch_list.images if one.name > after), key=lambda one: one.name)
        part = rest[: min(limit, MOST_IMAGES)]
        wrong = self._wrong()
        return tuple(self._image(one, wrong) for one in part), part[-1].name if part and len(rest) > len(part) else ""

    def image(self, image: Image) -> ImageStanding:
        """Tell of one entry."""
        return self._image(image, self._wrong())

    def tags(self, image: Image) -> Mapping[Tag, TagStanding]:
        """Tell of the tags of one entry alone."""
        return {one.tag: one for one in self._image(image, ()).tags}

    def _wrong(self) -> tuple[Noted, ...]:
        found = (stored.noted for stored in self._troubles.every())
        return tuple(one for one in found if one.told and one.ended_at is None)

    def _image(self, image: Image, wrong: tuple[Noted, ...]) -> ImageStanding:
        """A row that cannot be read is told, and hides nothing else."""
        if image.is_tool:
            return self._of_tool(image, wrong)
        known, unknown = self._known(image.repository)
        targets, unread = readable(self._targets.of_repository(self._registry, image.target))
        candidates, unfound = readable(self._candidates.current(group_of_source(image.repository)))
        places = {one.record.place: one.record for one in targets}
        current = {one.record.id: one.record for one in candidates}
        tags = sorted(wanted_places(image.rules, known.tags).items())
        stand = partial(self._tag, image, known=known, places=places, current=current)
        return ImageStanding(
            name=image.name,
            source=str(image.repository),
            target=image.target,
            gate=image.functional_gate,
            tool=False,
            owner=image.owner,
            state=known.state,
            tags=tuple(stand(tag, Place(image.target, to)) for tag, to in tags),
            troubles=tuple(one for one in wrong if image.name in one.trouble.images),
            unreadable="\n".join(one for one in (unknown, unread, unfound) if one) or None,
        )

    def _known(self, repository: Repository) -> tuple[Known, str]:
        try:
            return self._observations.of(repository), ""
        except ServiceError as error:
            if error.code != UNREADABLE:
                raise
            return Known({}, RepositoryState()), str(error)

    def _tag(
        self, image: Image, tag: Tag, place: Place, known: Known, places: Mapping[Place, Target], current: _ById
    ) -> TagStanding:
        target = places.get(place)
        return stands(tag, str(place), known.tags.get(tag), target, self._candidate(image, target, current))

    def _of_tool(self, image: Image, wrong: tuple[Noted, ...]) -> ImageStanding:
        (known, unknown), (tag,) = self._known(image.repository), image.wanted
        tool, candidate, unread = self._tool(image.name)
        return ImageStanding(
            name=image.name,
            source=str(image.repository),
            target=image.target,
            gate=None,
            tool=True,
            owner=image.owner,
            state=known.state,
            tags=(tool_stands(tag, known.tags.get(tag), tool, candidate),),
            troubles=tuple(one for one in wrong if image.name in one.trouble.images),
            unreadable="\n".join(one for one in (unknown, unread) if one) or None,
        )

    def _tool(self, name: str) -> tuple[Tool | None, Candidate | None, str]:
        """Return a tool, the candidate of its newest digest, and which of both cannot be read."""
        try:
            stored = self._tools.get(name)
            tool = stored.tool if stored is not None else None
            found = self._candidates.get(tool.candidate(tool.newest.digest)) if tool and tool.newest else None
        except ServiceError as error:
            if error.code != UNREADABLE:
                raise
            return None, None, str(error)
        return tool, found.record if found is not None else None, ""

    def _candidate(self, image: Image, target: Target | None, current: _ById) -> Candidate | None:
        """What the base registry has already needs no look into the archive."""
        if target is None or target.newest is None:
            return None
        digest = target.newest.digest
        name = candidate_id(image.repository, digest, target.origin.gate)
        if name in current or digest == target.wanted:
            return current.get(name)
        stored = self._candidates.get(name)
        return stored.record if stored is not None else None
