"""A scan's report, whichever scanner wrote it, and why there may be none."""

from __future__ import annotations

from enum import Enum

import msgspec

from shared.domain.policy.severity import Severity
from shared.domain.scan.findings import Finding


class Trouble(Enum):
    """Why a report says nothing."""

    NO_REPORT = "no-report"  # what was read is no report of a scan at all
    CUT_OFF = "report-cut-off"  # it ends before its end
    UNREADABLE = "report-unreadable"  # it is of a version or a shape that nobody here knows
    TOO_LONG = "report-too-long"  # another scanner's report is longer than the log of its run may be
    SCANNER_FAILED = "scanner-failed"  # the scanner says that it could not scan, or wrote nothing
    SCANNER_PANICKED = "scanner-panicked"  # the scanner broke off with a panic


class NoAnswer(msgspec.Struct, frozen=True):
    """What was read is no answer.

    Attributes:
        trouble: why.
        detail: for people.
    """

    trouble: Trouble
    detail: str


class Coverage(msgspec.Struct, frozen=True):
    """What a report shows that was looked at.

    Attributes:
        packages: how many packages it lists.
        findings: how many vulnerabilities, before any is left out.
        knows_systems: whether reports of its kind say which distribution was recognised.
        system: whether the packages of a distribution were looked for.
        system_seen: whether any of them is listed or has a finding.
    """

    packages: int
    findings: int
    knows_systems: bool
    system: bool = False
    system_seen: bool = False


class LeftOut(msgspec.Struct, frozen=True):
    """Findings that there was no room for.

    Attributes:
        severity: of all of them; ``None`` if it is none that we know.
        fixable: whether there is a fix, as in a finding.
        count: how many.
    """

    severity: Severity | None
    fixable: bool
    count: int


class Report(msgspec.Struct, frozen=True):
    """What a scanner says of an image.

    Attributes:
        scanner: name and version.
        artifact: what it scanned, in its own words.
        is_image: whether that is a container image.
        digests: the digests under which it knows the image.
        repositories: the repositories that it knows it by, without tag and digest.
        platform: such as ``linux/amd64``; empty if it does not say.
        system: distribution and version; empty if it does not say.
        end_of_life: whether the distribution gets no security updates any more.
        coverage: what was looked at.
        findings: without those that are the same in everything.
        left_out: what else was found, and is not among the findings.
    """

    scanner: str
    artifact: str
    is_image: bool
    digests: frozenset[str]
    repositories: frozenset[str]
    platform: str
    system: str
    end_of_life: bool
    coverage: Coverage
    findings: tuple[Finding, ...]
    left_out: tuple[LeftOut, ...] = ()


class Subject(msgspec.Struct, frozen=True):
    """Which image a report has to be about.

    Attributes:
        digest: of its manifest or index; empty if any will do.
        platform: such as ``linux/arm64/v8``; empty if any will do.
    """

    digest: str = ""
    platform: str = ""


def another_image(report: Report, subject: Subject) -> str:
    """Return why a report is not about an image, for people; empty if it is about it."""
    if not report.is_image:
        return f"the report is about {report.artifact!r}, which is no container image"
    if subject.digest and report.digests != {subject.digest}:
        named = " and ".join(sorted(report.digests)) or "no digest"
        return f"the report names {named}, and not {subject.digest}"
    if subject.platform and normal(report.platform) != normal(subject.platform):
        return f"the report is of {report.platform or 'no platform that it names'}, and not of {subject.platform}"
    return ""


_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "i386": "386"}
_SAME_AS_NONE = {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}


def normal(platform: str) -> str:
    """Return a platform as containerd spells it, so that those that mean one are equal."""
    system, _, rest = platform.lower().partition("/")
    machine, _, variant = rest.partition("/")
    machine = _MACHINES.get(machine, machine)
    if (machine, variant) in _SAME_AS_NONE:
        variant = ""
    if machine == "arm":
        variant = f"v{variant.removeprefix('v') or '7'}"
    return "/".join(part for part in (system, machine, variant) if part)
