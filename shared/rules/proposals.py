"""How a digest that passed its test is made known to a target, which decides on it, as far as its scan lets it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.promotion.admission import Admission, AdmissionReason, Waiting, admission_of, same_admission
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.consents import closed_told
from shared.domain.promotion.decision import decide, without_trouble
from shared.domain.promotion.reconciling import admitted, has_passed, scheduled, sighted
from shared.domain.promotion.target import Origin, Sighting, Target, target_id
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.domain.watching.observation import order_at
from shared.domain.watching.troubles import about_target
from shared.errors import Conflict
from shared.ports import Activity, Event
from shared.rules.admissions import Admissions, Basis
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget

_TRIES = 8
_NAMES = {Outcome.PASS: "scan-passed", Outcome.REJECT: "scan-rejected", Outcome.HOLD: "scan-held"}
_BY_PEOPLE = {AdmissionReason.APPROVED.value, AdmissionReason.REJECTED_BY_PEOPLE.value}
_NAMES_OF_SIGNATURES = {
    Outcome.PASS: "signature-passed",
    Outcome.REJECT: "signature-rejected",
    Outcome.HOLD: "signature-held",
}
# What is waited for, and may be for long, is told by its own name.
_TOLD = frozenset({Waiting.SOAKING, Waiting.FROZEN, Waiting.APPROVAL, Waiting.NOTHING})
_NAMES_OF_TESTS = {Outcome.PASS: "gate-observed", Outcome.REJECT: "gate-rejected", Outcome.HOLD: "gate-undecided"}


class Proposer:
    """Proposes digests to targets.

    Args:
        book: where targets are.
        admissions: judges digests for targets.
        activity: is told what a scan comes to mean for a tag.
    """

    def __init__(self, book: TargetBook, admissions: Admissions, activity: Activity) -> None:
        self._book = book
        self._admissions = admissions
        self._activity = activity

    def propose(self, candidate: Candidate, place: Place, *, anew: bool, again: bool = False) -> StoredTarget | None:
        """Tell a target that a digest passed its test; telling it twice does no harm.

        By what the digest is judged is read before the target is changed. A target whose base in use, or whose policy,
        is another one by then is left as it is, and the digest judged again.

        Args:
            candidate: which passed.
            place: the target's tag.
            anew: whether it passed just now, so that what kept the target from it before is forgotten.
            again: whether it is noted that it was judged now, although nothing else came of it.

        Returns:
            The target, which has decided; ``None`` if it asks for another gate now, and was told nothing.

        Raises:
            Conflict: the target changes too fast; it is told again later.
            ServiceError: the storage account failed, or the target's record cannot be read.
        """
        proposal = _Proposal(self._book, self._admissions, candidate, place, anew=anew, again=again)
        for _ in range(_TRIES):
            written = self._book.change(proposal.target, proposal.made_to)
            if proposal.basis is None:
                return written
            if proposal.before is not None:
                self._judge(proposal, proposal.basis, proposal.before)
        raise Conflict(f"{proposal.target} changes too fast to be judged; it is tried again")

    def tell_closed(self, before: Target, after: Target, now: datetime) -> None:
        """Tell what a newer digest closes, before it is written.

        Args:
            before: the target as it is.
            after: as it is to be.
            now: UTC.
        """
        told, newest = closed_told(before, after), after.newest
        if told and newest is not None:
            detail = f"{newest.digest} was seen, so what people said before holds no more: {told}"
            self._activity.append(Event(about_target(after.id), "closed-by-newer-digest", now, detail))

    def judges(self, target: Target, digest: Digest) -> bool:
        """Whether more than the test decides whether a target may come to a digest.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        return self._admissions.basis(target, digest) is not None

    def _judge(self, proposal: _Proposal, basis: Basis, before: Target) -> None:
        """What comes to mean something else is told first, so that nothing is done that is not told."""
        admission = self._admissions.judge(proposal.candidate, basis, before)
        proposal.judged[basis] = admission
        if _is_news(before, admission):
            about, name = about_target(proposal.target), _name_of(admission, before)
            self._activity.append(Event(about, name, admission.at, f"{admission.digest}: {admission.detail}"))


class _Proposal:
    """One digest and one target: what changes there, by what was judged so far."""

    def __init__(
        self, book: TargetBook, admissions: Admissions, candidate: Candidate, place: Place, *, anew: bool, again: bool
    ) -> None:
        self.target = target_id(book.registry, place.repository, place.tag)
        self.candidate = candidate
        self.judged: dict[Basis, Admission] = {}
        # By what the target is to be judged and was not yet; the record that it was found with.
        self.basis: Basis | None = None
        self.before: Target | None = None
        self._book = book
        self._admissions = admissions
        self._place = place
        self._anew = anew
        self._again = again

    def made_to(self, known: Target | None) -> Target | None:
        """Return the target as it is to be; ``None`` if it is to be told nothing, or not yet."""
        self.basis, candidate, now = None, self.candidate, self._book.clock()
        target = known or _fresh(self._book.registry, candidate, self._place)
        if target.origin.gate != candidate.gate:
            return None
        # A candidate of an earlier version was sighted when it was detected, and its target knows nothing of it.
        if all(one.digest != candidate.digest for one in target.sightings):
            sighting = Sighting(order_at(candidate.detected_at), candidate.digest, candidate.traceparent)
            target = sighted(target, sighting, target.origin, now)
        basis = self._admissions.basis(target, candidate.digest, objected=candidate.objection is not None)
        if basis is not None and basis not in self.judged:
            self.basis, self.before = basis, target
            return None
        told = self._told(target, self.judged[basis] if basis is not None else None)
        return scheduled(decide(told, now)[0], now)

    def _told(self, target: Target, admission: Admission | None) -> Target:
        """What waited for its scan passes just now, too."""
        digest, repository = self.candidate.digest, self.candidate.home.repository
        known = admission_of(target, digest)
        waited = known is not None and known.outcome is not Outcome.PASS
        if admission is None or admission.outcome is Outcome.PASS:
            target = without_trouble(target) if (self._anew or waited) and target.importing is None else target
        if admission is None:
            return _forgotten(has_passed(target, digest, repository), digest)
        keeps = known is not None and same_admission(known, admission) and not self._again
        return admitted(target, known if keeps and known is not None else admission, repository)


def _forgotten(target: Target, digest: object) -> Target:
    """What a policy said that is not in force any more is not kept: nothing is judged by it."""
    left = tuple(one for one in target.admissions if one.digest != digest)
    return msgspec.structs.replace(target, admissions=left) if left != target.admissions else target


def _is_news(target: Target | None, admission: Admission) -> bool:
    """Whether people are to be told; that a scan is waited for, and that all is well at once, the candidate says.

    What people said was told when they said it; what is waited for after that was not.
    """
    known = admission_of(target, admission.digest) if target is not None else None
    if admission.awaits_scan:
        return False
    if known is None or known.awaits_scan:
        observed = known is not None and known.outcome is Outcome.PASS
        return observed or admission.of_test or bool(admission.blocking) or admission.outcome is not Outcome.PASS
    by_people = known.waits_for is Waiting.APPROVAL and not _BY_PEOPLE.isdisjoint(admission.reasons)
    if by_people and admission.outcome is not Outcome.HOLD:
        return False
    if known.outcome is admission.outcome is Outcome.HOLD and known.waits_for is not admission.waits_for:
        return admission.waits_for in _TOLD
    return known.outcome is not admission.outcome or (admission.of_test and not known.of_test)


def _name_of(admission: Admission, before: Target) -> str:
    """What passes is told as what had kept it."""
    if admission.waits_for in _TOLD:
        return admission.waits_for.value
    if admission.by_test or (admission.of_test and admission.outcome is Outcome.PASS):
        return _NAMES_OF_TESTS[admission.outcome]
    kept = admission if admission.outcome is not Outcome.PASS else admission_of(before, admission.digest)
    names = _NAMES_OF_SIGNATURES if kept is not None and kept.by_signature else _NAMES
    return names[admission.outcome]


def _fresh(registry: str, candidate: Candidate, place: Place) -> Target:
    origin = Origin(candidate.image, candidate.source, candidate.source_tag, candidate.gate)
    return Target(registry=registry, repository=place.repository, tag=place.tag, origin=origin)
