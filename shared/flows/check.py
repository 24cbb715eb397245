"""Look at upstream repositories by the cheapest question, and have a candidate made of every digest that is new."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from shared.domain.events.messages import CheckRepositories
from shared.domain.promotion.target import Sighting
from shared.domain.references import Repository, Tag, parse_repository
from shared.domain.watching import observation as obs
from shared.domain.watching import questions
from shared.domain.watching.budget import Grant
from shared.domain.watching.flapping import remembering
from shared.domain.watching.observation import Doubted, Look, Observation
from shared.domain.watching.questions import Question, RepositoryState, Strategy
from shared.domain.watching.watch_list import Image, WatchList, fingerprint
from shared.domain.watching.waves import Wave, in_turn, share
from shared.errors import Conflict, ServiceError, TidegateError
from shared.ports import Activity, Clock, Known, Observations, Upstream
from shared.rules.asking import Answers, Asked, Taken, ask, ask_again, asks_catalogue, exact_count, unforeseen
from shared.rules.check_told import CheckTold
from shared.rules.ledger import Ledger
from shared.rules.manifest_reading import ReadingTold
from shared.rules.places import Places
from shared.rules.purse import Purse
from shared.rules.read_ahead import ReadAhead
from shared.rules.room import Room
from shared.rules.second_looks import SecondLooks

log = logging.getLogger("tidegate.check")

# What is left of a message after that goes on in another one. A repository may take as long, a function ten minutes.
_LONGEST_CHECK = timedelta(minutes=3)
_TRIES, _TRIES_TO_SAVE = 5, 16


class _Check(msgspec.Struct, frozen=True):
    """One check: what was asked for, what is known, what it may still begin, what cannot be read, who was told."""

    message: CheckRepositories
    known: ReadAhead
    wave: Wave
    purse: Purse
    unreadable: dict[str, ServiceError]
    moved: list[str]


class Checker:
    """Checks upstream repositories against what is known of them.

    Args:
        watch_list: gives the list in force.
        upstream: gives the upstream of a registry, such as ``docker.io``.
        observations: what is known.
        places: tells those who take a tag.
        ledger: the upstreams' budgets.
        activity: where what vanished is recorded.
        clock: tells the time.
        new_tags: how many tags are begun for the first time in one check.
        room: for candidates of such tags.
        second_looks: doubts what a tag bore before.
    """

    def __init__(
        self,
        watch_list: Callable[[], WatchList],
        upstream: Callable[[str], Upstream],
        observations: Observations,
        places: Places,
        ledger: Ledger,
        activity: Activity,
        clock: Clock,
        new_tags: int,
        room: Room,
        second_looks: SecondLooks,
    ) -> None:
        self._watch_list = watch_list
        self._upstream = upstream
        self._observations = observations
        self._places = places
        self._ledger = ledger
        self._told = CheckTold(activity, clock)
        self._clock = clock
        self._reading = ReadingTold(observations, activity, clock)
        self._new_tags = new_tags
        self._room = room
        self._second_looks = second_looks

    def check(self, message: CheckRepositories) -> None:
        """Check every repository of a message; one that fails does not keep the others from being checked.

        Raises:
            TidegateError: the storage account failed, or a row of it cannot be read; the message is to be delivered
                again.
        """
        watch_list = self._watch_list()
        repositories = tuple(parse_repository(text) for text in message.repositories)
        by_catalogue = (one for one in repositories if asks_catalogue(watch_list.of_repository(one)))
        purse = Purse(self._ledger, self._clock, by_catalogue)
        known = ReadAhead(self._observations, self._clock, repositories)
        check = _Check(message, known, Wave(self._new_tags, self._room), purse, {}, [])
        try:
            self._prepare(repositories)
            self._check_all(repositories, watch_list, check)
        finally:
            self._ledger.settle()
        self._second_looks.try_again(check.message, check.wave)
        if check.unreadable:
            raise next(iter(check.unreadable.values()))

    def _check_all(self, repositories: tuple[Repository, ...], watch_list: WatchList, check: _Check) -> None:
        ends, left = self._clock() + _LONGEST_CHECK, repositories
        while left:
            repository, left = left[0], left[1:]
            self._check_one(repository, watch_list.of_repository(repository), check)
            kept = 0 if self._clock() >= ends else share(len(left), len(check.moved))
            if kept < len(left):
                self._second_looks.go_on(check.message, left[kept:])
                check.moved.clear()
            left = left[:kept]

    def _check_one(self, repository: Repository, images: tuple[Image, ...], check: _Check) -> None:
        """One that cannot be checked keeps no other from it."""
        try:
            self._check_at_last(repository, images, check)
        except ServiceError as error:
            if error.temporary:
                raise
            check.unreadable[str(repository)] = error
        except TidegateError:
            raise
        except Exception as error:
            log.exception("%s broke off the check of itself; others go on", repository)
            check.unreadable[str(repository)] = unforeseen(repository, error)

    def _check_at_last(self, repository: Repository, images: tuple[Image, ...], check: _Check) -> None:
        """Whoever looked at the same time and was faster may have seen what is newer: the upstream is asked again."""
        for left in reversed(range(_TRIES)):
            try:
                self._check(repository, images, check)
            except Conflict:
                if not left:
                    raise
            else:
                return

    def _prepare(self, repositories: tuple[Repository, ...]) -> None:
        for registry in dict.fromkeys(repository.registry for repository in repositories):
            own = tuple(repository for repository in repositories if repository.registry == registry)
            self._upstream(registry).prepare(own)

    def _check(self, repository: Repository, images: tuple[Image, ...], check: _Check) -> None:
        known = check.known.of(repository)
        now = self._clock()
        if not images or (known.state.next_at and now < known.state.next_at and not check.message.image):
            return
        question = self._question(repository, images, known)
        log.debug("%s is asked by %s: %s", repository, question.strategy.value, question.why.value)
        asked = Asked(self._upstream(repository.registry), repository, images, known.tags, check.purse.grant)
        try:
            answers = ask(asked, question)
        except ServiceError as error:
            self._fail(repository, known, error)
            return
        if answers.is_doubtful(known.tags):
            self._doubt(asked, known, check)
        else:
            # How far a catalogue was read is known by the time of the check, which stays until all of it was asked.
            moved_on = None if question.strategy is Strategy.CATALOGUE else now
            self._take(asked, known, answers, check, moved_on)

    def _question(self, repository: Repository, images: tuple[Image, ...], known: Known) -> Question:
        exact, patterns = exact_count(images), any(image.needs_listing for image in images)
        rules = fingerprint(images)
        return questions.plan(repository, known.state, exact=exact, patterns=patterns, rules=rules, now=self._clock())

    def _doubt(self, asked: Asked, known: Known, check: _Check) -> None:
        """An upstream that lists nothing where there was something is asked about each tag before it is believed."""
        state, believed = questions.listed_nothing(known.state)
        if not believed:
            log.warning("%s lists no tags; that is not believed yet", asked.repository)
            self._save(asked.repository, known, state, ())
            return
        self._take(asked, known, ask_again(asked), check, None)

    def _take(self, asked: Asked, known: Known, answers: Answers, check: _Check, moved_on: datetime | None) -> None:
        """First what is news gets its order, then targets are told, then it is noted that they were.

        A check that dies in between leaves an observation that names no target, so that the next one tells them.
        """
        repository, now = asked.repository, self._clock()
        known = self._reading.told(asked, known, answers)
        digests, doubted = self._second_looks.believed(repository, known, answers.digests, now)
        answers = msgspec.structs.replace(answers, digests=digests)
        before, known = known, self._number(repository, known, answers, now)
        self._told.vanished(repository, before, answers)
        exact = tuple(tag for image in asked.images for tag in image.wanted)
        seen = tuple(
            self._meet(tag, answers, (before.tags.get(tag), known.tags.get(tag)), check, doubted.get(tag))
            for tag in in_turn(answers.digests, exact)
        )
        waits = self._tell_waiting(repository, known, answers, seen, check)
        seen += tuple(
            obs.troubled(known.tags.get(tag), tag, str(error), now) for tag, error in answers.troubles.items()
        )
        if answers.problem is not None:
            self._fail(repository, known, answers.problem, seen, partly=bool(answers.digests))
        elif answers.put_off is not None:
            self._put_off(repository, known, answers.put_off, moved_on if seen else None, seen)
        else:
            rules, whole = fingerprint(asked.images), answers.whole_list
            state = questions.answered(known.state, whole_list=whole, rules=rules, now=now, waits=waits)
            seen += tuple(obs.left_out(known.tags, {*answers.digests, *answers.troubles}))
            self._save(repository, known, state, seen, with_all=True)

    def _number(self, repository: Repository, known: Known, answers: Answers, now: datetime) -> Known:
        """Give every digest that is news its order, guarded by what was known when the upstream was asked."""
        order, noted = known.state.order, list[Observation]()
        for tag, digest in answers.digests.items():
            if digest is not None and obs.is_news(known.tags.get(tag), digest):
                order = obs.next_order(order, now)
                before = known.tags.get(tag)
                noted.append(remembering(before, obs.noted(before, tag, digest, order, now), now))
        if not noted:
            return known
        state = msgspec.structs.replace(known.state, order=order)
        return self._observations.save(repository, known, state, tuple(noted))

    def _put_off(
        self,
        repository: Repository,
        known: Known,
        grant: Grant,
        asked_at: datetime | None,
        seen: tuple[Observation, ...],
    ) -> None:
        why = grant.refusal.value if grant.refusal else ""
        self._save(repository, known, questions.deferred(known.state, why, grant.until, asked_at), seen)

    def _meet(
        self,
        tag: Tag,
        answers: Answers,
        known: tuple[Observation | None, Observation | None],
        check: _Check,
        doubted: Doubted | None,
    ) -> Observation:
        """A place that waits, or cannot be read, is not noted as told, so that the next check finds it new again."""
        before, now = known
        digest, told = answers.digests[tag], list[str]()
        for one in answers.taken.get(tag, ()):
            look = obs.compare(before, digest, one.place)
            # A tool is told each time: nothing else compares what it is with what its source is.
            if digest is None or (look is Look.UNCHANGED and not check.message.image and not one.image.is_tool):
                told.append(one.place)
                continue
            log.info("%s:%s is %s", one.image.source, tag, look.value)
            # Of a place that is told for the first time nobody knows what the source bore before.
            known_there = before is not None and one.place in {*before.targets, *before.formerly}
            until = now.other_until if now and known_there else None
            sighting = Sighting(now.order if now else 0, digest, check.message.traceparent, until)
            if self._serve_if_readable(one, tag, sighting, look, check):
                told.append(one.place)
        return obs.observed(now, tag, digest, tuple(told), self._clock(), doubted)

    def _serve_if_readable(self, one: Taken, tag: Tag, sighting: Sighting, look: Look, check: _Check) -> bool:
        """One whose record cannot be read keeps no other from being told."""
        try:
            return self._serve(one, tag, sighting, look, check)
        except ServiceError as error:
            if error.temporary:
                raise
            log.warning("%s is not told what it is to be, the next check tries again: %s", one.place, error)
            check.unreadable[one.place] = error
            return False

    def _serve(self, one: Taken, tag: Tag, sighting: Sighting, look: Look, check: _Check) -> bool:
        served = self._places.serve(one, tag, sighting, look, check.message, check.wave)
        if served and look is not Look.FIRST_SEEN:  # of those a check begins only so many
            check.moved.append(one.place)
        return served

    def _tell_waiting(
        self, repository: Repository, known: Known, answers: Answers, seen: tuple[Observation, ...], check: _Check
    ) -> str:
        told = {one.tag: {*one.targets, *check.unreadable} for one in seen if answers.digests[one.tag] is not None}
        waiting = sum(one.place not in told[tag] for tag in told for one in answers.taken.get(tag, ()))
        return self._told.waiting(repository, known, waiting, check.wave)

    def _fail(
        self,
        repository: Repository,
        known: Known,
        error: ServiceError,
        seen: tuple[Observation, ...] = (),
        *,
        partly: bool = False,
    ) -> None:
        log.warning("%s could not be checked: %s", repository, error)
        state = questions.failed(known.state, str(error), self._clock(), error.retry_after, partly=partly)
        self._save(repository, known, state, seen)

    def _save(
        self,
        repository: Repository,
        known: Known,
        state: RepositoryState,
        seen: tuple[Observation, ...],
        *,
        with_all: bool = False,
    ) -> None:
        """What others wrote since is not overwritten with what was seen longer ago; what is left out is seen again."""
        for left in reversed(range(_TRIES_TO_SAVE)):
            new = tuple(one for one in seen if obs.worth_writing(known.tags.get(one.tag), one, with_all=with_all))
            if not new and not questions.worth_writing(known.state, state):
                return
            try:
                self._observations.save(repository, known, state, new)
            except Conflict:
                if not left:
                    raise
                known = self._observations.of(repository)
                seen = tuple(one for one in seen if obs.may_replace(known.tags.get(one.tag), one))
                state, with_all = questions.merged(known.state, state), False
            else:
                return
