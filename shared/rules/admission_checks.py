"""What is asked of a digest beside its test and its scan: each check adds its part to an admission."""

from __future__ import annotations

from typing import Protocol

from shared.domain.promotion.admission import Admission
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.parts import Part
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.rules.policies import Asked


class AdmissionCheck(Protocol):
    """One check. It is asked in the order in which ``Admissions`` is given them."""

    def facts(self, target: Target, digest: Digest, asked: Asked) -> str:
        """Return what the tag's record, or a file, says that this check goes by, as one short text; empty if nothing.

        Whenever it changes the digest is judged anew. It is asked for every record of a tag that is read, so that
        nothing is read here but what is read once a minute for all.

        Raises:
            ServiceError: a file that it goes by cannot be read now.
        """
        ...

    def part(self, candidate: Candidate, target: Target, asked: Asked, so_far: Admission) -> Part | None:
        """Return what this check says; ``None`` if the policy does not ask for it.

        Args:
            candidate: whose digest is judged.
            target: the tag, as it was read.
            asked: what the list asks for it.
            so_far: what the checks before this one decided.

        Raises:
            ServiceError: what it goes by cannot be read now.
        """
        ...

    def dry(self) -> AdmissionCheck:
        """Return the same check for judging of which nothing comes: ``part`` asks for nothing and writes nothing there.

        What it would have asked for is told as it would be told right after. A check that only reads returns itself.
        """
        ...
