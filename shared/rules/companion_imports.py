"""The imports by which an image and its referrers come into the base registry: claimed, asked for, and read back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from shared.domain.references import Digest, Tag
from shared.domain.travel import changes
from shared.domain.travel.companions import Companions
from shared.domain.travel.locked import Right
from shared.domain.travel.manifests import checked, parts_of, weight_of
from shared.domain.travel.next_step import carried, to_carry, unlanded
from shared.domain.travel.referrers import LARGEST_REFERRER, MOST_REFERRERS, Carry, Referrer, ReferrerState
from shared.errors import (
    DigestMismatch,
    Locked,
    MalformedInput,
    NotThereYet,
    OperationFailed,
    Paced,
    ServiceError,
    TidegateError,
)
from shared.ports import ImportSource, Operation
from shared.rules.carrying import Carrier
from shared.rules.companion_book import CompanionBook
from shared.rules.imports import Differs, UnderWay
from shared.travel_ports import StoredCompanions

log = logging.getLogger("tidegate.companions")

Change = Callable[[Companions], Companions]


class CompanionImports:
    """Copies images and referrers.

    Args:
        book: where companions are.
        carrier: asks the registries.
    """

    def __init__(self, book: CompanionBook, carrier: Carrier) -> None:
        self._book = book
        self._carrier = carrier

    # The image.

    def image(self, stored: StoredCompanions) -> StoredCompanions | None:
        """See that the image is in the base registry, under the next of its names or under none, with its platforms.

        Raises:
            Paced: our turn at ARM has not come; nothing was written.
        """
        known, now = stored.record, self._book.clock()
        name = _name(known)
        try:
            found = self._found(known, name, now)
            if found is not None:
                return self._book.step(stored, found)
            self._check_lock(known)
            self._carrier.base.take_turn()
            source = self._carrier.source_of_image(known)
        except Paced:
            raise
        except ServiceError as error:
            return self._image_fell(stored, error)
        claimed = self._book.step(stored, lambda record: changes.image_begun(record, name, now))
        if claimed is None:
            return None
        start = lambda: self._carrier.into_base(known, source, name)  # noqa: E731
        return self._started(claimed, start, self._image_fell, staging=False)

    def _check_lock(self, known: Companions) -> None:
        """Where locks are minded nothing is imported into a repository that somebody locked as a whole.

        Raises:
            Locked: it is.
            ServiceError: the registry did not say.
        """
        if not any(want.asked.locks for want in known.wants):
            return
        found = self._carrier.base.attributes(known.repository, "")
        if found is not None and Right.WRITE in found.closed:
            raise Locked(
                f"the repository {known.registry}/{known.repository} is locked as a whole, and not by this app"
            )

    def _found(self, known: Companions, name: Tag, now: datetime) -> Change | None:
        """Return what becomes of the record where nothing is to be imported: it is there, or its name was taken."""
        base, part = self._carrier.base, _part(known, name)
        if not name:
            there = base.holds(known.repository, part or known.digest)
            return _landed(known, name, now) if there else None
        found = base.digest(known.repository, name)
        if found == known.digest:
            return _landed(known, name, now)
        return (lambda record: changes.renamed(record, name, now)) if found is not None else None

    def _image_fell(self, stored: StoredCompanions, error: ServiceError) -> StoredCompanions | None:
        now = self._book.clock()
        if not isinstance(error, Paced):
            log.warning("%s does not come into the base registry: %s", stored.record.id, error)
        return self._book.step(stored, lambda record: changes.image_fell(record, error, now))

    # Referrers.

    def carry(self, stored: StoredCompanions) -> StoredCompanions | None:
        """Let the next referrer go on: into staging, or from there into the base registry.

        Raises:
            Paced: our turn at ARM has not come; nothing was written.
        """
        known, now = stored.record, self._book.clock()
        one = to_carry(known, now)
        if one is None:
            return stored
        staging = one.state is ReferrerState.THERE
        try:
            if staging and self._carrier.staging.holds(known.staging, one.digest) and not one.tag:
                return self._judged(stored, one)
            if not staging:
                self._check_lock(known)
            (self._carrier.staging if staging else self._carrier.base).take_turn()
            source = self._source(known, one)
        except Paced:
            raise
        except ServiceError as error:
            return self._fell(stored, one, error)
        claimed = self._book.step(stored, lambda record: changes.begun(record, one, now))
        if claimed is None:
            return None
        into = self._carrier.into_staging if staging else self._carrier.into_base
        start = lambda: into(known, source, one.tag)  # noqa: E731
        return self._started(claimed, start, self._carry_fell, staging=staging)

    def _source(self, known: Companions, one: Referrer) -> ImportSource:
        there = one.state is ReferrerState.THERE
        return (self._carrier.from_upstream if there else self._carrier.from_staging)(known, one.digest)

    def _carry_fell(self, stored: StoredCompanions, error: ServiceError) -> StoredCompanions | None:
        one = carried(stored.record)
        return stored if one is None else self._fell(stored, one, error)

    def _fell(self, stored: StoredCompanions, one: Referrer, error: TidegateError) -> StoredCompanions | None:
        now = self._book.clock()
        if not isinstance(error, Paced):
            log.warning("%s does not come to %s: %s", one.digest, stored.record.id, error)
        return self._book.step(stored, lambda record: changes.fell(record, one, error, now))

    # What is under way.

    def _started(
        self,
        claimed: StoredCompanions,
        start: Callable[[], Operation],
        fell: Callable[[StoredCompanions, ServiceError], StoredCompanions | None],
        *,
        staging: bool,
    ) -> StoredCompanions | None:
        """Whoever dies before the answer is noted has the import known by what it led to."""
        try:
            operation = start()
        except ServiceError as error:
            return fell(claimed, error)
        now = self._book.clock()
        at = now + self._carrier.pause(staging=staging)
        return self._book.step(claimed, lambda record: changes.looked_at(record, at, operation.token, now))

    def land(self, stored: StoredCompanions) -> StoredCompanions | None:
        """Look at the import that is under way.

        Raises:
            Paced: our turn at ARM has not come; nothing was written.
        """
        known, now = stored.record, self._book.clock()
        one = carried(known)
        if known.carry is not None:
            return self._land_image(stored, known.carry, now)
        if one is None or one.carry is None:
            return stored
        staging = one.state is ReferrerState.STAGING
        try:
            seen = self._carrier.look(known, one.digest, one.carry, now, staging=staging)
        except (OperationFailed, DigestMismatch) as error:
            return self._fell(stored, one, error)
        if seen is not None:
            return self._wait(stored, seen, now)
        return self._judged(stored, one) if staging else self._arrived(stored, one)

    def _land_image(self, stored: StoredCompanions, carry: Carry, now: datetime) -> StoredCompanions | None:
        known = stored.record
        awaited = _part(known, carry.tag) or known.digest
        try:
            seen = self._carrier.look(known, awaited, carry, now, staging=False)
        except DigestMismatch as error:
            taken = carry.tag and self._is_taken(known, carry.tag)
            if taken:
                return self._book.step(stored, lambda record: changes.renamed(record, carry.tag, now))
            return self._image_fell(stored, error)
        except OperationFailed as error:
            return self._image_fell(stored, error)
        if seen is not None:
            return self._wait(stored, seen, now)
        return self._book.step(stored, _landed(known, carry.tag, now))

    def _is_taken(self, known: Companions, name: Tag) -> bool:
        try:
            return self._carrier.base.digest(known.repository, name) not in {None, known.digest}
        except ServiceError:
            return False

    def _wait(self, stored: StoredCompanions, seen: UnderWay | Differs, now: datetime) -> StoredCompanions | None:
        if isinstance(seen, Differs):
            return self._book.step(stored, lambda record: changes.differs(record, now))
        return self._book.step(stored, lambda record: changes.looked_at(record, now + seen.pause, seen.token, now))

    def _judged(self, stored: StoredCompanions, one: Referrer) -> StoredCompanions | None:
        """What it is its manifest says, which is read where reading is no pull, and before the base registry has it."""
        now = self._book.clock()
        try:
            body = self._carrier.staging.manifest(stored.record.staging, one.digest)
            if body is None:
                raise NotThereYet(f"the staging registry has {one.digest}, and does not give its manifest")
            inside = self._weight(stored.record, body)
        except Paced:
            raise
        except ServiceError as error:
            return self._fell(stored, one, error)
        known = stored.record
        beside = {known.digest, *known.manifests, *(each.digest for each in known.referrers if each is not one)}
        judged = checked(one, body, inside, beside)
        if judged.refusal is not None:
            log.warning("%s does not come to %s: %s", one.digest, stored.record.id, judged.refusal.value)
        return self._book.step(stored, lambda record: changes.staged(record, judged, now))

    def _weight(self, known: Companions, body: bytes) -> int:
        """Return the bytes of all that the manifests of an index consist of: what it says of them is not that.

        One that is too much is not gone through any further, and neither is one that names what is no manifest.
        """
        found, waiting = 0, list(_parts(body))
        for number, digest in enumerate(waiting):
            if number == MOST_REFERRERS or found > LARGEST_REFERRER:
                return LARGEST_REFERRER + 1
            inside = self._carrier.staging.manifest(known.staging, digest)
            if inside is None:
                raise NotThereYet(f"the staging registry has an index, and does not give {digest}, which it names")
            found += _bytes(inside)
            waiting += [one for one in _parts(inside) if one not in waiting]
        return found

    def _arrived(self, stored: StoredCompanions, one: Referrer) -> StoredCompanions | None:
        """It is there; whether clients find it, the registry's own list says."""
        known, now = stored.record, self._book.clock()
        unlinked = False
        if not one.tag:
            try:
                listing = self._carrier.base.referrers(known.repository, one.subject)
            except Paced:
                raise
            except ServiceError as error:
                return self._fell(stored, one, error)
            unlinked = listing is None or one.digest not in {each.digest for each in listing.entries}
        return self._book.step(stored, lambda record: changes.arrived(record, one, now, unlinked=unlinked))


def _parts(body: bytes) -> tuple[Digest, ...]:
    """What is no manifest is refused for that by whoever judges it."""
    try:
        return parts_of(body)
    except MalformedInput:
        return ()


def _bytes(body: bytes) -> int:
    try:
        return weight_of(body)
    except MalformedInput:
        return LARGEST_REFERRER + 1


def _name(known: Companions) -> Tag:
    """Platforms that are gone come first: an index without them cannot be copied under another name."""
    unique = unlanded(known)
    return unique.name if unique is not None and not known.parts_gone else Tag("")


def _part(known: Companions, name: Tag) -> Digest | None:
    """Where the index is there, an import without a tag is known by the platform that it is to bring."""
    return known.parts_gone[0] if known.parts_gone and not name else None


def _landed(known: Companions, name: Tag, now: datetime) -> Change:
    part = _part(known, name)
    if part is not None:
        return lambda record: changes.part_landed(record, part, now)
    return lambda record: changes.image_landed(record, name, now)
