"""Puts together what records decisions beside images, if a key signs any; see ``shared.bootstrap``.

Where none does nothing here is read, written or loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from shared.version import VERSION

if TYPE_CHECKING:
    from azure.functions import HttpResponse

    from shared.bootstrap import Parts
    from shared.domain.promotion.candidate import Candidate
    from shared.flows.accompany import RecordStep
    from shared.ports import Clock, Evidence, Records
    from shared.record_ports import Shelf, Signer, SigningKeys
    from shared.rules.companion_book import CompanionBook
    from shared.rules.key_ring import KeyRing
    from shared.rules.policies import Policies
    from shared.rules.record_pieces import Base
    from shared.rules.recording import Recording
    from shared.rules.targets import TargetBook
    from shared.web.asked import Asked


def records_of(parts: Parts) -> RecordKeeping:
    """Return what records the app's decisions."""
    settings = parts.settings
    return RecordKeeping(
        signer=lambda: parts.signer,
        keys=lambda: parts.signing_keys,
        targets=lambda: parts.target_book,
        policies=lambda: parts.admitting.policies,
        candidates=lambda: parts.candidates,
        evidence=lambda: parts.evidence,
        shelves=lambda: (parts.staging_shelf, parts.base_shelf),
        base=lambda: parts.base,
        clock=parts.clock,
        server=settings.base_server,
        verifier=settings.verifier,
        forms=settings.forms,
        failures=settings.says_failed,
    )


class RecordKeeping:
    """What signs decisions and puts them beside images, each part once and when first needed.

    Args:
        signer: gives who holds the key; ``None`` where none signs records.
        keys: gives where the public keys are kept.
        targets, policies, candidates, evidence: give what decisions are known by.
        shelves: gives the blobs of the staging and of the base registry.
        base: gives the base registry.
        clock: tells the time.
        server: login server of the base registry.
        verifier: who records say verified an image.
        forms: which forms there are beside the bundle.
        failures: whether it is said that something failed.
    """

    def __init__(
        self,
        *,
        signer: Callable[[], Signer | None],
        keys: Callable[[], SigningKeys],
        targets: Callable[[], TargetBook],
        policies: Callable[[], Policies],
        candidates: Callable[[], Records[Candidate]],
        evidence: Callable[[], Evidence],
        shelves: Callable[[], tuple[Shelf, Shelf]],
        base: Callable[[], Base],
        clock: Clock,
        server: str,
        verifier: str,
        forms: frozenset[str] = frozenset(),
        failures: bool = False,
    ) -> None:
        self._signer = signer
        self._keys = keys
        self._targets = targets
        self._policies = policies
        self._candidates = candidates
        self._evidence = evidence
        self._shelves = shelves
        self._base = base
        self._clock = clock
        self._server = server
        self.verifier = verifier
        self._forms = forms
        self._failures = failures

    def step(self, book: CompanionBook) -> RecordStep:
        """Return what does the next thing about a record.

        Args:
            book: where companions are.
        """
        from shared.rules.record_steps import RecordSteps  # noqa: PLC0415

        return RecordSteps(book, lambda: self.recording).step

    @cached_property
    def recording(self) -> Recording | None:
        """Who makes records; ``None`` where no key signs any."""
        from shared.domain.record.statement import Verifier  # noqa: PLC0415
        from shared.rules.record_grounds import RecordGrounds  # noqa: PLC0415
        from shared.rules.record_pieces import Pieces  # noqa: PLC0415
        from shared.rules.recording import Recording  # noqa: PLC0415

        ring = self.ring
        if ring is None:
            return None
        about = (self._targets(), self._policies(), self._candidates(), self._evidence())
        grounds = RecordGrounds(*about, self.verifier, failures=self._failures)
        verifier = Verifier(self.verifier, {"tidegate": VERSION})
        pieces = Pieces(*self._shelves(), self._base())
        return Recording(grounds, ring, self._evidence(), pieces, self._clock, self._server, verifier, self._forms)

    @cached_property
    def ring(self) -> KeyRing | None:
        """Which key signs; ``None`` where none does."""
        signer = self._signer()
        if signer is None:
            return None
        from shared.rules.key_ring import KeyRing  # noqa: PLC0415

        return KeyRing(signer, self._keys(), self._clock)

    def listed(self, asked: Asked) -> HttpResponse:  # noqa: ARG002  as every handler is asked
        """Serve the public keys, whether any key signs now or not: what was signed is still verified by them."""
        from shared.web.signing_keys import listed_signing_keys  # noqa: PLC0415

        return listed_signing_keys(self._keys(), self.verifier)
