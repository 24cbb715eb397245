"""Puts together what reads signatures and judges them; see ``shared.bootstrap``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from shared.rules.signature_book import SignatureBook
from shared.rules.signature_check import SignedBy
from shared.rules.trust_files import KnownTrust
from shared.telemetry.counts import judged_signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from shared.domain.policy.signing import SignatureCheck
    from shared.domain.signatures.material import Material
    from shared.domain.signatures.verdict import SignatureVerdict
    from shared.domain.watching.troubles import Trouble
    from shared.outside import Outside
    from shared.rules.policies import Policies


def judge_signatures(
    check: SignatureCheck, material: Material, source: str, trust: Mapping[str, bytes], at: datetime
) -> SignatureVerdict:
    """Judge signatures; what that needs is heavy, and loaded when the first ones are judged."""
    from shared.domain.signatures.judging import judge_signatures as judge  # noqa: PLC0415

    return judge(check, material, source, trust, at)


def problem_with(path: str, content: bytes) -> str:
    """Say what is wrong with a file of trust; what reads keys is loaded when the first one is read."""
    from shared.trust_reading import problem_with as problem  # noqa: PLC0415

    return problem(path, content)


class Signing:
    """What signatures are read and judged by, each once and when first needed.

    Args:
        outside: the outside systems.
        policies: gives the policies in force.
    """

    def __init__(self, outside: Outside, policies: Callable[[], Policies]) -> None:
        self._outside = outside
        self._policies = policies

    @cached_property
    def book(self) -> SignatureBook:
        """The signatures of digests."""
        outside = self._outside
        return SignatureBook(outside.upstream, outside.ledger, outside.evidence, outside.clock)

    @cached_property
    def trust(self) -> KnownTrust:
        """The keys, roots and stores that policies name."""
        return KnownTrust(self._outside.trust_files, self._outside.clock, problem_with)

    @cached_property
    def check(self) -> SignedBy:
        """The check of an admission."""
        evidence, clock = self._outside.evidence, self._outside.clock
        return SignedBy(self._policies, self.book, self.trust, judge_signatures, evidence, clock, judged_signatures)

    def troubles(self) -> Iterable[Trouble]:
        """Return what is wrong with the files of trust; they are not read while no entry asks for signatures."""
        return self.trust.now().troubles if self._policies().may_sign else ()
