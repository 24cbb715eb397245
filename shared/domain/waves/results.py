"""What a run of a member says about a wave's digest: only what is known to be about it counts. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.promotion.rebuilds import EndKind
from shared.domain.references import Digest

# A failure is repeated once before it counts.
FAILURES_THAT_COUNT = 2
# So many runs that decided nothing, and nothing is expected of another one.
MOST_UNDECIDED = 3


class HowKnown(Enum):
    """How it is known on what a run was built."""

    REPORT = "dependency-report"  # the registry says it of the run itself, which it does of those that succeeded
    TAG = "tag-before-and-after"  # the tag bore it before the run was asked for and after its end, by one decision
    BETWEEN = "image-between"  # it was built on an image that a member before it had built on it, as the registry says
    UNKNOWN = "unknown"  # none of these: the run says nothing about the base


class Says(Enum):
    """What a run says about a digest."""

    BUILT = "built"  # it can be built on
    FAILED = "failed"  # it cannot
    UNDECIDED = "undecided"  # nothing


class Baseline(Enum):
    """How a member was before its base moved."""

    GOOD = "good"  # its last run on the former digest succeeded, of the same commit and definition
    FAILING = "failing"  # its last run on the former digest failed by itself
    UNKNOWN = "unknown"  # nothing that can be compared is known


class TagSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a base's tag was at a moment.

    Attributes:
        digest: what it bore; empty if it was not there, or could not be read.
        number: the decision that was in force.
        repaired: when what others put there was last replaced, UTC; ``None`` for never.
    """

    digest: str = ""
    number: int = 0
    repaired: datetime | None = None


class Ended(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A run of a member that has ended.

    Attributes:
        attempt: which of the member's, from 1.
        passed: whether it succeeded.
        kind: who decided that: the build itself, or the platform that it ran on.
        reported: what the registry says that it was built on; empty if it says nothing.
        run: its id there; empty if there was none.
        asked_at: when it was asked for, UTC.
        ended_at: when its end was seen, UTC.
        log: the name of its log in the evidence; empty if none was kept.
        runs: how often it was run to come to this.
        moved_too: other bases of the member that had moved since its last run: a failure names none of them.
        covered: whether another run than the wave's own built it.
        told: whether its end was only told, by whoever builds elsewhere, and not read by us.
        between: whether it is built on what moved by images that others of the wave push.
        link: the page of the run, where whoever builds elsewhere gave one; for people, and never fetched.
    """

    attempt: int
    passed: bool
    kind: EndKind
    reported: str = ""
    run: str = ""
    asked_at: datetime | None = None
    ended_at: datetime | None = None
    log: str = ""
    runs: int = 1
    moved_too: tuple[str, ...] = ()
    covered: bool = False
    told: bool = False
    between: bool = False
    link: str = ""


class Result(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of an attempt of a member, by the key of task, decision and attempt.

    Attributes:
        target: the member.
        number: the decision.
        ended: the run.
        built_on: on which digest; empty if nobody knows.
        how: how that is known.
    """

    target: str
    number: int
    ended: Ended
    built_on: str = ""
    how: HowKnown = HowKnown.UNKNOWN

    @property
    def key(self) -> tuple[str, int, int]:
        """What it is of: a second telling of the same says nothing new."""
        return (self.target, self.number, self.ended.attempt)

    def says(self, digest: Digest) -> Says:
        """Return what it says about a digest."""
        about = self.how is not HowKnown.UNKNOWN and self.built_on == digest
        if not about or self.ended.kind is EndKind.PLATFORM:
            return Says.UNDECIDED
        if self.ended.passed:
            return Says.BUILT
        return Says.UNDECIDED if self.ended.moved_too else Says.FAILED


# Results are decoded with their waves, by several modules: docs/decisions/0016.
_RESULTS = msgspec.json.Decoder(tuple[Result, TagSeen])


class LastRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last run of a member before its base moved that has ended.

    Attributes:
        run: its id.
        passed: whether it succeeded.
        kind: who decided that.
        built_on: on which digest; empty if nobody knows.
        commit: of the source; empty if nobody knows.
        definition: hash of how it is built; empty if nobody knows.
    """

    run: str
    passed: bool
    kind: EndKind
    built_on: str = ""
    commit: str = ""
    definition: str = ""


def result_of(target: str, digest: Digest, number: int, ended: Ended, before: TagSeen, after: TagSeen) -> Result:
    """Return what is known of an attempt.

    Args:
        target: the member.
        digest: the wave's.
        number: the wave's decision.
        ended: the run.
        before: the base's tag just before the run was asked for.
        after: the tag after its end was seen.
    """
    if ended.passed and ended.reported:
        how = HowKnown.BETWEEN if ended.between else HowKnown.REPORT
        return Result(target=target, number=number, ended=ended, built_on=ended.reported, how=how)
    stood = before.digest == after.digest == digest and before.number == after.number == number
    if stood and before.repaired == after.repaired:
        return Result(target=target, number=number, ended=ended, built_on=digest, how=HowKnown.TAG)
    return Result(target=target, number=number, ended=ended)


def verdict(results: Iterable[Result], digest: Digest, failures: int = FAILURES_THAT_COUNT) -> Says | None:
    """Return what a member's attempts say together; ``None`` while another one is to say more.

    Args:
        results: of its attempts, in any order, each once.
        digest: the wave's.
        failures: how many count.
    """
    said = [(one.says(digest), one.ended.runs) for one in results]
    if any(says is Says.BUILT for says, _ in said):
        return Says.BUILT
    if sum(says is Says.FAILED for says, _ in said) >= failures:
        return Says.FAILED
    undecided = sum(runs for says, runs in said if says is Says.UNDECIDED)
    return Says.UNDECIDED if undecided >= MOST_UNDECIDED else None


def baseline_of(last: LastRun | None, former: str, commit: str = "", definition: str = "") -> Baseline:
    """Return how a member was before its base moved.

    Args:
        last: its last run that has ended; ``None`` if none is known.
        former: the digest that the tag bore before.
        commit: what it would be built of now; empty if nobody knows.
        definition: hash of how; empty if nobody knows.
    """
    if last is None or not former or last.built_on != former or last.kind is EndKind.PLATFORM:
        return Baseline.UNKNOWN
    if not last.passed:
        return Baseline.FAILING
    same = (last.commit, last.definition) == (commit, definition)
    return Baseline.GOOD if same and commit else Baseline.UNKNOWN
