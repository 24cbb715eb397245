"""Decide again on what scans said, from the kept reports: when a policy or an exception changes, and when scans end.

Nothing is remembered of what was decided by what: an admission says it itself, so whoever looks compares it with what
is in force now. Whoever dies on the way leaves the rest to the next look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from shared.domain.promotion.admission import Admission, admission_of, could_come
from shared.domain.promotion.candidate import Candidate, Place
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.lifecycle import decided_again
from shared.domain.promotion.scanning import WATCHER
from shared.domain.promotion.schedule import VERDICT_LOOK
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target
from shared.domain.promotion.transitions import ENDS
from shared.domain.references import Digest
from shared.domain.scan.decision import Outcome
from shared.errors import ServiceError, TidegateError
from shared.ports import Stored
from shared.rules.admissions import Admissions
from shared.rules.progress import Progress
from shared.rules.proposals import Proposer
from shared.rules.targets import TargetBook

log = logging.getLogger("tidegate.decide_again")

# Each reads a scan's log; what is left is decided by the next sweep.
MOST_AT_ONCE = 200


class SecondJudge:
    """Decides again.

    Args:
        progress: where candidates are kept and how they go on.
        book: where targets are.
        admissions: judges digests for targets.
        proposer: tells targets what has passed.
        promote: looks after a candidate that passed its test.
        files: tells by a hash which further files are in force that everything is judged by.
    """

    def __init__(
        self,
        progress: Progress[Candidate],
        book: TargetBook,
        admissions: Admissions,
        proposer: Proposer,
        promote: Callable[[Stored[Candidate]], None],
        files: Callable[[], str] = str,
    ) -> None:
        self._progress = progress
        self._book = book
        self._admissions = admissions
        self._proposer = proposer
        self._promote = promote
        self._files = files
        self._noticed: dict[str, Place] = {}
        self._in_force: tuple[str, str, int, str] | None = None

    def notice(self, target: Target) -> None:
        """Note a target, which somebody read anyway, if something was decided by what is not in force any more."""
        try:
            if target.let_go is None and any(True for _ in self._out_of_date(target)):
                self._noticed[target.id] = target.place
        except ServiceError as error:
            log.warning("whether %s is to be decided again is not known yet: %s", target.id, error)

    def decide(self) -> None:
        """Decide again for what was noticed; every target is noticed anew if what is in force has changed just now.

        Raises:
            ServiceError: the storage account did not answer; the next sweep tries again.
        """
        self._notice_all()
        for target, place in list(self._noticed.items())[:MOST_AT_ONCE]:
            self._again(target, place)
            self._noticed.pop(target, None)

    def again(self, target: Target) -> None:
        """Decide again for one target, of which something was said just now, as far as that is out of date.

        Raises:
            ServiceError: the storage account did not answer; the survey notices it.
        """
        self._again(target.id, target.place)

    def scanned(self, askers: Iterable[str]) -> None:
        """Look at candidates whose scan, or whose base's scan, has ended.

        Args:
            askers: their ids.

        Raises:
            ServiceError: the storage account did not answer; it is asked for again.
        """
        for asker in askers:
            if asker == WATCHER:  # it looks by itself
                continue
            try:
                self._scanned(asker)
            except TidegateError as error:
                if error.temporary:
                    raise
                log.warning("%s is not told yet that its scan has ended: %s", asker, error)

    def _scanned(self, asker: str) -> None:
        stored = self._progress.records.get(asker)
        if stored is None or stored.record.is_earlier:
            return
        if stored.record.status in {Status.PROMOTING, Status.HELD}:
            self._promote(stored)
        elif stored.record.status in ENDS and stored.record.has_passed:
            for place in stored.record.places:
                self._tell(stored.record.id, place)

    def _notice_all(self) -> None:
        """The first time in a process the survey, which reads every target, tells what is out of date.

        The list is the one that was read last, by the survey at least. While no entry has scans made, nothing is read
        here; else one listing of the files of exceptions.
        """
        asking = self._admissions.policies.latest
        if asking is None or (self._in_force is None and not asking.judges):
            return
        known, now = self._admissions.exceptions.now(), self._book.clock()
        in_force = (asking.fingerprint, known.sha256, sum(end <= now for end in known.ends), self._files())
        if self._in_force not in {None, in_force}:
            for stored in self._book.targets.every(self._book.registry):
                self.notice(stored.record)
        self._in_force = in_force

    def _again(self, target_id: str, place: Place) -> None:
        """One that cannot be decided on keeps none of the others from it."""
        target = self._book.of(place.repository, place.tag)
        if target is None:
            return
        for digest in list(self._out_of_date(target)):
            try:
                self._on(target_id, place, candidate_id(target.origin.source, digest, target.origin.gate))
            except TidegateError as error:
                log.warning("%s is not decided again for %s yet: %s", digest, target_id, error)

    def _on(self, target_id: str, place: Place, candidate: str) -> None:
        stored = self._progress.records.get(candidate)
        if stored is None:
            log.info("%s is not known any more, and nothing is decided again of it for %s", candidate, target_id)
        elif stored.record.status in {Status.PROMOTING, Status.HELD}:
            self._promote(stored)
        elif stored.record.status in ENDS and stored.record.has_passed:
            self._tell(candidate, place)

    def _tell(self, candidate: str, place: Place) -> None:
        """Whose way has ended is proposed to one tag; what was rejected goes on as a whole, if it is let through."""
        stored, target = self._progress.records.get(candidate), self._book.of(place.repository, place.tag)
        if stored is None or target is None or not _concerns(target, stored.record.digest):
            return
        if stored.record.status is Status.REJECTED and (told := self._lets_through(stored.record, target)):
            again = self._progress.claim(stored, decided_again(stored.record, self._progress.clock(), told))
            if again is not None:
                self._promote(again)
            return
        if stored.record.status is Status.OBSERVED and self._is_promoted(stored.record, target):
            told = f"{place}: its entry is not only observed any more"
            again = self._progress.claim(stored, decided_again(stored.record, self._progress.clock(), told))
            if again is not None:
                self._promote(again)
            return
        written = self._proposer.propose(stored.record, place, anew=False, again=True)
        if written is not None:
            self._book.set_going(written)

    def _lets_through(self, candidate: Candidate, target: Target) -> str:
        """Return why a target takes what was rejected, for people; empty if it does not."""
        basis = self._admissions.basis(target, candidate.digest, objected=candidate.objection is not None)
        if basis is None:
            return f"{target.place}: its policy wants no scan any more"
        admission = self._admissions.judge(candidate, basis, target)
        return f"{target.place}: {admission.detail}" if admission.outcome is Outcome.PASS else ""

    def _is_promoted(self, candidate: Candidate, target: Target) -> bool:
        """Whether what was only observed goes on to be promoted, once nothing else keeps it back."""
        basis = self._admissions.basis(target, candidate.digest, objected=candidate.objection is not None)
        return basis is None or not basis.asked.observed

    def _out_of_date(self, target: Target) -> Iterator[Digest]:
        """What waits, or was rejected, could come; what is in force is only told of.

        What passed before there was a policy with a scan, and waits, is out of date as soon as there is one.
        """
        concerned = could_come(target) | {target.wanted}
        for admission in target.admissions:
            if admission.digest not in concerned:
                continue
            if self._is_asked_again(target, admission) or self._admissions.is_out_of_date(target, admission):
                yield admission.digest
        coming = could_come(target) | ({target.wanted} if target.reached != target.number else set())
        waiting = [one for one in coming if one in target.passed and admission_of(target, one) is None]
        yield from (one for one in waiting if self._admissions.basis(target, one) is not None)

    def _is_asked_again(self, target: Target, admission: Admission) -> bool:
        """What had passed, and waits, has no candidate under way that would ask for the answer that is missing."""
        waits = admission.outcome is Outcome.HOLD and admission.digest in target.passed
        return waits and self._book.clock() - admission.at >= VERDICT_LOOK


def _concerns(target: Target, digest: Digest) -> bool:
    return digest == target.wanted or digest in could_come(target)
