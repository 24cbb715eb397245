"""What may be said of a digest in a repository, by all that is known of it here; and what that was found in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from shared.domain.promotion.admission import admission_of
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import candidate_id
from shared.domain.promotion.target import Target
from shared.domain.record.making import Grounds, counted, evidence_uri, people_of
from shared.domain.record.statement import Findings, Material, WaivedFinding
from shared.domain.record.truth import Standing, Truth, claim_of, concerns, truth_of
from shared.domain.references import Digest
from shared.ports import Evidence, Records
from shared.rules.policies import Policies
from shared.rules.targets import TargetBook


class RecordGrounds:
    """Finds it.

    Args:
        book: where targets are.
        policies: the policies in force.
        candidates: what tests said.
        evidence: where what led to a decision is kept.
        verifier: who records say verified an image.
        failures: whether it is said that something failed.
    """

    def __init__(
        self,
        book: TargetBook,
        policies: Policies,
        candidates: Records[Candidate],
        evidence: Evidence,
        verifier: str,
        *,
        failures: bool,
    ) -> None:
        self._book = book
        self._policies = policies
        self._candidates = candidates
        self._evidence = evidence
        self._verifier = verifier
        self._failures = failures

    def truth(self, repository: str, digest: Digest) -> tuple[Truth, tuple[Standing, ...]]:
        """Return what may be said now, and the tags that it holds for.

        Raises:
            ServiceError: the list in force, a target or a candidate cannot be read, and without it nothing is said.
        """
        targets = [stored.record for stored in self._book.of_repository(repository)]
        standings = tuple(self._standing(one, digest) for one in targets if concerns(one, digest))
        claims = tuple(claim_of(one, digest) for one in standings)
        return truth_of(claims, failures=self._failures), standings

    def grounds(self, standings: tuple[Standing, ...], digest: Digest) -> Grounds:
        """Return what a truth was found in.

        Raises:
            ServiceError: storage did not answer.
        """
        inputs, findings, waivers = self._read(standings, digest)
        runs = (one.candidate.verdict.run_id for one in standings if one.candidate and one.candidate.verdict)
        return Grounds(
            claims=tuple(claim_of(one, digest) for one in standings),
            inputs=inputs,
            source=next((str(one.target.origin.source) for one in standings), ""),
            run=next(runs, ""),
            findings=findings,
            waivers=waivers,
            people=people_of((one.target for one in standings), digest),
        )

    def _standing(self, target: Target, digest: Digest) -> Standing:
        asked = self._policies.now().of(target.origin.image, target.place)
        gate = asked.policy.gate if asked.policy is not None else None
        stored = self._candidates.get(candidate_id(target.origin.source, digest, gate))
        candidate = stored.record if stored is not None else None
        return Standing(target, asked.entry, asked.policy, asked.observed, candidate, asked.platforms)

    def _read(
        self, standings: Iterable[Standing], digest: Digest
    ) -> tuple[tuple[Material, ...], Findings | None, tuple[WaivedFinding, ...]]:
        """Of what is not there any more nobody can say what it was: then no inputs are said at all."""
        inputs: dict[str, Material] = {}
        findings, waivers, whole = None, tuple[WaivedFinding, ...](), True
        for record, name, is_decision in dict.fromkeys(_named(standings, digest)):
            content = self._evidence.read(record, name)
            if content is None:
                whole = False
                continue
            uri = evidence_uri(self._verifier, record, name)
            inputs[uri] = Material(uri, {"sha256": hashlib.sha256(content).hexdigest()})
            if is_decision and findings is None:
                findings, waivers = counted(content)
        return (tuple(inputs[uri] for uri in sorted(inputs)) if whole else ()), findings, waivers


def _named(standings: Iterable[Standing], digest: Digest) -> Iterable[tuple[str, str, bool]]:
    """Whose evidence, of which name, and whether it is a decision over a scan."""
    for one in standings:
        if one.candidate is None:
            continue
        if one.candidate.evidence:
            yield one.candidate.id, one.candidate.evidence[-1], False
        admission = admission_of(one.target, digest)
        if admission is not None and admission.evidence:
            yield one.candidate.id, admission.evidence, True
