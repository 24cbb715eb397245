"""A tag goes back by itself only to what, scanned again, has nothing that blocks; and not from what mends worse."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.policy.policy import Policy, ScanCheck
from shared.domain.policy.severity import Severity
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import NoAnswer, Trouble
from shared.domain.waves.states import WaveState
from shared.errors import Unavailable
from tests.doubles.queues import Delivery
from tests.doubles.world import ONE, TWO, Died
from tests.unit.flows.waving import ALL, CANARY, RESTORE, Waving, asking

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)
POLICY = Policy("lax", scan=ScanCheck(block=Severity.CRITICAL))
SEVERE = Finding("CVE-2026-0002", "zlib", installed="1.2", fixed="1.3", severity=Severity.CRITICAL)
EXPLOITED = Finding("CVE-2026-0001", "openssl", installed="3.0.1", fixed="3.0.2", severity=Severity.LOW)
KEV = b'{"dateReleased": "2026-01-01T00:00:00Z", "count": 1, "vulnerabilities": [{"cveID": "CVE-2026-0001"}]}'


class Scanned(Waving):
    """A world whose entry has its images scanned since the first of them came, and whose canary fails on the second.

    Args:
        findings: of what its tag bore before, scanned today.
        silent: whether that scan never ends.
        instead: what it ends as, if it gives no answer.
        dies_at: the number of the moment at which the process dies once, after the canary has failed.
    """

    def __init__(
        self, *findings: Finding, silent: bool = False, instead: NoAnswer | None = None, dies_at: int = 0
    ) -> None:
        self._findings, self._silent, self._instead = findings, silent, instead
        self.moments, self._dies_at, self._scans = 0, dies_at, False
        super().__init__(asking(RESTORE))
        self.exception_files.files["known-exploited.json"] = KEV
        self.grounds = None
        self._scans = True
        self.start()
        self.fails(CANARY)
        self.hook = self._comes

    def start(self) -> None:
        """Start, with the policy that scans once there is one."""
        if self._scans:
            self.policies_of = {"node": POLICY}
        super().start()

    def work(self, delivery: Delivery) -> None:
        """Work on a message, and let the scans end that were asked for."""
        super().work(delivery)
        for digest in sorted(self.kept_scans.wanted):
            if digest != ONE:
                self._end(digest)
            elif not self._silent:
                self._end(digest, *self._findings, instead=self._instead)

    def _end(self, digest: Digest, *findings: Finding, instead: NoAnswer | None = None) -> None:
        hook, self.hook = self.hook, None
        self.scan_ends(digest, *findings, instead=instead)
        self.hook = hook

    def _comes(self, moment: str) -> None:
        if moment.startswith(("waves.", "kept_scans.", "targets.")):
            self.moments += 1
            if self.moments == self._dies_at:
                raise Died


def test_what_is_clean_when_it_is_scanned_again_is_gone_back_to() -> None:
    world = Scanned()
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.RESTORED, "went-back")
    assert world.target().seen == ONE
    assert world.kept_scans.of_digest[ONE].taken_at is not None


def test_what_has_a_finding_that_blocks_today_is_not_gone_back_to() -> None:
    world = Scanned(SEVERE)
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.HELD, "former-has-findings")
    assert world.target().seen == TWO


def test_from_what_mends_a_known_exploited_finding_nothing_goes_back() -> None:
    world = Scanned(EXPLOITED)
    world.promote(TWO, 2 * HOUR)
    assert world.state() == (WaveState.HELD, "fixes-exploited")
    assert world.target().seen == TWO


def test_while_the_scan_is_made_nobody_else_is_asked_for_and_without_an_answer_it_is_held() -> None:
    world = Scanned(silent=True)
    world.promote(TWO, HOUR)
    assert world.state()[0] is WaveState.CANARIES
    assert [world.runs_of(name) for name in ALL] == [2, 0, 0]
    world.run_for(2 * HOUR)
    assert world.state() == (WaveState.HELD, "not-scanned")
    assert (world.target().seen, [world.runs_of(name) for name in ALL]) == (TWO, [2, 0, 0])


def test_a_scan_that_gives_no_answer_lets_nothing_go_back() -> None:
    world = Scanned(instead=NoAnswer(Trouble.NO_REPORT, "it broke off"))
    world.promote(TWO, 4 * HOUR)
    assert world.state() == (WaveState.HELD, "not-scanned")
    assert world.target().seen == TWO


@pytest.mark.parametrize("method", ["want", "of", "answer"])
def test_scans_that_cannot_be_read_for_a_while_are_asked_again(method: str) -> None:
    world = Scanned()
    world.promote(TWO, timedelta(seconds=20))
    world.kept_scans.fail(method, Unavailable("503"), Unavailable("503"))
    world.run_for(2 * HOUR)
    assert world.state() == (WaveState.RESTORED, "went-back")


@pytest.mark.parametrize(("findings", "seen"), [((), ONE), ((EXPLOITED,), TWO)])
def test_whoever_dies_on_the_way_leaves_what_comes_to_the_same_end(findings: tuple[Finding, ...], seen: Digest) -> None:
    whole = Scanned(*findings)
    whole.promote(TWO, HOUR)
    assert whole.moments > 20
    for dies_at in range(1, whole.moments + 1, 3):
        world = Scanned(*findings, dies_at=dies_at)
        world.promote(TWO, HOUR)
        assert (world.target().seen, world.state()) == (seen, whole.state()), f"death at {dies_at}"
        assert [world.runs_of(name) for name in ALL] == [2, 0, 0], f"death at {dies_at}"
