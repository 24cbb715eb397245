"""What people can do to a tag, and what each of it would come to now: nothing is written, and nobody is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

import msgspec

from shared.domain.access.callers import Caller
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.consenting import may_consent
from shared.domain.promotion.consents import Waived, by
from shared.domain.promotion.foretold import (
    Around,
    Effect,
    Foretold,
    agreed_to,
    asked_of_another,
    decided_by,
    refused_by_people,
)
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.offering import Act, Offered, offered
from shared.domain.promotion.retrying import is_worth_another, lacks_newest
from shared.domain.promotion.said import Said
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import TidegateError
from shared.ports import Clock, Records
from shared.rules.admissions import Admissions
from shared.rules.approvals import approval_of
from shared.rules.bars import frozen_now

log = logging.getLogger("tidegate.foretell")

# What is built on a tag: the names of the tasks, each with the digest that it was last built on.
BuiltOn = Callable[[Target], Iterable[tuple[str, Digest]]]
_CONSENTING = frozenset({Act.APPROVE, Act.REJECT})
_WAIVING = frozenset({Act.ASK_WAIVER, Act.GRANT_WAIVER, Act.REVOKE_WAIVER})


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that can be done to a tag.

    Attributes:
        act: what.
        digest: of which digest.
        foretold: what it would come to now.
        may_not: why this caller's consent would not count now; empty if it would, or is not asked for.
        waived: of a waiver: what it is about.
        grants: whether it grants what another one asked: only an approver may.
    """

    act: Act
    digest: Digest
    foretold: Foretold
    may_not: str = ""
    waived: Waived | None = None
    grants: bool = False


class _Read:
    """The candidates that one page is about, each read once."""

    def __init__(self, candidates: Records[Candidate], known: Candidate | None) -> None:
        self._candidates = candidates
        self._known: dict[str, Candidate | None] = {known.id: known} if known is not None else {}

    def of(self, target: Target, digest: Digest) -> Candidate | None:
        """Return the candidate of a digest; what cannot be read is not told."""
        origin = target.origin
        name = candidate_id(origin.source, digest, origin.gate)
        if name not in self._known:
            try:
                stored = self._candidates.get(name)
            except TidegateError as error:
                log.warning("what %s would come to is not told: %s", target.id, error)
                stored = None
            self._known[name] = stored.record if stored is not None else None
        return self._known[name]


class Foreteller:
    """Tells what can be done, and what it would come to.

    Args:
        admissions: judge digests for targets.
        candidates: where candidates are.
        built_on: tells the tasks that are built on a tag.
        at_once: how many tasks are rebuilt at once.
        clock: tells the time.
    """

    def __init__(
        self,
        admissions: Admissions,
        candidates: Records[Candidate],
        built_on: BuiltOn,
        at_once: int,
        clock: Clock,
    ) -> None:
        self._admissions = admissions
        self._candidates = candidates
        self._built_on = built_on
        self._at_once = at_once
        self._clock = clock

    def offers(
        self, target: Target, caller: Caller, digest: str = "", known: Candidate | None = None
    ) -> tuple[Offer, ...]:
        """Return what can be done to a tag, and what each of it would come to now.

        Args:
            target: the record.
            caller: who would do it.
            digest: only what can be done to this one; empty for all.
            known: a candidate that was read just now, and is not read again.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        now, asked = self._clock(), self._admissions.asked(target)
        check, said = approval_of(asked), Said(caller.said, "", now)
        tasks = tuple(self._built_on(target))
        around = Around(now, frozen_now(asked, now), asked.observed, tasks, self._at_once)
        may_not = may_consent(caller, check.machines if check is not None else (), now)
        read = _Read(self._candidates, known)
        found = tuple(
            Offer(
                one.act,
                one.digest,
                self._foretold(target, one, check, around, read),
                may_not if one.act in _CONSENTING or one.grants else "",
                one.waived,
                one.grants,
            )
            for one in offered(target, check, said, by(caller))
            if digest in {"", one.digest}
        )
        return (*found, *_tried_again(target, digest, read))

    def _foretold(
        self, target: Target, one: Offered, check: ApprovalCheck | None, around: Around, read: _Read
    ) -> Foretold:
        if one.act is Act.APPROVE or one.act in _WAIVING:
            return self._judged(target, one, around, read)
        if one.act is Act.REJECT:
            return refused_by_people(target, one.after, one.digest, check.required if check is not None else 1)
        if one.act is Act.OVERRIDE and not one.grants:
            return asked_of_another(target, one.after, f"that {target.place} takes {one.digest} against its gate")
        return _beyond_this_tag(one.act, decided_by(target, one.after, around))

    def _judged(self, target: Target, one: Offered, around: Around, read: _Read) -> Foretold:
        if one.act is Act.ASK_WAIVER:
            told = "another approver has to grant it; then it is decided again at once"
            return Foretold(Effect.NOTED, f"it is asked for, and {told}", target.wanted)
        candidate = read.of(target, one.digest)
        admission = self._admission(candidate, one) if candidate is not None else None
        repository = candidate.home.repository if candidate is not None else ""
        return agreed_to(target, one.after, admission, repository, around)

    def _admission(self, candidate: Candidate, one: Offered) -> Admission | None:
        """Judged as it is when somebody agrees, with nothing coming of it; what cannot be read is not told."""
        dry, after = self._admissions.dry(), one.after
        if not isinstance(after, Target):
            return None
        try:
            basis = dry.basis(after, candidate.digest, objected=candidate.objection is not None)
            return dry.judge(candidate, basis, after) if basis is not None else None
        except TidegateError as error:
            log.warning("what %s would come to is not told: %s", after.id, error)
            return None


def _tried_again(target: Target, digest: str, read: _Read) -> Iterator[Offer]:
    """Of an entry it is tried again as a whole, as what was wrong with its gate was wrong for every tag."""
    newest = target.newest
    if newest is None or digest not in {"", newest.digest} or not lacks_newest(target):
        return
    if is_worth_another(target, read.of(target, newest.digest)):
        told = f"what failed or was rejected of the entry {target.origin.image} is tried again, for every tag of it"
        yield Offer(Act.RETRY, newest.digest, Foretold(Effect.NOTED, told, target.wanted))


def _beyond_this_tag(act: Act, foretold: Foretold) -> Foretold:
    """What is said of a digest or an entry is said of every tag that knows it."""
    more = {
        Act.BLOCK: "; it is refused for every other tag, too",
        Act.RELEASE: "; it is refused for no other tag either",
        Act.HOLD: "; the same for every tag of its entry, until that is resumed",
        Act.RESUME: "; the same for every tag of its entry",
    }.get(act, "")
    return msgspec.structs.replace(foretold, told=foretold.told + more) if more else foretold
