"""What people said here and what a document says that they said, made one: the later word counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from shared.domain.decisions.records import SaidOfTarget
from shared.domain.decisions.words import (
    Fate,
    Word,
    consents_of,
    is_bare,
    is_young,
    lets_in,
    moment,
    pin_of,
    taken_back_at,
    waiver_at,
    waivers_of,
)
from shared.domain.promotion.actions import borne
from shared.domain.promotion.consents import Consent, OverrideAsked, Waived
from shared.domain.promotion.overriding import LIFE
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.said import PIN, Chosen, Forced, Held, Pinned, TakenBack, Why, with_taken_back
from shared.domain.promotion.target import Former, Target
from shared.domain.promotion.waiving import waiver_named
from shared.domain.references import Digest

MOST_FORMER = 10
ROLLBACK, ADOPTION = "rollback", "adoption"
# What a tag is kept at: who may not bring it back would have the newest promoted instead.
KEEPING_AT = frozenset({PIN, ROLLBACK, ADOPTION})


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a tag from then on; what became of each word of the document, and what of it counts.

    See ``Target``, and ``SaidOfTarget`` for ``theirs``.
    """

    pinned: Pinned | None
    chosen: Chosen | None
    forced: tuple[Forced, ...]
    consents: tuple[Consent, ...]
    override: OverrideAsked | None
    waived: tuple[Waived, ...]
    hold: Held | None
    taken_back: tuple[TakenBack, ...]
    former: tuple[Former, ...]
    words: tuple[Word, ...]
    theirs: SaidOfTarget


def merged(
    mine: Target,
    said: SaidOfTarget,
    rulings: Iterable[Ruling],
    *,
    may_let_in: bool,
    now: datetime,
    held: frozenset[Digest] = frozenset(),
) -> Merged:
    """Return what is said of a tag by its record and by a document together.

    Args:
        mine: the record.
        said: the document's part on the tag.
        rulings: what is said of digests and entries here, those of the document taken in.
        may_let_in: whether what lets something in is taken.
        now: UTC.
        held: what the tag's own repository holds, and the tag points at, as it was asked itself.
    """
    words: list[Word] = []
    theirs = said if may_let_in else _of_known(_allowed(said, words), _known(mine, held), words)
    return Merged(
        pinned=_pin(mine, theirs, words, now),
        chosen=_chosen(mine, theirs, words),
        forced=_forced(mine, theirs, words),
        consents=_consents(mine, theirs, words),
        override=_override(mine, theirs, words, now),
        waived=_waived(mine, theirs, words),
        hold=_hold(mine, theirs, rulings, words),
        taken_back=with_taken_back(mine.taken_back, *theirs.taken_back),
        former=_former(mine, theirs, words, now),
        words=(*words, *_begun(mine, theirs)),
        theirs=theirs,
    )


def led_to(said: SaidOfTarget) -> frozenset[Digest]:
    """Return the digests that a document may lead a tag to."""
    ones = (said.pinned, said.chosen, said.adopted, *said.former)
    return frozenset({said.wanted, *(one.digest for one in ones if one is not None)} - {""})


def _known(mine: Target, held: frozenset[Digest]) -> frozenset[Digest]:
    """Return the digests that a tag may come to, whoever says so: each has been let in once."""
    return frozenset({mine.wanted, *held, *mine.passed, *borne(mine)} - {""})


def _of_known(said: SaidOfTarget, known: frozenset[Digest], words: list[Word]) -> SaidOfTarget:
    """A document is not signed: what it alone says that a tag bore would pass no gate on its way in."""
    named = {PIN: said.pinned, ROLLBACK: said.chosen, ADOPTION: said.adopted}
    odd = {what: one.digest for what, one in named.items() if one is not None and one.digest not in known}
    words += [Word(what, digest, Fate.NOT_ALLOWED) for what, digest in odd.items()]
    return msgspec.structs.replace(
        said,
        wanted=said.wanted if said.wanted in known else Digest(""),
        former=tuple(one for one in said.former if one.digest in known),
        pinned=None if PIN in odd else said.pinned,
        chosen=None if ROLLBACK in odd else said.chosen,
        adopted=None if ADOPTION in odd else said.adopted,
    )


def _allowed(said: SaidOfTarget, words: list[Word]) -> SaidOfTarget:
    """Leave out, and tell, what lets something in."""
    left = [Word(f"consent of {one.by.name}", one.digest, Fate.NOT_ALLOWED) for one in said.consents if lets_in(one)]
    left += [Word(f"waiver of {one.id}", one.digest, Fate.NOT_ALLOWED) for one in said.waived if lets_in(one)]
    left += [Word("override", one.digest, Fate.NOT_ALLOWED) for one in said.forced]
    left += [Word("override asked", said.override.digest, Fate.NOT_ALLOWED)] if said.override else []
    words += left
    return msgspec.structs.replace(
        said,
        chosen=None if said.chosen is not None and lets_in(said.chosen.why) else said.chosen,
        forced=(),
        override=None,
        consents=tuple(one for one in said.consents if not lets_in(one)),
        waived=tuple(one for one in said.waived if not lets_in(one)),
    )


def _pin(mine: Target, theirs: SaidOfTarget, words: list[Word], now: datetime) -> Pinned | None:
    if theirs.pinned is not None:
        pinned, fate = pin_of(mine, theirs.pinned, now)
        words.append(Word("pin", theirs.pinned.digest, fate))
        return pinned
    if mine.pinned is not None and taken_back_at(theirs.taken_back, PIN) > moment(mine.pinned.said.at):
        words.append(Word("unpin", mine.pinned.digest, Fate.TAKEN))
        return None
    return mine.pinned


def _chosen(mine: Target, theirs: SaidOfTarget, words: list[Word]) -> Chosen | None:
    """The record's own ``above`` may be a later one: the source was looked at since."""
    chosen = theirs.chosen
    if chosen is None:
        return mine.chosen
    what = "override in force" if chosen.why is Why.AGAINST_GATE else ROLLBACK
    if mine.chosen is not None and (mine.chosen.digest, mine.chosen.said) == (chosen.digest, chosen.said):
        fate = Fate.SAME
    else:
        newer = mine.chosen is not None and moment(mine.chosen.said.at) >= moment(chosen.said.at)
        fate = Fate.NEWER_HERE if newer else Fate.TAKEN
    words.append(Word(what, chosen.digest, fate))
    return chosen if fate is Fate.TAKEN else mine.chosen


def _forced(mine: Target, theirs: SaidOfTarget, words: list[Word]) -> tuple[Forced, ...]:
    known = {one.digest for one in mine.forced}
    words += [Word("override", one.digest, Fate.SAME if one.digest in known else Fate.TAKEN) for one in theirs.forced]
    return (*mine.forced, *(one for one in theirs.forced if one.digest not in known))


def _consents(mine: Target, theirs: SaidOfTarget, words: list[Word]) -> tuple[Consent, ...]:
    open_ = [one for one in theirs.consents if one in mine.consents or not _is_closed(mine, theirs, one.digest)]
    both = consents_of(mine.consents, open_)
    for one in theirs.consents:
        held = Fate.SAME if one in mine.consents else Fate.TAKEN
        lost = Fate.NEWER_HERE if one in open_ else Fate.OVER
        words.append(Word(f"{one.answer.value} by {one.by.name}", one.digest, held if one in both else lost))
    return both if any(one not in mine.consents for one in both) else mine.consents


def _is_closed(mine: Target, theirs: SaidOfTarget, digest: Digest) -> bool:
    """Whether a newer digest was seen here, which closed what was said of another one that has not passed."""
    newest = mine.newest
    passed = {mine.wanted, mine.seen, *mine.passed, *({theirs.wanted} if is_young(mine) else ())}
    return newest is not None and digest not in {newest.digest, *passed}


def _override(mine: Target, theirs: SaidOfTarget, words: list[Word], now: datetime) -> OverrideAsked | None:
    asked = theirs.override
    if asked is None:
        return mine.override
    granted = any(one.digest == asked.digest and one.said.at >= asked.at for one in (*mine.forced, *theirs.forced))
    if asked == mine.override:
        fate = Fate.SAME
    elif now - asked.at >= LIFE or _is_closed(mine, theirs, asked.digest):
        fate = Fate.OVER
    else:
        newer = granted or (mine.override is not None and mine.override.at >= asked.at)
        fate = Fate.NEWER_HERE if newer else Fate.TAKEN
    words.append(Word(f"override asked by {asked.by.name}", asked.digest, fate))
    return asked if fate is Fate.TAKEN else mine.override


def _waived(mine: Target, theirs: SaidOfTarget, words: list[Word]) -> tuple[Waived, ...]:
    open_ = [one for one in theirs.waived if one in mine.waived or not _is_closed(mine, theirs, one.digest)]
    both = waivers_of(mine, open_)
    for one in theirs.waived:
        held = Fate.SAME if one in mine.waived else Fate.TAKEN
        lost = Fate.NEWER_HERE if one in open_ else Fate.OVER
        words.append(Word(f"waiver of {one.id} in {one.package}", one.digest, held if one in both else lost))
    left = tuple(one for one in both if not _revoked_there(one, theirs))
    words += [Word(f"revoked waiver of {one.id}", one.digest, Fate.TAKEN) for one in both if one not in left]
    return left


def _revoked_there(one: Waived, theirs: SaidOfTarget) -> bool:
    return taken_back_at(theirs.taken_back, waiver_named(one.digest, one.key)) > waiver_at(one)


def _hold(mine: Target, theirs: SaidOfTarget, rulings: Iterable[Ruling], words: list[Word]) -> Held | None:
    """A hold is of an entry, which may bear another name by now: it holds for as long as that one's does."""
    if theirs.hold is None:
        return None
    name = theirs.hold.image or theirs.origin.image
    in_force = any(one.kind is Kind.HOLD and one.subject == name and one.in_force for one in rulings)
    held = Fate.SAME if mine.hold is not None else Fate.TAKEN
    words.append(Word(f"hold of {name}", "", held if in_force else Fate.NEWER_HERE))
    return msgspec.structs.replace(theirs.hold, image=name) if in_force else None


def _former(mine: Target, theirs: SaidOfTarget, words: list[Word], now: datetime) -> tuple[Former, ...]:
    """What the tag bore before it was known here is what people, or a block, may go back to."""
    bore = (*((Former(theirs.wanted, now),) if theirs.wanted else ()), *theirs.former)
    ours = {one.digest for one in bore if not one.foreign}
    here = tuple(one for one in mine.former if not (one.foreign and one.digest in ours))
    known = {mine.wanted, mine.seen, *(one.digest for one in here)}
    more = {one.digest: one for one in bore if one.digest not in known}
    former = (*here, *more.values())[:MOST_FORMER]
    if former != mine.former and not is_bare(mine):
        words.append(Word("what it bore before", former[-1].digest, Fate.TAKEN))
    return former


def _begun(mine: Target, theirs: SaidOfTarget) -> Iterator[Word]:
    """What has no time of its own counts where nothing was brought about yet."""
    if is_bare(mine):
        yield Word("what it was to be", theirs.wanted, Fate.TAKEN)
    if theirs.adopted is not None:
        news = is_young(mine) and mine.adopted is None
        same = mine.adopted is not None and mine.adopted.digest == theirs.adopted.digest
        other = Fate.SAME if same else Fate.NEWER_HERE
        yield Word(ADOPTION, theirs.adopted.digest, Fate.TAKEN if news else other)
    unknown = [one.what for one in theirs.taken_back if moment(one.at) > taken_back_at(mine.taken_back, one.what)]
    yield from (Word(f"taken back: {what}", "", Fate.TAKEN) for what in unknown)
