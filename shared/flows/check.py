"""Look at upstream tags, and make a candidate of every digest that is new: first the candidate, then "seen"."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import msgspec

from shared.domain import observation as obs
from shared.domain.candidate import Candidate, Reason, Status, candidate_id
from shared.domain.lifecycle import ENDS, advance, begin_again, detected
from shared.domain.messages import CHECKS, MOST_REPOSITORIES, CheckRepositories
from shared.domain.observation import Look, Meeting, Observation
from shared.domain.references import Digest, Repository, Tag, parse_repository
from shared.domain.watch_list import Image, WatchList
from shared.errors import Conflict, MalformedRequest, TidegateError
from shared.ports import Activity, Event, Observations, Outbox, Stored, Upstream
from shared.progress import Progress

log = logging.getLogger("tidegate.check")

_TRIES = 3


def plan(images: tuple[Image, ...], outbox: Outbox, *, traceparent: str, image: str = "") -> tuple[Repository, ...]:
    """Put the repositories of some entries of the watch list into the queue of checks.

    Args:
        images: the entries.
        outbox: sends the messages.
        traceparent: trace context of whoever asks.
        image: the entry's name if it was asked for by hand.

    Returns:
        The repositories that will be checked, each once.
    """
    repositories = tuple(dict.fromkeys(entry.repository for entry in images))
    for start in range(0, len(repositories), MOST_REPOSITORIES):
        batch = tuple(str(repository) for repository in repositories[start : start + MOST_REPOSITORIES])
        outbox.send(CHECKS, CheckRepositories(v=1, repositories=batch, image=image, traceparent=traceparent))
    return repositories


def plan_by_hand(
    watch_list: WatchList, outbox: Outbox, *, image: str | None, traceparent: str
) -> tuple[Repository, ...]:
    """Put one entry, or the whole watch list, into the queue of checks, as somebody asked.

    Raises:
        MalformedRequest: 404, the watch list has no entry with that name.
    """
    if image is None:
        return plan(tuple(watch_list.images), outbox, traceparent=traceparent)
    entry = watch_list.named(image)
    if entry is None:
        raise MalformedRequest(f"image: the watch list has no entry named {image!r}", status=404)
    return plan((entry,), outbox, traceparent=traceparent, image=image)


class Checker:
    """Checks upstream repositories against what is known of them.

    Args:
        watch_list: gives the list in force.
        upstreams: by registry, such as ``docker.io``.
        observations: what is known.
        progress: where candidates are kept and how they go on.
        activity: where what vanished is recorded.
    """

    def __init__(
        self,
        watch_list: Callable[[], WatchList],
        upstreams: Mapping[str, Upstream],
        observations: Observations,
        progress: Progress[Candidate],
        activity: Activity,
    ) -> None:
        self._watch_list = watch_list
        self._upstreams = upstreams
        self._observations = observations
        self._progress = progress
        self._activity = activity

    def check(self, message: CheckRepositories) -> None:
        """Check every repository of a message; one that fails does not keep the others from being checked.

        Raises:
            TidegateError: the storage account failed; the message is to be delivered again.
        """
        watch_list = self._watch_list()
        for text in message.repositories:
            repository = parse_repository(text)
            self._check_repository(repository, watch_list.of_repository(repository), message)

    def _check_repository(self, repository: Repository, images: tuple[Image, ...], message: CheckRepositories) -> None:
        known = self._observations.of(repository)
        tags = dict.fromkeys(tag for image in images for tag in image.wanted)
        looked = (self._check_tag(repository, tag, images, known.get(tag), message) for tag in tags)
        new = tuple(seen for seen in looked if obs.worth_writing(known.get(seen.tag), seen))
        if new:
            self._observations.save(repository, new)

    def _check_tag(
        self,
        repository: Repository,
        tag: Tag,
        images: tuple[Image, ...],
        known: Observation | None,
        message: CheckRepositories,
    ) -> Observation:
        now = self._progress.clock()
        try:
            digest = self._upstreams[repository.registry].digest(repository, tag)
        except TidegateError as error:
            log.warning("%s:%s could not be checked: %s", repository, tag, error)
            return obs.troubled(known, tag, str(error), now)
        wanting = tuple(image for image in images if tag in image.wanted)
        for image in wanting:
            self._meet(image, tag, digest, known, message)
        return obs.observed(known, tag, digest, tuple(image.target for image in wanting), now)

    def _meet(
        self,
        image: Image,
        tag: Tag,
        digest: Digest | None,
        known: Observation | None,
        message: CheckRepositories,
    ) -> None:
        look = obs.compare(known, digest, image.target)
        if look is Look.VANISHED:
            self._tell_vanished(image, tag, known)
        if digest is None or (look is Look.UNCHANGED and not message.image):
            return
        candidate = self._new(image, tag, digest, look, message.traceparent)
        log.info("%s:%s is %s: %s", image.source, tag, look.value, candidate.id)
        self._want(candidate, look, known)

    def _tell_vanished(self, image: Image, tag: Tag, known: Observation | None) -> None:
        seen = known.digest if known else ""
        detail = f"{image.source}:{tag} is gone upstream; {image.target}:{tag} keeps what it has (last seen {seen})"
        self._activity.append(Event(f"image:{image.name}", "tag-vanished", self._progress.clock(), detail))

    def _new(self, image: Image, tag: Tag, digest: Digest, look: Look, traceparent: str) -> Candidate:
        now = self._progress.clock()
        first = Candidate(
            image=image.name,
            source=image.repository,
            source_tag=tag,
            target=image.target,
            tag=tag,
            digest=digest,
            gate=image.functional_gate,
            status=Status.DETECTED,
            look_at=now,
            since=now,
            detected_at=now,
            traceparent=traceparent,
        )
        reason = Reason.TAG_MOVED if look is Look.MOVED else Reason.FIRST_IMPORT
        return detected(first, reason, now, f"{image.source}:{tag} is {digest}")

    def _want(self, candidate: Candidate, look: Look, known: Observation | None) -> None:
        others = () if look is Look.FIRST_SEEN else tuple(self._of_same_tag(candidate))
        existing = next((stored for stored in others if stored.record.id == candidate.id), None)
        if look is Look.UNCHANGED:
            existing = existing or self._progress.records.get(candidate.id)
            if existing is None:
                return
        after = self._supersede(stored for stored in others if stored is not existing)
        wanted = msgspec.structs.replace(candidate, after=after)
        if existing is None:
            self._insert(wanted, look, known)
        else:
            self._meet_existing(existing, wanted, look, known)

    def _of_same_tag(self, candidate: Candidate) -> Iterator[Stored[Candidate]]:
        prefix = candidate_id(candidate.target, candidate.tag, Digest(""))
        return (stored for stored in self._progress.records.current(prefix) if stored.record.target == candidate.target)

    def _insert(self, wanted: Candidate, look: Look, known: Observation | None) -> None:
        if self._progress.insert(wanted):
            self._progress.send(wanted)
            return
        existing = self._progress.records.get(wanted.id)
        if existing is not None:
            self._meet_existing(existing, wanted, look, known)

    def _meet_existing(
        self, existing: Stored[Candidate], wanted: Candidate, look: Look, known: Observation | None
    ) -> None:
        meeting = obs.meet(existing.record, look, self._previous(wanted, look, known))
        if meeting is Meeting.RESEND:
            self._progress.send(existing.record)
        if meeting is Meeting.BEGIN_AGAIN:
            now, detail = self._progress.clock(), wanted.last.detail
            self._progress.save(existing, begin_again(existing.record, now, detail=detail, wanted=wanted))

    def _previous(self, wanted: Candidate, look: Look, known: Observation | None) -> Candidate | None:
        if known is None or look is not Look.MOVED:
            return None
        stored = self._progress.records.get(candidate_id(wanted.target, wanted.tag, known.digest))
        return stored.record if stored else None

    def _supersede(self, others: Iterator[Stored[Candidate]]) -> str:
        """End what the newer digest overtakes; return the id of one that is beyond being overtaken, if there is one."""
        after = ""
        for stored in others:
            if not self._overtake(stored):
                after = stored.record.id
        return after

    def _overtake(self, stored: Stored[Candidate]) -> bool:
        for _ in range(_TRIES):
            if stored.record.status in ENDS:
                return True
            if stored.record.status is Status.PROMOTING:
                return False
            newer = advance(stored.record, Reason.NEWER_DIGEST, self._progress.clock(), pause=timedelta(0))
            if self._progress.claim(stored, newer) is not None:
                return True
            stored = self._progress.records.get(stored.record.id) or stored
        raise Conflict(f"{stored.record.id} changes too fast to be superseded; it is tried again")
