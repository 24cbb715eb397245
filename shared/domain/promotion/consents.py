"""What people said of one digest for one tag: that they agree, that they refuse, and what one asks and another grants.

All of it names its digest, and ends when a newer one is seen for the tag.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from shared.domain.access.callers import Caller
from shared.domain.access.callers import Kind as Kind  # noqa: PLC0414  it is told from here
from shared.domain.references import Digest
from shared.domain.scan.findings import Key, key_of

if TYPE_CHECKING:
    from shared.domain.promotion.target import Target


class By(msgspec.Struct, frozen=True):
    """Who said something, told apart by what cannot change hands.

    Attributes:
        kind: person, application or API key.
        id: what stays when the name changes.
        name: as it was shown then.
    """

    kind: Kind
    id: str
    name: str

    @property
    def told(self) -> str:
        """How records name the caller."""
        return f"{self.name} ({self.kind.value} {self.id})"

    def is_one_of(self, machines: Iterable[str]) -> bool:
        """Whether a policy names it: an application by its object id, with its tenant or without; a key by its id."""
        ids = {self.id} | ({self.id.partition("@")[0]} if self.kind is Kind.APPLICATION else set())
        return self.kind is not Kind.PERSON and not ids.isdisjoint(machines)

    def same(self, other: By) -> bool:
        """Whether two are one, whatever they were called."""
        return (self.kind, self.id) == (other.kind, other.id)


def by(caller: Caller) -> By:
    """Return who calls, as records keep it."""
    return By(caller.kind, caller.id, caller.name)


class Answer(Enum):
    """What somebody said of a digest that waits for people."""

    AGREED = "agreed"  # it may be promoted to the tag, as far as people are concerned
    REFUSED = "refused"  # it may not, until as many agree as have to


class Consent(msgspec.Struct, frozen=True):
    """One answer of one caller."""

    digest: Digest
    answer: Answer
    by: By
    why: str
    at: datetime

    @property
    def told(self) -> str:
        """What it says, for people."""
        return f"{self.by.told} at {self.at:%Y-%m-%dT%H:%M:%SZ}: {self.why}"


class OverrideAsked(msgspec.Struct, frozen=True):
    """Who asked that a tag takes a digest against its gate; somebody else has to grant it."""

    digest: Digest
    by: By
    why: str
    at: datetime


class Waived(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding in a digest that one asks to waive for one tag, and another one grants.

    Attributes:
        digest: of what.
        id: of the vulnerability.
        package: its name, as the scanner reports it.
        why: why.
        until: a day, which it still covers, or a time, at which it ends.
        asked: by whom it was asked for.
        asked_at: when, UTC.
        granted: by whom; ``None`` while nobody has granted it.
        granted_at: when, UTC.
    """

    digest: Digest
    id: str
    package: str
    why: str
    until: str
    asked: By
    asked_at: datetime
    granted: By | None = None
    granted_at: datetime | None = None

    @property
    def key(self) -> Key:
        """By what the finding is known."""
        return key_of(self.id, self.package)


# Documents of decisions hold them, too: docs/decisions/0016.
_SAYINGS = msgspec.json.Decoder(tuple[Consent, OverrideAsked, Waived])


def consents_to(target: Target, digest: Digest) -> tuple[Consent, ...]:
    """Return what was said of a digest, the latest last; a refusal comes first, as it voids what came before."""
    return tuple(one for one in target.consents if one.digest == digest)


def refusal_of(said: Iterable[Consent]) -> Consent | None:
    """Return the refusal among what was said of a digest; ``None`` if nobody refused."""
    return next((one for one in said if one.answer is Answer.REFUSED), None)


def agreed(said: Iterable[Consent], machines: Iterable[str]) -> tuple[Consent, ...]:
    """Return the approvals that count: of each caller one, and of machines those that the policy names.

    Args:
        said: of one digest.
        machines: that the policy names.
    """
    named, callers = frozenset(machines), set[tuple[Kind, str]]()
    counted: list[Consent] = []
    for one in said:
        counts = one.by.kind is Kind.PERSON or one.by.is_one_of(named)
        if one.answer is Answer.AGREED and counts and (one.by.kind, one.by.id) not in callers:
            callers.add((one.by.kind, one.by.id))
            counted.append(one)
    return tuple(counted)


def closed(target: Target, newer: Digest) -> Target:
    """Return a record in which nothing is asked or agreed of what a newer digest takes the place of.

    What has passed used what was said of it, and keeps it: nobody has to agree anew to what is in force.

    Args:
        target: the record, as it was before the digest was seen.
        newer: what its source bears now.
    """
    if target.newest is not None and target.newest.digest == newer:
        return target
    kept = {target.wanted, *target.passed}
    consents = tuple(one for one in target.consents if one.digest in kept)
    asked = target.override if target.override is not None and target.override.digest == newer else None
    waived = tuple(one for one in target.waived if one.digest in kept)
    return msgspec.structs.replace(target, consents=consents, override=asked, waived=waived)


def closed_told(before: Target, after: Target) -> str:
    """Return what a newer digest closed, for people; empty if nothing was."""
    gone = [one for one in before.consents if one not in after.consents]
    told = [f"{one.answer.value} of {one.digest} by {one.told}" for one in gone]
    told += [
        f"the waiver of {one.id} in {one.package} of {one.digest}" for one in before.waived if one not in after.waived
    ]
    if before.override is not None and after.override is None:
        asked = before.override
        told.append(f"the override for {asked.digest} that {asked.by.told} asked for: {asked.why}")
    return "; ".join(told)
