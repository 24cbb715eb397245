"""One thing to be told, whoever is told of it: what tells it from all others holds no text."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from shared.domain.notices.kinds import KindOfNotice, Severity, Told, kind_named
from shared.domain.references import Digest


class Notice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to be told.

    Attributes:
        kind: the name of its kind.
        about: of what, as the activity log names its subjects, such as ``target:<id>``.
        mark: what tells it from others of its kind about the same: a decision's number, or since when a trouble lasts.
        at: when it happened, UTC; the same whenever it is found again.
        detail: for people.
        place: of which tag of the base registry, for people; may be empty.
        images: names of the entries of the watch list that it concerns; none: all.
        digest: of which digest; may be empty.
        cause: what several of them have in common, which are one message; empty for the kind.
        stage: of a trouble, how often it was reminded of when this is told; 0 for its beginning.
        closes: of what is solved, the name of the kind that is over; else empty.
        not_to: a destination that is not told of it, as it is about that one.
    """

    kind: str
    about: str
    mark: str
    at: datetime
    detail: str = ""
    place: str = ""
    images: tuple[str, ...] = ()
    digest: Digest = Digest("")
    cause: str = ""
    stage: int = 0
    closes: str = ""
    not_to: str = ""

    @property
    def key(self) -> str:
        """Tells it from all others."""
        told = "\n".join((self.kind, self.closes, self.about, self.mark, str(self.stage)))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def episode(self) -> str:
        """What a trouble's beginning, its reminders and its end have in common."""
        told = "\n".join((self.closes or self.kind, self.about, self.mark))
        return hashlib.sha256(told.encode()).hexdigest()[:24]

    @property
    def known(self) -> KindOfNotice:
        """What holds of its kind."""
        return kind_named(self.closes or self.kind)

    @property
    def severity(self) -> Severity:
        """How urgent it is; that something is over is not urgent."""
        return Severity.INFO if self.closes else self.known.severity

    @property
    def is_ended_later(self) -> bool:
        """Whether those who are told of it are told of its end, too."""
        return self.known.is_trouble or self.kind in _ENDED_LATER

    @property
    def folded_by(self) -> str:
        """What is one message with others that have it, too."""
        return " ".join(one for one in (self.kind, self.closes, self.cause) if one)


_ENDED_LATER = frozenset({Told.APPROVAL_NEEDED.value, Told.WAVE_HELD.value})
# Deliveries, targets and waves hold notices; several modules decode them, that may be imported by several threads.
_NOTICES = msgspec.json.Decoder(Notice)
