"""Where a candidate is on its way, and why its record last changed."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """Where a candidate is on its way."""

    DETECTED = "detected"  # noticed upstream; nothing copied yet
    IMPORTING = "importing"  # the copy into the staging registry is under way
    STAGED = "staged"  # in the staging registry, under the digest that was seen; not yet trusted
    VALIDATING = "validating"  # its gate's run is under way
    CANCELLING = "cancelling"  # no tag wants it any more; its gate's run is about to be asked to end
    PROMOTING = "promoting"  # passed, and proposed to its targets, which decide
    HELD = "held"  # passed its test; a target that wants it waits for its scan, or for an answer of it
    PROMOTED = "promoted"  # its targets have decided, and one of them at least came to bear it; the end
    REJECTED = "rejected"  # its gate said no, or its scan for all that want it; the base registry never saw it; the end
    OBSERVED = "observed"  # it would have been promoted, and an entry of it is only observed; the end
    SUPERSEDED = "superseded"  # newer digests took its place everywhere before it was promoted; the end
    MIRRORED = "mirrored"  # a tool: read back from the staging registry, where runs are given it; the end
    FAILED = "failed"  # could not be decided, for a reason that is not the image's; the end


class Reason(Enum):
    """Why a candidate's record last changed: stored, logged and shown."""

    FIRST_IMPORT = "first-import"  # the tag had never been seen
    TAG_MOVED = "tag-moved"  # the upstream tag points at another digest than before
    VERDICT_KNOWN = "verdict-known"  # an earlier version's record of its first tag had its verdict already
    CONTINUED = "continued"  # an earlier version's record: it goes on as the candidate of its digest
    SEEN_AGAIN = "seen-again"  # a digest whose way had ended is wanted once more
    DEFERRED = "deferred"  # an upstream or Azure asked it to wait; it goes on afterwards, and no failure is counted
    IMPORT_DEFERRED = "import-deferred"  # the same for a copy that was begun: it is asked for again afterwards
    IMPORT_STARTED = "import-started"  # the staging registry was asked to copy it
    IMPORT_VERIFIED = "import-verified"  # read back from the staging registry under the expected digest
    IMPORT_LOST = "import-lost"  # the copy ended or vanished without the digest being there; it is repeated
    IMPORT_UNEXPLAINED = "import-unexplained"  # the copy failed with words nobody knows; it is repeated a few times
    IMPORT_NOT_PERMITTED = "import-not-permitted"  # the app lacks a role for the copy; asked again for 15 minutes
    TOOL_MIRRORED = "tool-mirrored"  # a tool is in the staging registry, and needs no test: nobody promotes it
    GATE_STARTED = "gate-started"  # the gate's run was scheduled
    NO_GATE = "no-gate"  # the watch list asks for no functional test
    GATE_PASSED = "gate-passed"  # the gate's test said its last word and exited with 0
    GATE_REJECTED = "gate-rejected"  # the gate's test had begun, and ended otherwise
    GATE_UNDECIDED = "gate-undecided"  # the run ended without the test having said anything; it is repeated
    GATE_OBSERVED = "gate-observed"  # it did not pass a test that a tag only observes; each of its tags judges that
    GATE_DIFFERS = "gate-differs"  # the same gate decided otherwise on the same digest before; the later verdict holds
    AGENT_AWAITED = "agent-awaited"  # no agent of ACR Tasks has taken its run for ten minutes; told once, and it waits
    NO_AGENT = "no-agent"  # its run's time was over before any step began; run again, and no attempt is counted
    RUN_REPEATED = "run-repeated"  # a run without a name was asked for again; it may run twice, which does no harm
    STRANGE_RUN = "strange-run"  # a run that this app did not ask for bears the run's name; the next name is taken
    RUN_UNWANTED = "run-unwanted"  # all tags that wanted it moved on while its gate's run was under way
    PROMOTION_STARTED = "promotion-started"  # proposed to its targets, which have it copied if nothing newer passed
    SCAN_AWAITED = "scan-awaited"  # it passed its test, and its scan, or that of the base in use, has no answer yet
    SCAN_HELD = "scan-held"  # it passed its test, and what its scan says is no answer; the scan is made again
    SCAN_REJECTED = "scan-rejected"  # it passed its test, and its scan speaks against it for every tag that wants it
    SIGNATURE_HELD = "signature-held"  # it passed its test, and whether it is rightly signed is not known yet
    SIGNATURE_REJECTED = "signature-rejected"  # it passed its test, and is not signed as all that want it ask
    REJECTED_BY_PEOPLE = "rejected-by-people"  # it passed, and somebody who may agree refused it; no failure
    SOAKING = "soaking"  # it passed, and has not been seen for as long as a policy asks
    FROZEN = "frozen"  # it passed, and nothing is promoted at this time
    AWAITING_APPROVAL = "awaiting-approval"  # it passed, and people have to agree
    COMPANIONS_AWAITED = "companions-awaited"  # it passed, and what must be beside it in the base registry is not there
    LOCKED_BY_OTHERS = "locked-by-others"  # it passed, and somebody locked its tag in the base registry
    OBSERVED = "observed"  # it would be promoted now, and its entry is only observed
    DECIDED_AGAIN = "decided-again"  # another policy or exception lets through what was refused, or observed
    PROMOTION_VERIFIED = "promotion-verified"  # read back from the base registry under the tested digest
    IN_FORCE_AGAIN = "in-force-again"  # a target came to it, or went back to it, without another test
    NEWER_DIGEST = "newer-digest"  # all tags that wanted it moved on
    LEFT_THE_LIST = "left-the-list"  # a tag that wanted it left the watch list, and no other wants it
    OVERRULED = "overruled"  # it passed, and its target is held, pinned or rolled back, or it is blocked
    REPLICA_LAGS = "replica-lags"  # the copy ended, another digest was read back; looked at again for 5 minutes
    STAGING_LAGS = "staging-lags"  # staging denies having what was read back there; asked again for 15 minutes
    ROLE_AWAITED = "role-awaited"  # the app lacks a role for this step; tried again for 15 minutes
    TROUBLE = "trouble"  # a step did not succeed and is tried again
    STILL_FAILING = "still-failing"  # what had failed was tried again, a day later, and failed again
    GAVE_UP = "gave-up"  # a step did not succeed as often as it is tried
    REFUSED = "refused"  # another system will not do it, and trying again would not help

    @classmethod
    def _missing_(cls, value: object) -> Reason | None:
        """Histories written before targets decided tell of waiting: it was the way to the base registry, too."""
        return cls.PROMOTION_STARTED if value == "waits-for-earlier" else None
