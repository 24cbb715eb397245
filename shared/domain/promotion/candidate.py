"""The candidate: one digest of an upstream repository under a gate, on its way to the tags that want it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.domain.gate.words import Words, run_name_of, words_of
from shared.domain.history import again, folded
from shared.domain.promotion.identity import candidate_id, earlier_id, short
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.references import Digest, Repository, Tag

_HISTORY_KEPT = 30
# infra/modules/staging-retention.bicep goes by it.
TOOL_TAG = "tidegate-tool-"
_DETAIL_KEPT = 600


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
        tag = f"{TOOL_TAG}{self.home.tag}" if self.tool else self.home.tag
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
