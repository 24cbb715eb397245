"""Why a manifest or a tag stays, and why it goes: one named reason each."""

from __future__ import annotations

from enum import Enum


class Place(Enum):
    """Where something is kept."""

    STAGING = "staging"  # the staging registry
    BASE = "base"  # the base registry
    RUNS = "task-runs"  # names of runs in a registry with ACR Tasks


class Spared(Enum):
    """Why something stays. Of several reasons the first of these is told."""

    LOCKED = "locked"  # somebody else locked it, or a tag of it
    DECIDED = "decided"  # a tag is to bear it, or bears it
    PINNED = "pinned"  # a person pinned it
    HELD = "held"  # its entry is on hold: nothing of its tags goes
    UNDER_WAY = "under-way"  # a candidate, a scan or an import needs it now
    AWAITED = "awaited"  # its verdict, its scan or its people are waited for, or its source bears it
    STAGED = "staged"  # it passed later than what is in force, and may still be decided
    FORMER = "former"  # a tag bore it before, and may go back to it
    RECORDED = "recorded"  # a record of what travels with an image names it
    LATEST = "latest"  # of a tool, or of a tag's unique tags, it is one of the latest
    UNKNOWN = "unknown"  # of a kind, or of a time, that nobody here can tell
    YOUNG = "young"  # written too short a time ago
    TAGGED = "tagged"  # it has a tag that Tidegate did not make
    UNTAGGED = "untagged"  # nobody here put it there, and it may be used by its digest
    CHILD = "child"  # an index names it that stays
    REFERRER = "referrer"  # it refers to something that stays
    REFERRED = "referred"  # something refers to it that stays
    CHANGED = "changed"  # it was changed since it was listed; it is judged anew
    NAMED = "named"  # a record names the run
    OTHERS = "others"  # not a name that Tidegate gives


class Goes(Enum):
    """Why something goes."""

    ENDED = "ended"  # in staging, and its way ended long ago
    OLD_TOOL = "old-tool"  # a tool's digest that runs are not given any more
    OLD_UNIQUE = "old-unique-tag"  # a unique tag older than as many as are kept
    REPLACED = "replaced-record"  # a record of a decision that says what is not so any more
    LEFT = "left"  # in staging without a tag, and nothing names it
    ORPHANED = "orphaned"  # what it refers to is not there any more
    WITH_INDEX = "with-its-index"  # the index that named it goes
    WITH_SUBJECT = "with-its-subject"  # what it refers to goes
    RUN_ENDED = "run-ended"  # a run that ended long ago, and no record names
