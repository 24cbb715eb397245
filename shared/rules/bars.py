"""Asks the list in force, right before something is written into the base registry, whether it may be now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from shared.domain.promotion.admission import Waiting
from shared.domain.promotion.barring import Bar, barred, is_promotion
from shared.domain.promotion.reconciling import scheduled
from shared.domain.promotion.target import Target
from shared.domain.watching.travelling import Travelling
from shared.rules.policies import Asked, Policies
from shared.rules.targets import TargetBook
from shared.target_ports import StoredTarget


class WaitsForCompanions(Protocol):
    """Knows what lies beside digests; see ``shared.rules.companion_bar``."""

    def keeps(self, target: Target, asked: Travelling) -> str | None:
        """Return why a tag may not be moved to what is wanted yet, maybe for no reason but time; ``None`` if it may."""
        ...

    def held(self, target: Target, asked: Travelling) -> str | None:
        """Return who locked the tag, or all of its repository, so that it stays as it is; ``None`` if nobody did."""
        ...

    def landed(self, target: Target, asked: Travelling) -> None:
        """Lock a tag that bears what is wanted."""
        ...


class Bars:
    """Says what keeps tags from what is wanted.

    Args:
        policies: the policies in force.
        book: where targets are.
        remembers: whether what people decided is known here; it may raise ``ServiceError``.
        companions: gives who knows what lies beside digests; asked for where an entry wants anything there.
    """

    def __init__(
        self,
        policies: Policies,
        book: TargetBook,
        remembers: Callable[[], bool] = lambda: True,
        companions: Callable[[], WaitsForCompanions] | None = None,
    ) -> None:
        self.policies = policies
        self._book = book
        self._remembers = remembers
        self._companions = companions

    def keep(self, stored: StoredTarget) -> StoredTarget | None:
        """Note with a target what keeps it from what is wanted, so that it is looked at again in time.

        Returns:
            The target, as it was noted or as others have it by now; ``None`` if it may be brought there.

        Raises:
            ServiceError: which list is in force cannot be read, or storage did not answer.
        """
        kept = self.of(stored.record)
        if kept is None:
            return None
        now, before = self._book.clock(), stored.record

        def note(known: Target | None) -> Target | None:
            same = known is not None and (known.step, known.number) == (before.step, before.number)
            return scheduled(barred(known, kept, now), now) if known is not None and same else None

        return self._book.change(before.id, note, stored) or stored

    def of(self, target: Target) -> Bar | None:
        """Return what keeps a tag from what is wanted; ``None`` if nothing does.

        Raises:
            ServiceError: which list is in force, or whether it is known what people decided, cannot be read, and
                without it nothing is written.
        """
        if not self._remembers():
            return Bar(Waiting.DECISIONS)
        asked = self.policies.now().of(target.origin.image, target.place)
        if asked.observed:
            return Bar(Waiting.NOTHING)
        until = self.frozen_until(asked) if is_promotion(target) else None
        if until is not None:
            return Bar(Waiting.FROZEN, until)
        held = self._held(target, asked.travelling)
        if held is not None:
            return Bar(Waiting.LOCKED, detail=held)
        detail = self._waits_for_companions(target, asked.travelling)
        return Bar(Waiting.COMPANIONS, detail=detail) if detail is not None else None

    def _waits_for_companions(self, target: Target, asked: Travelling) -> str | None:
        """What nobody asks for costs nothing, and loads nothing."""
        return self._companions().keeps(target, asked) if asked.asks and self._companions is not None else None

    def _held(self, target: Target, asked: Travelling) -> str | None:
        return self._companions().held(target, asked) if asked.locks and self._companions is not None else None

    def landed(self, target: Target) -> None:
        """Have a tag locked that bears what is wanted, if its entry asks for that.

        Raises:
            ServiceError: which list is in force cannot be read, or storage did not answer.
        """
        if self._companions is None or not self.policies.may_lock:
            return
        asked = self.policies.now().of(target.origin.image, target.place).travelling
        if asked.locks:
            self._companions().landed(target, asked)

    def is_observed(self, target: Target) -> bool:
        """Whether nothing at all is written for a tag, by the list in force.

        Raises:
            ServiceError: which list is in force cannot be read.
        """
        return self.policies.now().of(target.origin.image, target.place).observed

    def told(self, target: Target) -> str:
        """Say for people that promotion to a tag is frozen now; empty if it is not."""
        until = self.frozen_until(self.policies.now().of(target.origin.image, target.place))
        if until is None:
            return ""
        then = "it is promoted then" if is_promotion(target) else "people go before that"
        return f"; promotion is frozen until {until:%Y-%m-%d %H:%M} UTC, and {then}"

    def frozen_until(self, asked: Asked) -> datetime | None:
        """Return until when a policy freezes promotion, UTC; ``None`` if it does not now."""
        return frozen_now(asked, self._book.clock())


def frozen_now(asked: Asked, now: datetime) -> datetime | None:
    """Return until when what the list asks for a tag freezes promotion, UTC; ``None`` if it does not."""
    if asked.policy is None or not asked.policy.freeze:
        return None
    # Few lists have freezes: what reads them is loaded for the first one.
    from shared.domain.policy.freezing import frozen_until  # noqa: PLC0415

    return frozen_until(asked.policy.freeze, now)
