"""A verdict with everything that led to it: a value that says of each finding what decided about it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import msgspec
from msgspec import Meta


class Outcome(Enum):
    """What becomes of a candidate."""

    PASS = "pass"  # noqa: S105  nothing that the policy enforces is against it
    REJECT = "reject"  # something that the policy enforces is against it
    HOLD = "hold"  # there is no answer: ask again


class Reason(Enum):
    """Why an outcome is what it is, and what else has to be told of it."""

    BLOCKING_FINDINGS = "blocking-findings"  # vulnerabilities as severe as the policy blocks, or worse
    KNOWN_EXPLOITED = "known-exploited"  # vulnerabilities that are known to be exploited
    END_OF_LIFE = "end-of-life"  # the distribution gets no security updates any more
    NO_REPORT = "no-report"  # what was read is no report of a scan
    REPORT_CUT_OFF = "report-cut-off"  # the report ends before its end
    REPORT_UNREADABLE = "report-unreadable"  # the report is of a version or a shape that is not known
    REPORT_TOO_LONG = "report-too-long"  # another scanner's report is longer than the log of its run may be
    SCANNER_FAILED = "scanner-failed"  # the scanner says that it could not scan, or wrote nothing
    SCANNER_PANICKED = "scanner-panicked"  # the scanner broke off with a panic
    REPORT_OF_ANOTHER_IMAGE = "report-of-another-image"  # the report is not about this digest and platform
    DATABASE_TOO_OLD = "database-too-old"  # the scanner's database is older than the policy allows
    DATABASE_UNKNOWN = "database-unknown"  # the scanner had no database, or nobody can tell how old it is
    NO_PACKAGES = "no-packages"  # nothing shows that packages, or those of the distribution, were looked at
    UNSUPPORTED_SYSTEM = "unsupported-system"  # no distribution was recognised whose packages the scanner can read
    FINDINGS_LEFT_OUT = "findings-left-out"  # more was found than the run could tell, and it may block
    SEVERITY_NOT_SAID = "severity-not-said"  # the report does not say how severe a vulnerability is
    BASE_REPORT_UNUSABLE = "base-report-unusable"  # what the base already has is not known, and would decide
    SCAN_OFF = "scan-off"  # the policy wants no scan
    NOT_JUDGED = "not-judged"  # another check of the policy, about which this verdict says nothing
    DATABASE_AGE_NOT_JUDGED = "database-age-not-judged"  # nobody said how old the scanner's database is
    KNOWN_EXPLOITED_NOT_JUDGED = "known-exploited-not-judged"  # there is no list of what is known to be exploited
    KNOWN_EXPLOITED_OLD = "known-exploited-old"  # that list is more than fourteen days old
    PACKAGES_NOT_LISTED = "packages-not-listed"  # findings show that something was looked at, but not all that was
    WAIVER_ENDED = "waiver-ended"  # a waiver covered what blocks now
    WAIVER_UNUSED = "waiver-unused"  # a waiver is about what the report does not have
    VEX_UNUSED = "vex-unused"  # a VEX statement is about a vulnerability that is here, in a product that is not


class Effect(Enum):
    """What a reason does to the outcome."""

    REJECTS = "rejects"  # alone it rejects
    HOLDS = "holds"  # alone it holds
    OBSERVED = "observed"  # it would reject or hold, and the policy only observes it
    TOLD = "told"  # nothing


class Change(Enum):
    """How a finding compares with the base in use."""

    NEW = "new"  # the base does not have it, or there is no base to compare with
    UNCHANGED = "unchanged"  # the base has the same id in the same package
    FIXED = "fixed"  # the base has it, and the image does not any more


class Decided(Enum):
    """What decided about a finding."""

    SEVERITY = "severity"  # blocks: as severe as the policy blocks, or worse
    KNOWN_EXPLOITED = "known-exploited"  # blocks: known to be exploited
    SEVERITY_NOT_SAID = "severity-not-said"  # holds: the report does not say how severe it is
    BELOW_THRESHOLD = "below-threshold"  # less severe than the policy blocks
    NOT_FIXABLE = "not-fixable"  # there is no fix, and the policy blocks only what has one
    UNCHANGED = "unchanged"  # the base has it too, and the policy blocks only what is new
    VEX = "vex"  # a VEX statement says that it does not matter here
    WAIVED = "waived"  # somebody waived it
    GONE = "gone"  # only the base has it


class Said(msgspec.Struct, frozen=True):
    """A reason, for people."""

    reason: Annotated[Reason, Meta(description="Its name.")]
    effect: Annotated[Effect, Meta(description="What it does to the outcome.")]
    text: Annotated[str, Meta(description="What happened and what to do about it, in a sentence.")]


class Judged(msgspec.Struct, frozen=True, gc=False):
    """A finding, and what decided about it."""

    id: Annotated[str, Meta(description="Of the vulnerability: CVE, GHSA or another database's.")]
    package: Annotated[str, Meta(description="The package's name, as the scanner reports it.")]
    installed: Annotated[str | None, Meta(description="Its version; null if the report does not say it.")]
    fixed: Annotated[str | None, Meta(description="The version with the fix; null if the report names none.")]
    severity: Annotated[str | None, Meta(description="As reported, in capitals; null if the report says none.")]
    change: Annotated[Change, Meta(description="How it compares with the base in use.")]
    decided: Annotated[Decided, Meta(description="What decided about it.")]
    blocks: Annotated[bool, Meta(description="Whether it speaks against the image.")]
    place: Annotated[str | None, Meta(description="The file, or the kind of packages, in which it was found.")] = None
    detail: Annotated[str | None, Meta(description="Whose word decided, where somebody's did.")] = None


class InForce(msgspec.Struct, frozen=True):
    """The policy by which it was decided."""

    name: Annotated[str, Meta(description="Its name.")]
    sha256: Annotated[str, Meta(description="Hash of its content, in hexadecimal.")]


class Scanned(msgspec.Struct, frozen=True):
    """What the report says of itself."""

    scanner: Annotated[str, Meta(description="Name and version.")]
    artifact: Annotated[str, Meta(description="What was scanned, in the scanner's words.")]
    digests: Annotated[tuple[str, ...], Meta(description="The digests under which the scanner knows the image.")]
    platform: Annotated[str | None, Meta(description="Of the image; null if the report does not say it.")]
    system: Annotated[str | None, Meta(description="Distribution and version; null if the report says none.")]
    packages: Annotated[int, Meta(description="How many packages it lists.")]


class Decision(msgspec.Struct, frozen=True):
    """A verdict over a scan, with its reasons and all findings."""

    outcome: Annotated[Outcome, Meta(description="What becomes of the image as far as the scan goes.")]
    reasons: Annotated[tuple[Reason, ...], Meta(description="The names of all reasons, each once.")]
    findings: Annotated[tuple[Judged, ...], Meta(description="Every finding, what blocks first.")]
    said: Annotated[tuple[Said, ...], Meta(description="The reasons, for people.")]
    policy: Annotated[InForce, Meta(description="The policy in force.")]
    at: Annotated[datetime, Meta(description="The time that it was decided for.")]
    report: Annotated[Scanned | None, Meta(description="What the report says of itself; null if there is none.")]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a decision."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Decision)}
