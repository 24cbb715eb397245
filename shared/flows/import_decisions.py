"""Bring back what people decided, from a document: first what is said of digests and entries, then what of tags.

Each word is merged with what is here, and the later one counts, so that the same document may come twice, late, or
again after a death between any two writes: what was not taken yet is taken then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import msgspec

from shared.access_ports import ApiKeys
from shared.digest_ports import Holder
from shared.domain.access.callers import Caller, Role
from shared.domain.decisions.merging import KEEPING_AT, led_to
from shared.domain.decisions.outcome import BroughtBack, Line, counted, fate_of, keys_to_make
from shared.domain.decisions.records import Decisions, SaidOfTarget
from shared.domain.decisions.restoring import Given, brought_back
from shared.domain.decisions.words import Fate, Word, is_bare, is_young
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.target import Target, target_id
from shared.domain.references import Digest
from shared.errors import ServiceError
from shared.ports import Activity, Event, Registry
from shared.rules.targets import TargetBook
from shared.target_ports import Rulings, StoredTarget

log = logging.getLogger("tidegate.decisions")

# The front end ends a request after 230 seconds; whoever asks again goes on where this ended.
LONGEST = timedelta(seconds=150)
_SUBJECTS = {Kind.BLOCK: "digest", Kind.HOLD: "image"}
_NAMES = {
    (Kind.BLOCK, True): "block",
    (Kind.BLOCK, False): "release",
    (Kind.HOLD, True): "hold",
    (Kind.HOLD, False): "resume",
}


class DecisionImporter:
    """Brings back what people decided.

    Args:
        book: where targets are.
        rulings: what is said of digests and entries.
        base: the base registry in force.
        holder: the same, asked for what it holds.
        activity: is told of everything that is taken, before it is.
        keys: gives the API keys.
        finish: tells targets what is said of digests and entries.
        remembered: is called once all of a document was looked at: what people decided is known here.
    """

    def __init__(
        self,
        book: TargetBook,
        rulings: Rulings,
        base: Registry,
        holder: Holder,
        activity: Activity,
        keys: Callable[[], ApiKeys],
        *,
        finish: Callable[[], object],
        remembered: Callable[[], None],
    ) -> None:
        self._book = book
        self._rulings = rulings
        self._base = base
        self._holder = holder
        self._activity = activity
        self._keys = keys
        self._finish = finish
        self._remembered = remembered

    def take(self, decisions: Decisions, caller: Caller, *, dry_run: bool) -> BroughtBack:
        """Bring back what a document says, or tell what would come of that.

        Args:
            decisions: a document that was checked.
            caller: who brings it back; what lets something in is taken only from a person who may agree to it.
            dry_run: whether nothing is to be written.

        Raises:
            ServiceError: the storage account failed; asking again goes on.
            Conflict: a record changes too fast; asking again goes on.
        """
        now = self._book.clock()
        one = _Import(decisions, caller, dry_run, self._may_let_in(caller))
        rulings = self._take_rulings(one)
        for said in decisions.targets:
            if self._book.clock() - now > LONGEST:
                one.problems.append("it takes longer than one request may; send the same document again")
                break
            self._take_target(one, said, rulings)
        if not dry_run:
            self._finish()
            if not one.problems:
                self._remembered()
        return self._told(one)

    def _may_let_in(self, caller: Caller) -> bool:
        return Role.APPROVER in caller.roles and not may_consent(caller, (), self._book.clock())

    def _told(self, one: _Import) -> BroughtBack:
        here = [stored.key for stored in self._keys().every()]
        return BroughtBack(
            dry_run=one.dry_run,
            exported_at=one.decisions.exported_at,
            registry=self._book.registry,
            whole=not one.problems,
            counts=counted(one.lines),
            lines=tuple(one.lines),
            keys_to_make=keys_to_make(one.decisions, here),
            problems=tuple(one.problems),
        )

    def _take_rulings(self, one: _Import) -> tuple[Ruling, ...]:
        """Return what is said of digests and entries from then on."""
        known = {(ruling.kind, ruling.subject): ruling for ruling in self._rulings.every()}
        for theirs in one.decisions.rulings:
            name = (theirs.kind, theirs.subject)
            fate = fate_of(known.get(name), theirs)
            if fate is Fate.TAKEN:
                known[name] = theirs if one.dry_run else self._put(one, theirs)
            about = f"{_SUBJECTS[theirs.kind]}:{theirs.subject}"
            one.lines.append(Line(about, _NAMES[theirs.kind, theirs.in_force], _of_ruling(theirs), fate))
        return tuple(known.values())

    def _put(self, one: _Import, theirs: Ruling) -> Ruling:
        """The line of the activity log is written first, so that nothing is done that is not told."""
        stored = self._rulings.get(theirs.kind, theirs.subject)
        if fate_of(stored.ruling if stored else None, theirs) is not Fate.TAKEN and stored is not None:
            return stored.ruling
        told = f"{_NAMES[theirs.kind, theirs.in_force]}: {_of_ruling(theirs)}"
        self._tell(one, f"{_SUBJECTS[theirs.kind]}:{theirs.subject}", told)
        return self._rulings.put(stored, msgspec.structs.replace(theirs, open=True)).ruling

    def _take_target(self, one: _Import, said: SaidOfTarget, rulings: tuple[Ruling, ...]) -> None:
        registry = self._book.registry if said.registry == one.decisions.registry else said.registry
        target = target_id(registry, said.repository, said.tag)
        stored = self._book.targets.get(target)
        try:
            found = self._found(one, stored.record if stored else None, said, registry)
            held = self._held(one, said, registry)
        except ServiceError as error:
            one.problems.append(f"{target} was left: what it points at cannot be read: {error}")
            return
        given = Given(
            said=said,
            registry=registry,
            found=found,
            rulings=rulings,
            may_let_in=one.may_let_in,
            now=self._book.clock(),
            held=held,
        )
        self._bring_back(one, target, stored, given)

    def _found(self, one: _Import, known: Target | None, said: SaidOfTarget, registry: str) -> Digest:
        """What a tag bears counts only where nothing is known of it; of former registries the document knows it."""
        if known is not None and not (is_bare(known) or is_young(known)):
            return Digest("")
        if registry != self._book.registry:
            return said.wanted if one.may_let_in else Digest("")
        return self._base.digest(said.repository, said.tag) or Digest("")

    def _held(self, one: _Import, said: SaidOfTarget, registry: str) -> frozenset[Digest]:
        """What the repository holds has been let in once; what only a document names has passed no gate."""
        if one.may_let_in or registry != self._book.registry:
            return frozenset()
        return frozenset(digest for digest in led_to(said) if self._holder.holds(said.repository, digest))

    def _bring_back(self, one: _Import, target: str, stored: StoredTarget | None, given: Given) -> None:
        known = stored.record if stored else None
        after, words = brought_back(known, given)
        if after != known and after is not None and not one.dry_run:
            self._tell(one, f"target:{target}", _of_words(words))
            words = self._written(target, stored, given) or words
        one.lines += _lines(target, words)
        if any(word.fate is Fate.NOT_ALLOWED and word.what in KEEPING_AT for word in words):
            told = "is to be kept at a digest that it is not known to have borne here"
            one.problems.append(f"{target} {told}: a person with the role approver has to bring that back")

    def _written(self, target: str, stored: StoredTarget | None, given: Given) -> tuple[Word, ...]:
        """What others wrote meanwhile is merged anew."""
        last: list[tuple[Word, ...]] = []

        def change(known: Target | None) -> Target | None:
            after, words = brought_back(known, given)
            last.append(words)
            return after

        written = self._book.change(target, change, stored)
        if written is not None and written.record.registry == self._book.registry:
            self._book.wake(written.record)
        return last[0] if last else ()

    def _tell(self, one: _Import, about: str, told: str) -> None:
        of = f"{one.decisions.exported_at:%Y-%m-%dT%H:%M:%SZ}"
        detail = f"{told}; brought back by {one.caller.said} from the document of {of}"
        self._activity.append(Event(about, "brought-back", self._book.clock(), detail))


class _Import:
    """One document on its way."""

    def __init__(self, decisions: Decisions, caller: Caller, dry_run: bool, may_let_in: bool) -> None:
        self.decisions = decisions
        self.caller = caller
        self.dry_run = dry_run
        self.may_let_in = may_let_in
        self.lines: list[Line] = []
        self.problems: list[str] = []


def _of_ruling(ruling: Ruling) -> str:
    said = ruling.said
    return f"{said.by} at {said.at:%Y-%m-%dT%H:%M:%SZ}: {said.why}"


def _of_words(words: tuple[Word, ...]) -> str:
    taken = [f"{one.what} {one.detail}".strip() for one in words if one.fate is Fate.TAKEN]
    return ", ".join(taken)


def _lines(target: str, words: tuple[Word, ...]) -> Iterator[Line]:
    return (Line(f"target:{target}", one.what, one.detail, one.fate) for one in words)
