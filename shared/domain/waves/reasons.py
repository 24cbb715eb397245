"""Why a wave is where it is: every move of the judge has such a name."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """Why a wave is where it is, or moves on."""

    PLANNED = "planned"  # it has just been planned
    NOBODY = "nobody"  # nothing is to be rebuilt in it
    CANARIES_GO = "canaries-go"  # its canaries are rebuilt
    CANARIES_PASSED = "canaries-passed"  # those that could speak were built on it
    FAILURE_PASSED_OVER = "failure-passed-over"  # a canary failed, and its entry says to continue
    TOLD_TO_CONTINUE = "told-to-continue"  # a person said so
    OTHERS_GO = "others-go"  # the others are rebuilt
    ALL_BUILT = "all-built"  # everybody was built on it
    SOME_NOT_BUILT = "some-not-built"  # nothing is left to do, and somebody was not built on it
    FOUND_LATER = "found-later"  # somebody was found to be built on it after its end

    # Held: a person decides.
    NO_CANARY = "no-canary"  # nobody that its entry names as a canary is built on it
    ALL_EXCLUDED = "all-excluded"  # no canary can speak: all were failing before, or may not be run
    INCONCLUSIVE = "inconclusive"  # no run of a canary said anything about the base
    CANARY_FAILED = "canary-failed"  # a canary failed on it, and its entry says to hold
    CONTROL_FAILED = "control-failed"  # it went back, and what failed before failed again: the base may be innocent
    # Held, though its entry says to go back.
    FIXES_EXPLOITED = "fixes-exploited"  # what is known to be exploited is mended in the new base
    FORMER_HAS_FINDINGS = "former-has-findings"  # the digest before, scanned again, has what blocks
    NOT_SCANNED = "not-scanned"  # it is not known what the digest before has
    SAID_BY_PERSON = "said-by-person"  # a person chose the digest, or holds the entry
    NO_FORMER = "no-former"  # nobody knows a digest before
    FORMER_REFUSED = "former-refused"  # the digest before is blocked, or its canaries failed
    FORMER_GONE = "former-gone"  # no registry has the digest before any more
    FORMER_UNVERIFIED = "former-unverified"  # the digest before was put there by others, or adopted: nothing tested it
    TOLD_FROM_OUTSIDE = "told-from-outside"  # that it failed was only told by whoever builds elsewhere, and not seen
    RESTORED_BEFORE = "restored-before"  # the tag went back from this very digest once
    RESTORED_TODAY = "restored-today"  # the tag went back from another digest within a day

    GOES_BACK = "goes-back"  # a canary failed, and nothing speaks against going back
    TOLD_TO_RESTORE = "told-to-restore"  # a person said so
    WENT_BACK = "went-back"  # the tag was decided to be the digest before
    MOVED_ON = "moved-on"  # its tag was decided on anew
    LET_GO = "let-go"  # its tag has left the watch list
    TOLD_TO_CANCEL = "told-to-cancel"  # a person said so
    NOBODY_SAID_ANYTHING = "nobody-said-anything"  # it was held, and no person decided in time


# Of all reasons to hold the tables of the documentation and the pages are made.
HOLDS = frozenset(
    {
        Reason.NO_CANARY,
        Reason.ALL_EXCLUDED,
        Reason.INCONCLUSIVE,
        Reason.CANARY_FAILED,
        Reason.CONTROL_FAILED,
        Reason.FIXES_EXPLOITED,
        Reason.FORMER_HAS_FINDINGS,
        Reason.NOT_SCANNED,
        Reason.SAID_BY_PERSON,
        Reason.NO_FORMER,
        Reason.FORMER_REFUSED,
        Reason.FORMER_GONE,
        Reason.FORMER_UNVERIFIED,
        Reason.TOLD_FROM_OUTSIDE,
        Reason.RESTORED_BEFORE,
        Reason.RESTORED_TODAY,
    }
)
