"""Whether a digest is signed by whom the policy wants: one check of an admission."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.policy.signing import SignatureCheck
from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.parts import Part
from shared.domain.promotion.signed import LACKING, Kept, part_of, unread_part, with_unread
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.domain.signatures.material import Material
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict
from shared.errors import ServiceError, TidegateError
from shared.ports import Clock, Evidence
from shared.rules.policies import Asked, Policies
from shared.rules.signature_book import SignatureBook
from shared.rules.trust_files import KnownTrust

log = logging.getLogger("tidegate.signatures")

Judge = Callable[[SignatureCheck, Material, str, Mapping[str, bytes], datetime], SignatureVerdict]


def _untold(outcome: str) -> None:
    """Nobody listens."""


class SignedBy:
    """The check.

    Args:
        policies: the policies in force.
        book: the signatures of digests.
        trust: the keys, roots and stores that policies name.
        judge: judges signatures.
        evidence: where what decided is kept.
        clock: tells the time.
        tell: is told what each judgement came to.
    """

    def __init__(
        self,
        policies: Callable[[], Policies],
        book: SignatureBook,
        trust: KnownTrust,
        judge: Judge,
        evidence: Evidence,
        clock: Clock,
        tell: Callable[[str], None] = _untold,
    ) -> None:
        self._policies = policies
        self._book = book
        self._trust = trust
        self._judge = judge
        self._evidence = evidence
        self._clock = clock
        self._tell = tell

    def ask(self, candidate: Candidate) -> None:
        """Have read what lies beside a candidate, side by side with its test, if a tag of it asks for signatures.

        What cannot be read now is read when the candidate is proposed.
        """
        try:
            asking = self._policies().now()
            places = candidate.places if asking.signs else ()
            if any(asking.of(candidate.image, place).signed is not None for place in places):
                self._book.of(candidate.source, candidate.digest)
        except TidegateError as error:
            log.warning("the signatures of %s are not read yet, its proposal does: %s", candidate.id, error)

    def facts(self, target: Target, digest: Digest, asked: Asked) -> str:  # noqa: ARG002  as the port has it
        """See ``AdmissionCheck.facts``: which files of trust are in force."""
        return self._trust.now().sha256 if asked.signed is not None else ""

    def files(self) -> str:
        """Return a hash of the files of trust in force; empty while no entry asks for signatures."""
        return self._trust.now().sha256 if self._policies().may_sign else ""

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:  # noqa: ARG002
        """See ``AdmissionCheck.part``."""
        policy, check, now = asked.policy, asked.signed, self._clock()
        if policy is None or check is None:
            return None
        trust = self._trust.now()
        try:
            kept, verdict = self._judged(candidate, check, trust.files)
        except ServiceError as error:
            self._tell("awaited")
            return unread_part(str(error), policy, now)
        self._tell(verdict.outcome.value)
        self._keep(candidate, policy, trust.sha256, kept, verdict)
        return part_of(verdict, kept, policy, candidate.detected_at, now)

    def dry(self) -> SignedBy:
        """See ``AdmissionCheck.dry``: no upstream is asked, and nothing is kept."""
        return _Foreseen(self._policies, self._book, self._trust, self._judge, self._evidence, self._clock)

    def _judged(
        self, candidate: Candidate, check: SignatureCheck, trust: Mapping[str, bytes]
    ) -> tuple[Kept, SignatureVerdict]:
        """Where what was read does not do, all is read; and from time to time once more."""
        kept = self._book.of(candidate.source, candidate.digest)
        verdict = self._verdict(check, kept, trust)
        doubtful = verdict.outcome in LACKING or bool(kept.unread)
        if verdict.outcome is SignatureOutcome.VERIFIED or (kept.whole and not doubtful):
            return kept, verdict
        if not kept.whole or kept.again_at <= self._clock():
            kept = self._read_again(kept)
            verdict = self._verdict(check, kept, trust)
        return kept, verdict

    def _read_again(self, kept: Kept) -> Kept:
        """What is known stays so while the registry does not answer, if it was all."""
        try:
            return self._book.again(kept)
        except ServiceError as error:
            if not kept.whole:
                raise
            log.warning("the signatures of %s are not read again yet: %s", kept.material.digest, error)
            return kept

    def _verdict(self, check: SignatureCheck, kept: Kept, trust: Mapping[str, bytes]) -> SignatureVerdict:
        """Whatever goes wrong over bytes of strangers, nobody has said then that it is signed."""
        try:
            said = self._judge(check, kept.material, str(kept.source), trust, self._clock())
        except Exception as error:
            log.exception("the signatures of %s cannot be judged", kept.material.digest)
            told = f"its signatures cannot be judged ({type(error).__name__}), which is a fault of Tidegate: report it"
            return SignatureVerdict(SignatureOutcome.UNVERIFIABLE, told)
        return with_unread(said, kept.unread)

    def _keep(self, candidate: Candidate, policy: Policy, trust: str, kept: Kept, verdict: SignatureVerdict) -> None:
        """The name is that of what was decided and by what, so that deciding the same again keeps nothing more."""
        whole = {
            "digest": candidate.digest,
            "source": str(kept.source),
            "policy": policy.name,
            "signatures": policy.signatures,
            "trust": trust,
            "verdict": verdict,
            "unread": kept.unread,
            "material": kept.material,
        }
        content = msgspec.json.format(msgspec.json.encode(whole))
        name = f"signatures-{hashlib.sha256(content).hexdigest()[:16]}.json"
        self._evidence.keep(candidate.id, name, content)


class _Foreseen(SignedBy):
    """Goes by what is kept alone."""

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:  # noqa: ARG002
        policy, check, now = asked.policy, asked.signed, self._clock()
        if policy is None or check is None:
            return None
        kept = self._book.kept(candidate.source, candidate.digest)
        if kept is None:
            return unread_part("they were never read, as no policy has asked for them", policy, now)
        return part_of(self._verdict(check, kept, self._trust.now().files), kept, policy, candidate.detected_at, now)
