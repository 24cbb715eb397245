"""The candidate: one digest of an upstream repository under a gate, on its way to the tags that want it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import msgspec

from shared.domain.gate.words import Words, run_name_of, words_of
from shared.domain.history import again, folded
from shared.domain.promotion.identity import candidate_id, earlier_id, short
from shared.domain.references import Digest, Repository, Tag

_HISTORY_KEPT = 30
# infra/modules/staging-retention.bicep goes by it.
_TOOL_TAG = "tidegate-tool-"
_DETAIL_KEPT = 600


class Status(Enum):
    """Where a candidate is on its way."""

    DETECTED = "detected"  # noticed upstream; nothing copied yet
    IMPORTING = "importing"  # the copy into the staging registry is under way
    STAGED = "staged"  # in the staging registry, under the digest that was seen; not yet trusted
    VALIDATING = "validating"  # its gate's run is under way
    CANCELLING = "cancelling"  # no tag wants it any more; its gate's run is about to be asked to end
    PROMOTING = "promoting"  # passed, and proposed to its targets, which decide
    HELD = "held"  # passed its test; a target that wants it waits for its scan, or for an answer of it
    PROMOTED = "promoted"  # its targets have decided, and one of them at least came to bear it; the end
    REJECTED = "rejected"  # its gate said no, or its scan for all that want it; the base registry never saw it; the end
    SUPERSEDED = "superseded"  # newer digests took its place everywhere before it was promoted; the end
    MIRRORED = "mirrored"  # a tool: read back from the staging registry, where runs are given it; the end
    FAILED = "failed"  # could not be decided, for a reason that is not the image's; the end


class Reason(Enum):
    """Why a candidate's record last changed: stored, logged and shown."""

    FIRST_IMPORT = "first-import"  # the tag had never been seen
    TAG_MOVED = "tag-moved"  # the upstream tag points at another digest than before
    VERDICT_KNOWN = "verdict-known"  # an earlier version's record of its first tag had its verdict already
    CONTINUED = "continued"  # an earlier version's record: it goes on as the candidate of its digest
    SEEN_AGAIN = "seen-again"  # a digest whose way had ended is wanted once more
    DEFERRED = "deferred"  # an upstream or Azure asked it to wait; it goes on afterwards, and no failure is counted
    IMPORT_DEFERRED = "import-deferred"  # the same for a copy that was begun: it is asked for again afterwards
    IMPORT_STARTED = "import-started"  # the staging registry was asked to copy it
    IMPORT_VERIFIED = "import-verified"  # read back from the staging registry under the expected digest
    IMPORT_LOST = "import-lost"  # the copy ended or vanished without the digest being there; it is repeated
    IMPORT_UNEXPLAINED = "import-unexplained"  # the copy failed with words nobody knows; it is repeated a few times
    IMPORT_NOT_PERMITTED = "import-not-permitted"  # the app lacks a role for the copy; asked again for 15 minutes
    TOOL_MIRRORED = "tool-mirrored"  # a tool is in the staging registry, and needs no test: nobody promotes it
    GATE_STARTED = "gate-started"  # the gate's run was scheduled
    NO_GATE = "no-gate"  # the watch list asks for no functional test
    GATE_PASSED = "gate-passed"  # the gate's test said its last word and exited with 0
    GATE_REJECTED = "gate-rejected"  # the gate's test had begun, and ended otherwise
    GATE_UNDECIDED = "gate-undecided"  # the run ended without the test having said anything; it is repeated
    GATE_OBSERVED = "gate-observed"  # it did not pass a test that a tag only observes; each of its tags judges that
    GATE_DIFFERS = "gate-differs"  # the same gate decided otherwise on the same digest before; the later verdict holds
    AGENT_AWAITED = "agent-awaited"  # no agent of ACR Tasks has taken its run for ten minutes; told once, and it waits
    NO_AGENT = "no-agent"  # its run's time was over before any step began; run again, and no attempt is counted
    RUN_REPEATED = "run-repeated"  # a run without a name was asked for again; it may run twice, which does no harm
    STRANGE_RUN = "strange-run"  # a run that this app did not ask for bears the run's name; the next name is taken
    RUN_UNWANTED = "run-unwanted"  # all tags that wanted it moved on while its gate's run was under way
    PROMOTION_STARTED = "promotion-started"  # proposed to its targets, which have it copied if nothing newer passed
    SCAN_AWAITED = "scan-awaited"  # it passed its test, and its scan, or that of the base in use, has no answer yet
    SCAN_HELD = "scan-held"  # it passed its test, and what its scan says is no answer; the scan is made again
    SCAN_REJECTED = "scan-rejected"  # it passed its test, and its scan speaks against it for every tag that wants it
    DECIDED_AGAIN = "decided-again"  # another policy, waiver or VEX lets through what its scan spoke against
    PROMOTION_VERIFIED = "promotion-verified"  # read back from the base registry under the tested digest
    IN_FORCE_AGAIN = "in-force-again"  # a target came to it, or went back to it, without another test
    NEWER_DIGEST = "newer-digest"  # all tags that wanted it moved on
    LEFT_THE_LIST = "left-the-list"  # a tag that wanted it left the watch list, and no other wants it
    OVERRULED = "overruled"  # it passed, and its target is held, pinned or rolled back, or it is blocked
    REPLICA_LAGS = "replica-lags"  # the copy ended, another digest was read back; looked at again for 5 minutes
    STAGING_LAGS = "staging-lags"  # staging denies having what was read back there; asked again for 15 minutes
    ROLE_AWAITED = "role-awaited"  # the app lacks a role for this step; tried again for 15 minutes
    TROUBLE = "trouble"  # a step did not succeed and is tried again
    STILL_FAILING = "still-failing"  # what had failed was tried again, a day later, and failed again
    GAVE_UP = "gave-up"  # a step did not succeed as often as it is tried
    REFUSED = "refused"  # another system will not do it, and trying again would not help

    @classmethod
    def _missing_(cls, value: object) -> Reason | None:
        """Histories written before targets decided tell of waiting: it was the way to the base registry, too."""
        return cls.PROMOTION_STARTED if value == "waits-for-earlier" else None


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a candidate's history.

    Attributes:
        at: when, UTC; of what happened several times in a row, the last time.
        status: the status from then on.
        reason: why.
        detail: for people; at most 600 characters. Of several times, that of the last.
        times: how often in a row it happened.
    """

    at: datetime
    status: Status
    reason: Reason
    detail: str = ""
    times: int = 1


class Place(msgspec.Struct, frozen=True):
    """A tag of the base registry.

    Attributes:
        repository: in the base registry.
        tag: the tag.
    """

    repository: str
    tag: Tag

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"


class GateVerdict(msgspec.Struct, frozen=True):
    """What a gate said of a digest.

    Attributes:
        contents: of the gate's files, a hash.
        passed: whether it passed.
        run_id: the registry's id of the run.
        at: when that was seen, UTC.
    """

    contents: str
    passed: bool
    run_id: str
    at: datetime


class Objection(msgspec.Struct, frozen=True):
    """What the test of a candidate said that is proposed all the same, as a tag only observes its test.

    Attributes:
        decided: whether the test rejected it; else its runs decided nothing.
        detail: for people.
    """

    decided: bool
    detail: str


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a candidate; every step replaces it as a whole, guarded by its ETag.

    Attributes:
        image: the name in the watch list of the entry for which it was detected.
        source: the upstream repository.
        source_tag: the upstream tag under which the digest was seen first.
        digest: what was seen, is tested and is promoted.
        gate: the gate's name; ``None`` for no functional test.
        tool: the name of the tool that it is mirrored as; empty if it is to be promoted.
        targets: the tags that asked for it, the first of which says where it is staged. The list only grows: what a tag
            wants now is in its target's record alone. A tool's one tag is in the staging registry.
        target: in records of versions that had a candidate for each tag, the repository in the base registry; else
            empty. Such a record is read and shown, and goes on no more: see ``shared.rules.heirs``.
        tag: in such records, the tag in the base registry.
        status: where it is.
        generation: 1, and one more each time its way begins anew (a tag that returns to an earlier digest).
        step: counts the changes of this record. Another target that joins leaves it as it is.
        look_at: when it is to be looked at again, UTC; at an end, when that was.
        since: when the present status began, UTC.
        detected_at: when this generation began, UTC.
        passed_at: when it passed its gate in this generation, or was let through without one or with an objection,
            UTC; ``None`` if it did not.
        objection: what its test has against it in this generation, though it is proposed; ``None`` for nothing. A tag
            that enforces the test does not take it.
        failures: how often in a row the present step did not succeed. Being asked to wait is no failure.
        retried: whether this generation began because the one before had failed, and a tag still wanted it.
        runs: how many runs of the gate were started in this generation.
        unanswered: how many of these found no agent in time, and count as no attempt.
        contents: of the files that the gate's last run was given, a hash; empty in records of versions before it.
        verdict: what its gate said last, in whichever generation; ``None`` if it said nothing.
        trusts_image: whether the gate of the last run had steps of its own, which share a workspace, the container
            engine's socket and the registry's login with what they run.
        run_id: the registry's id of the last run whose end was seen.
        live_run: the registry's id of the run under way, from when it is known.
        unnamed_run: in records of earlier versions, the same of a run that cannot be found by its name.
        unwanted: why no tag wants it any more, while its run is about to be asked to end.
        operation: continuation token of the import under way; empty if none is, or if nobody learnt it.
        secret: from which the words of this generation's runs are derived; made when the first one is claimed. Empty
            in records of versions before it, and while there was no run.
        evidence: names of the blobs kept under ``evidence/<id>/``.
        history: the latest changes, oldest first; a stored record without one is none that this product wrote.
        traceparent: W3C trace context of the check that noticed it.
    """

    image: str
    source: Repository
    source_tag: Tag
    digest: Digest
    gate: str | None = None
    tool: str = ""
    targets: tuple[Place, ...] = ()
    target: str = ""
    tag: Tag = Tag("")
    status: Status
    generation: int = 1
    step: int = 1
    look_at: datetime
    since: datetime
    detected_at: datetime
    passed_at: datetime | None = None
    objection: Objection | None = None
    failures: int = 0
    retried: bool = False
    runs: int = 0
    unanswered: int = 0
    contents: str = ""
    verdict: GateVerdict | None = None
    trusts_image: bool = False
    run_id: str = ""
    live_run: str = ""
    unnamed_run: str = ""
    unwanted: Reason | None = None
    operation: str = ""
    secret: str = ""
    evidence: tuple[str, ...] = ()
    history: tuple[Change, ...] = ()
    traceparent: str = ""

    @property
    def id(self) -> str:
        """The candidate's id; see ``shared.domain.promotion.identity``."""
        if self.is_earlier:
            return earlier_id(self.target, self.tag, self.digest)
        return candidate_id(self.source, self.digest, self.gate, self.tool)

    @property
    def is_earlier(self) -> bool:
        """Whether a version wrote it that had a candidate for each tag."""
        return bool(self.target)

    @property
    def places(self) -> tuple[Place, ...]:
        """The tags that asked for it, in records of every version."""
        return (Place(self.target, self.tag),) if self.is_earlier else self.targets

    @property
    def home(self) -> Place:
        """The tag that asked for it first: it is staged in a repository of the same name."""
        return self.places[0]

    @property
    def last(self) -> Change:
        """The latest change; every record has at least the one that made it."""
        return self.history[-1]

    def latest(self, reason: Reason) -> datetime | None:
        """When something last happened to it, as far as its history goes back; ``None`` if it did not."""
        return next((change.at for change in reversed(self.history) if change.reason is reason), None)

    @property
    def has_passed(self) -> bool:
        """Whether it may be proposed: it passed, or its objection is for each tag to judge.

        Records of earlier versions tell it by their status.
        """
        return self.passed_at is not None or self.status in {Status.PROMOTING, Status.PROMOTED}

    @property
    def staging_tag(self) -> Tag:
        """The tag that keeps it in the staging registry: its first target's, and enough of the digest to be unique.

        Of tools the registry's purge keeps the latest, and knows them by the beginning of their tags.
        """
        tag = f"{_TOOL_TAG}{self.home.tag}" if self.tool else self.home.tag
        return Tag(f"{tag[:90]}-{short(self.digest)}")


def joined(candidate: Candidate, place: Place) -> Candidate:
    """Return a candidate that one more tag asks for."""
    if place in candidate.targets:
        return candidate
    return msgspec.structs.replace(candidate, targets=(*candidate.targets, place))


def rejoined(read: Candidate, found: Candidate, written: Candidate) -> Candidate | None:
    """Return what is to be written when another tag joined a candidate since it was read.

    Args:
        read: as it was read.
        found: as it is now.
        written: what was to be written.

    Returns:
        The same with all tags; ``None`` if more than the tags has changed since.
    """
    if msgspec.structs.replace(found, targets=read.targets) != read:
        return None
    new = tuple(place for place in found.targets if place not in written.targets)
    return msgspec.structs.replace(written, targets=(*written.targets, *new))


def run_name(candidate: Candidate) -> str:
    """Return the name of a candidate's latest run, valid for an ARM resource (5 to 50 letters, digits and hyphens).

    It is derived from the candidate, its generation and the run's number, so that scheduling twice is scheduling once;
    and from its secret, so that nobody can take the name beforehand.
    """
    return run_name_of(candidate.id, f"{candidate.generation}~{candidate.runs}", candidate.secret)


def run_words(candidate: Candidate) -> Words:
    """Return what is said in a candidate's latest run."""
    return words_of(candidate.secret, candidate.generation, candidate.runs)


def run_names(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of all runs of a candidate's present generation."""
    numbers = range(1, candidate.runs + 1)
    return tuple(run_name(msgspec.structs.replace(candidate, runs=number)) for number in numbers)


def remembered(candidate: Candidate, change: Change) -> tuple[Change, ...]:
    """Return the history with one more change, without the oldest ones beyond what a record should hold.

    Of what fails day after day the last day is kept.
    """
    short = msgspec.structs.replace(change, detail=change.detail[:_DETAIL_KEPT])
    before, short = _last_day_alone(candidate.history, short)
    return folded(before, short, _HISTORY_KEPT)


def _last_day_alone(before: tuple[Change, ...], ending: Change) -> tuple[tuple[Change, ...], Change]:
    """Forget the day before, if it ended as this one does, but for how many such days there were."""
    days = [at for at, one in enumerate(before) if one.reason is Reason.SEEN_AGAIN][-2:]
    if ending.reason is not Reason.STILL_FAILING or len(days) < 2:
        return before, ending
    yesterday, today = days
    failed = before[today - 1]
    if failed.reason is not Reason.STILL_FAILING:
        return before, ending
    return (*before[:yesterday], *before[today:]), again(failed, ending)


def same_but_time(one: Change, other: Change) -> bool:
    """Whether two changes tell the same, whenever and however often it happened."""
    return (one.status, one.reason, one.detail) == (other.status, other.reason, other.detail)
