"""What judging goes by when nothing may come of it: nobody is asked for a scan, and nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.domain.promotion.scanning import ScanWish, asked_for, first_scan

if TYPE_CHECKING:
    from shared.domain.references import Digest
    from shared.domain.scan.run_log import ScanAnswer
    from shared.domain.scan.scan import Scan
    from shared.ports import Clock


class Scans(Protocol):
    """What judging asks of scans; see ``ScanBook``."""

    def want(self, wish: ScanWish) -> Scan:
        """Ask for a scan, and return it as it is from then on."""
        ...

    def of(self, digest: Digest) -> Scan | None:
        """Return what is known of a digest's scan, or ``None``."""
        ...

    def answer(self, scan: Scan) -> ScanAnswer:
        """Read what a scan said."""
        ...

    def dry(self, clock: Clock) -> Scans:
        """Return the same scans, which nobody can ask for."""
        ...


class Keeper(Protocol):
    """Keeps whole decisions; see ``shared.ports.Evidence``."""

    def keep(self, candidate: str, name: str, content: bytes) -> None:
        """Keep a text of a candidate under a name."""
        ...


class KeptNowhere:
    """A ``Keeper`` for decisions that nothing comes of."""

    def keep(self, candidate: str, name: str, content: bytes) -> None:
        """Keep nothing."""


class DryScans:
    """Scans that nobody can ask for: whoever does is given the scan as it would be, and nothing is written.

    What was read once is not read again, so that it is for one sitting.

    Args:
        scans: where scans and their answers are read.
        clock: tells the time.
    """

    def __init__(self, scans: Scans, clock: Clock) -> None:
        self._scans = scans
        self._clock = clock
        self._known: dict[Digest, Scan | None] = {}
        self._said: dict[Digest, ScanAnswer] = {}

    def want(self, wish: ScanWish) -> Scan:
        """Return a scan as it would be from now on if it was asked for; see ``ScanBook.want``.

        Nobody who asks here is remembered, so that each is told what the first one is told.

        Raises:
            ServiceError: the scan cannot be read.
        """
        known = self.of(wish.digest)
        return first_scan(wish, self._clock()) if known is None else asked_for(known, wish, self._clock())

    def of(self, digest: Digest) -> Scan | None:
        """Return what is known of a digest's scan, or ``None``.

        Raises:
            ServiceError: it cannot be read.
        """
        if digest not in self._known:
            self._known[digest] = self._scans.of(digest)
        return self._known[digest]

    def answer(self, scan: Scan) -> ScanAnswer:
        """Read what a scan said, the first time that it is asked for.

        Raises:
            ServiceError: the log cannot be read.
        """
        if scan.digest not in self._said:
            self._said[scan.digest] = self._scans.answer(scan)
        return self._said[scan.digest]

    def dry(self, clock: Clock) -> DryScans:  # noqa: ARG002  it goes on by the clock that it has
        """Return these scans."""
        return self
