"""Where a digest can be had that is to be scanned and is not in staging any more."""

from __future__ import annotations

from collections.abc import Collection

from shared.digest_ports import Holder
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.scanning import WATCHER
from shared.domain.references import Repository
from shared.domain.scan.scan import Scan
from shared.domain.watching.budget import Purpose
from shared.errors import NotFound, RateLimited
from shared.ports import ImportSource, Records
from shared.rules.ledger import Ledger


class ScanSources:
    """Finds out from where a digest is copied back into staging.

    Args:
        base: the base registry.
        candidates: know their upstreams.
        ledger: the upstreams' budgets.
        ours: registries that are imported from with an account of ours, as in ``Stager``.
    """

    def __init__(self, base: Holder, candidates: Records[Candidate], ledger: Ledger, ours: Collection[str]) -> None:
        self._base = base
        self._candidates = candidates
        self._ledger = ledger
        self._ours = ours

    def of(self, scan: Scan) -> ImportSource:
        """Return where to copy from: the base registry, which costs no pull, or the upstream of whoever asks.

        Raises:
            NotFound: the base registry does not have it, and none of those who ask came from an upstream with it.
            RateLimited: the upstream grants no pulls just now.
            ServiceError: whoever may have it could not be asked.
        """
        if self._base.holds(scan.repository, scan.digest):
            return ImportSource(Repository("base", scan.repository), scan.digest, base=True)
        for asker in scan.askers:
            stored = self._candidates.get(asker) if asker != WATCHER else None
            if stored is not None and stored.record.digest == scan.digest:
                return self._upstream(stored.record.source, scan)
        raise NotFound(
            f"{scan.image}: {scan.repository}@{scan.digest} is neither in staging nor in the base registry, and no "
            "candidate says from where it came, so it cannot be scanned; check the image again to have it imported anew"
        )

    def _upstream(self, source: Repository, scan: Scan) -> ImportSource:
        if source.registry in self._ours and not self._ledger.grant(source.registry, 1, Purpose.IMPORT).requests:
            told = f"the budget of {source.registry} is short; {scan.digest} is not copied back into staging just now"
            raise RateLimited(told)
        return ImportSource(source, scan.digest)
