"""Puts together what people do by pages; see ``shared.page_serving``."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from shared.bootstrap import Parts
from shared.domain.access.callers import Caller, Kind
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.rebuilds import ApplicationTask, depends_on
from shared.domain.promotion.target import Target
from shared.domain.references import Digest
from shared.errors import ServiceError
from shared.flows.foretell import Foreteller
from shared.flows.show_candidate import CandidateShown
from shared.rules.form_keys import FormTokens
from shared.web.asked import Handler
from shared.web.pages.deeds import TEST, Deeds
from shared.web.pages.forms import Forms
from shared.web.pages.offers import OffersAt, OfferView, offer_views
from shared.web.pages.system import DestinationView
from shared.web.pages.trials import Trials
from shared.web.routes import ACTING

# Loaded by the first who looks at waves.
if TYPE_CHECKING:
    from shared.domain.waves.wave import Wave
    from shared.web.pages.wave_forms import WaveForms, WordView

log = logging.getLogger("tidegate.web")

# What acts come to is read for each tag; further ones have their own pages.
_MOST_TAGS = 4


class PageActs:
    """What people do by pages.

    Args:
        parts: the other parts of the app.
        acts: what serves each address of the API that acts, by its name.
    """

    def __init__(self, parts: Parts, acts: Mapping[str, Handler]) -> None:
        self._parts = parts
        self.handlers = acts

    @cached_property
    def tokens(self) -> FormTokens:
        """Makes tokens of forms, and believes them."""
        return FormTokens(lambda: self._parts.form_keys, self._parts.clock)

    @cached_property
    def forms(self) -> Forms:
        """Takes forms."""
        return Forms(self.handlers, self.tokens, lambda: self._parts.targets, self.deeds)

    @cached_property
    def deeds(self) -> Deeds:
        """Tells what was just done."""
        return Deeds(self.tokens)

    @cached_property
    def trials(self) -> Trials:
        """Takes forms that try a destination."""
        return Trials(self.handlers[TEST], self.tokens, self.deeds)

    @cached_property
    def waves(self) -> WaveForms:
        """Takes forms that say something of waves."""
        from shared.web.pages.wave_forms import WaveForms  # noqa: PLC0415

        return WaveForms(self.handlers, self.tokens, self.deeds)

    def words(self, wave: Wave, caller: Caller) -> tuple[WordView, ...]:
        """Return the forms that somebody is shown of a wave; one of an earlier base registry is left alone."""
        book = self._parts.target_book
        if wave.registry != book.registry:
            return ()
        try:
            return self.waves.words(wave, book.of(wave.repository, wave.tag), caller, self._parts.clock())
        except ServiceError as error:
            log.warning("what can be said of %s cannot be told now: %s", wave.id, error)
            return ()

    def destinations(self, caller: Caller) -> tuple[DestinationView, ...]:
        """Return how each destination fares, with a form for who may try it; nothing is read where there is none."""
        notifying = self._parts.notifying
        if not notifying.is_used:
            return ()
        found = notifying.lister.destinations()
        return tuple(DestinationView(one, self.trials.token(one.name, caller)) for one in found)

    def _foreteller(self) -> Foreteller:
        """Tells on one page what acts come to: what is built on which base is read once for all of its tags."""
        parts, tasks = self._parts, _Tasks(self._parts)
        at_once = parts.settings.most_rebuilds
        return Foreteller(parts.admitting.admissions, parts.candidates, tasks.built_on, at_once, parts.clock)

    def offers(self, target: Target, caller: Caller) -> tuple[OfferView, ...]:
        """Return the forms that somebody is shown; none for who cannot act, and nothing is read for those.

        A tag of an earlier base registry is shown, and left alone.

        Args:
            target: the tag.
            caller: who is shown them.
        """
        return self._offers(self._foreteller(), target, caller)

    def _offers(
        self, foreteller: Foreteller, target: Target, caller: Caller, candidate: Candidate | None = None
    ) -> tuple[OfferView, ...]:
        """Of a candidate's page only what can be done to that one."""
        ours = target.registry == self._parts.target_book.registry
        if not ours or caller.kind is not Kind.PERSON or not caller.roles & ACTING:
            return ()
        try:
            digest = candidate.digest if candidate is not None else ""
            found = foreteller.offers(target, caller, digest, candidate)
            return offer_views(found, target, caller, self.tokens.make)
        except ServiceError as error:
            log.warning("what can be done to %s cannot be told now: %s", target.id, error)
            return ()

    def of_candidate(self, shown: CandidateShown, caller: Caller) -> tuple[OffersAt, ...]:
        """Return what somebody can do to a digest, at the first tags that asked for it."""
        foreteller, first = self._foreteller(), shown.targets[:_MOST_TAGS]
        found = (OffersAt(one, self._offers(foreteller, one, caller, shown.candidate)) for one in first)
        return tuple(one for one in found if one.offers)


class _Tasks:
    """The tasks of application registries, read by the first who asks for them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @cached_property
    def _listed(self) -> tuple[ApplicationTask, ...]:
        try:
            return self._parts.kept_listings.last()
        except ServiceError as error:
            log.warning("what is built on the base registry's tags cannot be told now: %s", error)
            return ()

    def built_on(self, target: Target) -> Iterator[tuple[str, Digest]]:
        """Yield the tasks that are built on a tag, each with the digest that it was last built on."""
        server = self._parts.settings.base_server
        for task in self._listed:
            found = depends_on(task, server, target.repository, target.tag)
            if found is not None:
                yield f"{task.registry}/{task.name}", Digest(found.digest)
