"""Tools come into the staging registry: first their record says what was sighted, then a candidate brings it.

Whoever dies between two writes leaves a record that says what is missing: the next check, the next sweep and whoever
needs the tool see to it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from shared.digest_ports import Holder
from shared.domain.promotion import tool as tools_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.lifecycle import advance, begin_again
from shared.domain.promotion.schedule import LAG_PATIENCE, SCAN_REST
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Sighting
from shared.domain.promotion.tool import Tool, candidate_of
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest
from shared.domain.watching.observation import next_order
from shared.domain.watching.scanner import SCANNER, SCANNER_REPOSITORY, ScannerEntry
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import Conflict, ServiceError
from shared.ports import Stored
from shared.rules.progress import Progress
from shared.tool_ports import Tools

log = logging.getLogger("tidegate.tools")

# What could not be brought is tried again; scans wait for it.
TRIED_AGAIN = timedelta(hours=1)
_TRIES = 8


class Mirror:
    """Mirrors tools.

    Args:
        progress: where candidates are kept and how they go on.
        tools: where tools are.
        staging: says what the staging registry holds.
    """

    def __init__(self, progress: Progress[Candidate], tools: Tools, staging: Holder) -> None:
        self._progress = progress
        self._tools = tools
        self._staging = staging

    def get(self, name: str) -> Tool | None:
        """Return a tool by its name, or ``None`` if nothing was ever sighted of it."""
        stored = self._tools.get(name)
        return stored.tool if stored is not None else None

    def way_of(self, tool: Tool) -> str:
        """Say for people how far the newest digest of a tool is on its way into the staging registry."""
        newest = tool.newest
        stored = self._progress.records.get(tool.candidate(newest.digest)) if newest is not None else None
        if stored is None:
            return "nothing of it was sighted yet"
        last = stored.record.last
        return f"{stored.record.id} is {last.status.value} ({last.reason.value}: {last.detail})"

    def sighted(self, image: Image, sighting: Sighting, *, by_hand: bool = False) -> None:
        """Take note of what a tool's source points at, and see that it is mirrored.

        Args:
            image: its entry of the watch list.
            sighting: what was seen, by the registry's own word.
            by_hand: whether somebody asked for it, so that what failed is tried again at once.

        Raises:
            Conflict: the record changes too fast; the check is made again.
            ServiceError: the storage account failed.
        """
        (tag,) = image.wanted
        fresh = Tool(name=image.name, repository=image.target, source=image.repository, source_tag=tag)
        tool = self._change(image.name, lambda known: tools_of.sighted(known, fresh, sighting))
        if tool is not None:
            self.see_to(tool, by_hand=by_hand)

    def see_to_all(self, watch_list: WatchList) -> None:
        """See that every tool of a list has its newest digest on its way into the staging registry, or there.

        Raises:
            Conflict: a record changes too fast; the next sweep does it.
            ServiceError: the storage account failed.
        """
        if watch_list.scanner is not None:
            self.see_to_scanner(watch_list.scanner)
        for image in watch_list.images:
            tool = self.get(image.name) if image.is_tool else None
            if tool is not None and tool.source == image.repository and tool.repository == image.target:
                self.see_to(tool)

    def see_to_scanner(self, entry: ScannerEntry, *, lost: bool = False) -> Tool | None:
        """See that the scanner's image is mirrored by the digest that the list names. Nobody looks for its tag.

        Args:
            entry: the scanner, as the list names it.
            lost: whether the staging registry was found without it.
        """
        source, digest, tag = entry.source
        fresh = Tool(name=SCANNER, repository=SCANNER_REPOSITORY, source=source, source_tag=tag)
        now = self._progress.clock()

        def told(known: Tool | None) -> Tool:
            last = known.sightings[-1].order if known is not None and known.sightings else 0
            return tools_of.sighted(known, fresh, Sighting(next_order(last, now), digest))

        tool = self._change(SCANNER, told)
        if tool is not None:
            self.see_to(tool, lost=lost)
        return tool

    def see_to(self, tool: Tool, *, lost: bool = False, by_hand: bool = False) -> None:
        """See that what a tool's source was last seen to point at is mirrored.

        Args:
            tool: its record.
            lost: whether the staging registry was found without what runs are given.
            by_hand: whether somebody asked for it.
        """
        newest = tool.newest
        if newest is None or (tool.is_current and not lost):
            return
        now = self._progress.clock()
        wanted = candidate_of(tool, newest, now)
        existing = self._progress.records.get(wanted.id)
        if existing is None:
            if self._progress.insert(wanted):
                self._progress.wake(wanted)
        elif existing.record.status not in ENDS:
            if existing.record.look_at <= now:  # whoever wrote it may have died before the message was sent
                self._progress.wake(existing.record)
        elif self._is_to_begin(existing.record, by_hand=by_hand):
            detail = f"{tool.repository}@{newest.digest} is to be in the staging registry, and is not"
            self._progress.save(existing, begin_again(existing.record, now, detail=detail, wanted=wanted))

    def mirror(self, stored: Stored[Candidate]) -> None:
        """Do the next thing about a tool that is staged, given its candidate's record as it was read."""
        self.finish(stored, stored.record)

    def or_else(
        self, begin: Callable[[Stored[Candidate], Candidate], None]
    ) -> Callable[[Stored[Candidate], Candidate], None]:
        """Return what is done about what was just staged: the way of a tool ends there, others are begun with."""

        def staged(stored: Stored[Candidate], candidate: Candidate) -> None:
            (self.finish if candidate.tool else begin)(stored, candidate)

        return staged

    def finish(self, stored: Stored[Candidate], candidate: Candidate) -> None:
        """End the candidate of a tool that was read back from the staging registry, once runs are given it.

        Args:
            stored: the record as it was read.
            candidate: the same, staged; not necessarily written yet.

        Raises:
            Conflict: the tool's record changes too fast; it is looked at again.
            ServiceError: the storage account failed.
        """
        tool = self._note(candidate.tool, candidate.digest)
        given = tool is not None and tool.digest == candidate.digest
        detail = "runs are given it from now on" if given else "one that was sighted later is there already"
        self._progress.save(stored, advance(candidate, Reason.TOOL_MIRRORED, self._progress.clock(), detail=detail))
        if given:
            self._wake_held()

    def _wake_held(self) -> None:
        """What is held may be so for want of a newer tool; whoever dies here leaves it to its next look."""
        try:
            for held in self._progress.records.in_status({Status.HELD}):
                self._progress.again(held, SCAN_REST)
        except ServiceError as error:
            log.warning("what is held is looked at as it was to be, and not sooner for the new tool: %s", error)

    def _is_to_begin(self, ended: Candidate, *, by_hand: bool) -> bool:
        """What was mirrored before is given to runs again if it is still there."""
        waited = self._progress.clock() - ended.since
        if ended.status is not Status.MIRRORED:
            return by_hand or waited >= TRIED_AGAIN
        try:
            held = self._staging.holds(ended.home.repository, ended.digest)
        except ServiceError as error:  # a check of other repositories does not wait for it
            log.warning("whether staging has %s is not known, the next sweep asks again: %s", ended.id, error)
            return False
        if held:
            self._note(ended.tool, ended.digest)
            return False
        return waited >= LAG_PATIENCE  # a copy of the registry may not know yet of what was just read back

    def _note(self, name: str, digest: Digest) -> Tool | None:
        now = self._progress.clock()
        return self._change(name, lambda known: tools_of.mirrored(known, digest, now) if known is not None else None)

    def _change(self, name: str, change: Callable[[Tool | None], Tool | None]) -> Tool | None:
        """Change a tool as it is now; what is as it should be already is not written."""
        for _ in range(_TRIES):
            stored = self._tools.get(name)
            known = stored.tool if stored is not None else None
            changed = change(known)
            if changed is None or changed == known:
                return changed
            try:
                return self._tools.put(stored, changed).tool
            except Conflict:
                log.info("the tool %s was written by another worker", name)
        raise Conflict(f"the tool {name} changes too fast; it is tried again")
