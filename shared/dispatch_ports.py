"""What flows ask of those who build elsewhere than ACR Tasks; see ``shared.ports`` for what holds for every port.

Asking is idempotent nowhere: a request is posted once, and after an unclear answer a build is only looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from shared.domain.dispatch.builds import Asked, Found, Outcome, Sent
from shared.domain.promotion.rebuilds import BuilderKind


class Dispatcher(Protocol):
    """Whoever builds, by its name in the settings.

    Attributes:
        name: in the settings, and the first part of what is rebuilt: ``github:contoso/shop/build.yml@main``.
        kind: what it is.
        fingerprint: changes with the settings that say where it is and by what it is asked.
        repeats: whether asking once more under the same correlation is the same request.
        tells: for how long the end of a build is waited for that is told to us; ``None`` if it is looked at.
    """

    name: str
    kind: BuilderKind
    fingerprint: str
    repeats: bool
    tells: timedelta | None

    def ask(self, asked: Asked) -> Sent:
        """Ask for a build, by exactly one POST that nothing repeats.

        Raises:
            InvalidReference: there can be no such place; nothing was sent.
            NotTaken: nothing was sent.
            RateLimited, NotPermitted, NotFound, Refused, SwitchedOff: it clearly said no, and began nothing.
            Unavailable: no clear answer came; it may have begun.
        """
        ...

    def find(self, asked: Asked) -> tuple[Found, ...]:
        """Return the builds that bear the correlation, and never one that only fits by its time; in any order."""
        ...

    def follow(self, asked: Asked, run: str) -> Outcome | None:
        """Return how a build stands, or ``None`` if there is none of that id."""
        ...


Dispatchers = Mapping[str, Dispatcher]


class Off(msgspec.Struct, frozen=True):
    """That a dispatcher is asked nothing more.

    Attributes:
        name: the dispatcher's.
        fingerprint: of the settings that it was asked by: with others it is asked again.
        at: since when, UTC.
        why: what it said.
    """

    name: str
    fingerprint: str
    at: datetime
    why: str


class Switches(Protocol):
    """Which dispatchers said that they want to be asked nothing more."""

    def off(self, name: str, fingerprint: str) -> Off | None:
        """Return that a dispatcher is off, or ``None`` if it may be asked."""
        ...

    def switch_off(self, off: Off) -> None:
        """Remember that one is off; the first word stays."""
        ...
