"""How severe a vulnerability is, as scanners say it."""

from __future__ import annotations

from enum import Enum


class Severity(Enum):
    """Severities from the least to the worst, in the order in which Trivy ranks them."""

    UNKNOWN = "unknown"  # the scanner knows the vulnerability, and nobody has rated it
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @classmethod
    def _missing_(cls, value: object) -> Severity | None:
        """Scanners and the people who use them write severities in capitals."""
        return next((each for each in cls if isinstance(value, str) and each.value == value.lower()), None)

    @property
    def rank(self) -> int:
        """Its place in the order; a worse one has a higher rank."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
