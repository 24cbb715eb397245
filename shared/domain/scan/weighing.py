"""What decides about a finding: a pure function of it, the policy, the base, VEX and waivers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.policy.policy import Mode, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.scan.decision import Change, Decided, Judged
from shared.domain.scan.exploited import Exploited
from shared.domain.scan.findings import Finding, Key
from shared.domain.scan.report import Report
from shared.domain.scan.vex import Statement, Vex
from shared.domain.scan.waivers import Waiver, Waivers

BLOCKING = frozenset({Decided.SEVERITY, Decided.KNOWN_EXPLOITED})
_AGAINST = BLOCKING | {Decided.SEVERITY_NOT_SAID}


class Exceptions(msgspec.Struct, frozen=True):
    """What people know and the scanner does not.

    Attributes:
        vex: statements of OpenVEX documents.
        waivers: of people.
        exploited: what is known to be exploited; ``None`` if there is no list.
    """

    vex: tuple[Statement, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    exploited: Exploited | None = None


class Scales:
    """Weighs one report's findings.

    Args:
        check: what the policy says of scans.
        report: of the image.
        base: the report of the base in use; ``None`` if there is none that says anything.
        exceptions: what people know.
        at: the time of the decision.
    """

    def __init__(
        self, check: ScanCheck, report: Report, base: Report | None, exceptions: Exceptions, at: datetime
    ) -> None:
        self._check = check
        self._base: frozenset[Key] = frozenset(finding.key for finding in base.findings) if base else frozenset()
        self.vex = Vex(exceptions.vex, report)
        self.waivers = Waivers(exceptions.waivers, at)
        self.exploited = exceptions.exploited

    def judged(self, finding: Finding) -> Judged:
        """Return a finding with what decided about it."""
        change = Change.UNCHANGED if finding.key in self._base else Change.NEW
        decided, detail = self._decided(finding, change)
        if detail is None and finding.suppressed:
            detail = f"the scanner suppressed it: {finding.suppressed}"
        return judged(finding, change, decided, detail)

    def is_exploited(self, finding: Finding | Judged) -> bool:
        """Whether it is known to be exploited."""
        return self.exploited is not None and finding.id.casefold() in self.exploited.ids

    def _decided(self, finding: Finding, change: Change) -> tuple[Decided, str | None]:
        """First what is known of the finding, then what the policy lets pass, and what people let pass last."""
        if (statement := self.vex.of(finding)) is not None:
            return Decided.VEX, statement.told
        against = self._against(finding)
        if against not in _AGAINST:
            return against, None
        if self._check.delta and change is Change.UNCHANGED:
            return Decided.UNCHANGED, None
        if (waiver := self.waivers.of(finding.key)) is not None:
            return Decided.WAIVED, waiver.told
        return against, self._of_old(finding)

    def _against(self, finding: Finding) -> Decided:
        """Return what the policy has against a finding, if anything."""
        if self._check.known_exploited is Mode.ENFORCE and self.is_exploited(finding):
            return Decided.KNOWN_EXPLOITED
        if finding.severity is not None and finding.severity.rank < self._check.block.rank:
            return Decided.BELOW_THRESHOLD
        if self._check.fixable and not finding.fixable:
            return Decided.NOT_FIXABLE
        blocks_all = self._check.block is Severity.UNKNOWN
        return Decided.SEVERITY if blocks_all or finding.severity is not None else Decided.SEVERITY_NOT_SAID

    def _of_old(self, finding: Finding) -> str | None:
        ended = self.waivers.ended(finding.key)
        return f"no longer {ended.told}" if ended else None


def judged(finding: Finding, change: Change, decided: Decided, detail: str | None = None) -> Judged:
    """Return a finding as it stands in a decision."""
    return Judged(
        id=finding.id,
        package=finding.package,
        installed=finding.installed or None,
        fixed=finding.fixed or None,
        severity=finding.severity.name if finding.severity else None,
        change=change,
        decided=decided,
        blocks=decided in _AGAINST,
        place=finding.place or None,
        detail=detail,
    )


_RANKS = {severity.name: severity.rank for severity in Severity}


def order(finding: Judged) -> tuple[bool, int, str, str, str, str, str]:
    """Return by what findings are ordered: what blocks first, then the most severe. What no rating is known for is."""
    rank = _RANKS[finding.severity] if finding.severity else len(_RANKS)
    place, installed = finding.place or "", finding.installed or ""
    return not finding.blocks, -rank, finding.id, finding.package, installed, place, finding.fixed or ""
