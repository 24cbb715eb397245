"""Kinds of notices: what there is to be told, how urgent each is, and when it goes where no route says otherwise.

A notice of a trouble bears the name of the trouble's kind, as the API, pages and the activity log do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from shared.domain.watching.troubles import Kind as TroubleKind


class Severity(Enum):
    """How urgent a notice is, the least urgent first."""

    INFO = "info"  # to be known; nobody has to do anything
    ACTION = "action"  # it waits for people
    WARNING = "warning"  # something is wrong, and what is in use goes on as it was
    CRITICAL = "critical"  # what is in use is not what it should be, or Tidegate itself cannot do its work

    @property
    def rank(self) -> int:
        """How urgent it is, as a number."""
        return tuple(Severity).index(self)


class Usually(Enum):
    """When a kind of notice goes, where no route says otherwise."""

    NOW = "now"  # at once; more of one cause within minutes are one message
    DAILY = "daily"  # with all others of the day
    OFF = "off"  # not at all; a route that names the kind has it told


class Told(Enum):
    """What is told beside troubles."""

    APPROVAL_NEEDED = "approval-needed"  # a digest passed its checks and waits for people
    APPROVAL_DECIDED = "approval-decided"  # people agreed to it, or refused it
    PROMOTED = "promoted"  # a tag of the base registry has come to bear another digest
    OVERRIDE_ASKED = "override-asked"  # somebody asks that a tag takes a digest against its gate
    OVERRIDE = "override"  # a tag takes a digest against its gate
    ROLLED_BACK = "rolled-back"  # somebody went back to a digest that the tag bore before
    PINNED = "pinned"  # somebody said: this digest, whatever comes
    UNPINNED = "unpinned"  # that is over: by people, or by its date
    BLOCKED = "blocked"  # somebody refused a digest
    RELEASED = "released"  # somebody refuses it no more
    HELD = "held"  # somebody said that nothing is to be decided
    RESUMED = "resumed"  # it is decided again
    WAIVER_ASKED = "waiver-asked"  # somebody asks that a finding does not count
    WAIVER_GRANTED = "waiver-granted"  # somebody else granted that
    CANARY_FAILED = "canary-failed"  # what is rebuilt first failed on a digest that a tag came to
    WAVE_HELD = "wave-held"  # rebuilds of what is built on a tag wait for people: the others have the digest before
    RESTORED = "restored"  # a tag goes back to the digest before, as canaries failed on what it bore
    SOLVED = "solved"  # a trouble is over; goes to whoever was told of the trouble
    TRIED_AGAIN = "tried-again"  # a destination that was broken is tried again
    GIVEN_UP = "given-up"  # notices that a destination did not take for a week are given up; the others are told
    TEST = "test"  # somebody tries a destination


class KindOfNotice(msgspec.Struct, frozen=True):
    """What holds of all notices of one kind.

    Attributes:
        name: such as ``approval-needed``.
        title: what it means, in a few words; what it is about follows.
        severity: how urgent it is.
        usually: when it goes, where no route says otherwise.
        is_trouble: whether it lasts: it is reminded of, and told when it is over.
    """

    name: str
    title: str
    severity: Severity
    usually: Usually = Usually.NOW
    is_trouble: bool = False


_TOLD = {
    Told.APPROVAL_NEEDED: ("Approval needed", Severity.ACTION, Usually.NOW),
    Told.APPROVAL_DECIDED: ("Approval decided", Severity.INFO, Usually.OFF),
    Told.PROMOTED: ("Promoted", Severity.INFO, Usually.DAILY),
    Told.OVERRIDE_ASKED: ("Override asked", Severity.ACTION, Usually.NOW),
    Told.OVERRIDE: ("Taken against its gate", Severity.WARNING, Usually.NOW),
    Told.ROLLED_BACK: ("Rolled back", Severity.WARNING, Usually.NOW),
    Told.PINNED: ("Pinned", Severity.INFO, Usually.NOW),
    Told.UNPINNED: ("Pinned no more", Severity.INFO, Usually.DAILY),
    Told.BLOCKED: ("Digest blocked", Severity.WARNING, Usually.NOW),
    Told.RELEASED: ("Digest released", Severity.INFO, Usually.DAILY),
    Told.HELD: ("Held", Severity.INFO, Usually.DAILY),
    Told.RESUMED: ("Resumed", Severity.INFO, Usually.DAILY),
    Told.WAIVER_ASKED: ("Waiver asked", Severity.ACTION, Usually.NOW),
    Told.WAIVER_GRANTED: ("Waiver granted", Severity.INFO, Usually.OFF),
    Told.CANARY_FAILED: ("Canary failed", Severity.WARNING, Usually.NOW),
    Told.WAVE_HELD: ("Wave held", Severity.ACTION, Usually.NOW),
    Told.RESTORED: ("Restored", Severity.WARNING, Usually.NOW),
    Told.SOLVED: ("Solved", Severity.INFO, Usually.NOW),
    Told.TRIED_AGAIN: ("This destination is tried again", Severity.INFO, Usually.NOW),
    Told.GIVEN_UP: ("Notices given up", Severity.WARNING, Usually.NOW),
    Told.TEST: ("Test", Severity.INFO, Usually.NOW),
}
_CRITICAL = frozenset(
    {
        TroubleKind.LIST_INVALID,
        TroubleKind.LIST_MISSING,
        TroubleKind.RECORDS_UNREADABLE,
        TroubleKind.BASE_TAG_MISSING,
        TroubleKind.BASE_TAG_OVERWRITTEN,
        TroubleKind.BASE_TAG_WITHDRAWN,
        TroubleKind.KNOWN_EXPLOITED,
    }
)
# What nobody can help within the hour, or is told by another kind before it lasts so long.
_DAILY = frozenset({TroubleKind.IN_FORCE_REJECTED, TroubleKind.NOT_CHECKED, TroubleKind.NOT_UPDATED})


def _of_trouble(kind: TroubleKind) -> KindOfNotice:
    severity = Severity.CRITICAL if kind in _CRITICAL else Severity.WARNING
    usually = Usually.DAILY if kind in _DAILY else Usually.NOW
    title = kind.value.replace("-", " ").capitalize()
    return KindOfNotice(kind.value, title, severity, usually, is_trouble=True)


KINDS: Mapping[str, KindOfNotice] = {
    **{told.value: KindOfNotice(told.value, *said) for told, said in _TOLD.items()},
    **{kind.value: _of_trouble(kind) for kind in TroubleKind},
}
"""Every kind, by its name."""


def kind_named(name: str) -> KindOfNotice:
    """Return a kind by its name; one that a newer version wrote is told at once."""
    return KINDS.get(name) or KindOfNotice(name, name.replace("-", " ").capitalize(), Severity.WARNING)
