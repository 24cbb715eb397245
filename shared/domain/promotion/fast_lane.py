"""Whether a digest mends something urgent of the base in use: pure, by what scanner and lists of packages say of both.

Versions are compared by nobody here: distributions and languages each order theirs in a way of their own. It is the
scanner that says that an installed version is at or above the one that mends a finding, by not reporting it any more
by the very same database. That the package is still there, in another version, its list of packages says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from shared.domain.policy.severity import Severity
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import NoAnswer, Report

# Nothing goes first that was seen for less: what is bad about an image is often known within hours.
LEAST_AGE = timedelta(hours=4)

Reports = Mapping[str, Report | NoAnswer]
Listed = Mapping[str, Collection[str]]


def mended(base: Reports, candidate: Reports, listed: Listed, exploited: Collection[str]) -> str:
    """Return the first urgent finding of the base in use that a candidate mends, for people; empty if there is none.

    Args:
        base: reports of the base in use, by platform.
        candidate: those of the candidate, by the same database.
        listed: the URLs of the packages of the candidate, by platform; without them nothing is known to be there.
        exploited: ids of what is known to be exploited, in small letters.
    """
    found = [_mended_on(name, base.get(name), report, listed, exploited) for name, report in candidate.items()]
    # What is mended on one platform, and cannot be told of another, is not mended.
    told = [one for one in found if one is not None]
    return next((text for one in told for text in one), "") if len(told) == len(found) else ""


def _mended_on(
    platform: str,
    base: Report | NoAnswer | None,
    candidate: Report | NoAnswer,
    listed: Listed,
    exploited: Collection[str],
) -> list[str] | None:
    """Return what is mended on a platform; ``None`` if something of it cannot be told."""
    if not isinstance(base, Report) or not isinstance(candidate, Report) or platform not in listed:
        return None
    if candidate.left_out:
        return None  # what there was no room for may be what is looked for
    left = {finding.key for finding in candidate.findings}
    there = dict(map(_parts, listed[platform]))
    urgent = (one for one in base.findings if _is_urgent(one, exploited) and one.fixed and one.purl)
    return [_told(one) for one in urgent if one.key not in left and _is_newer(one, there)]


def _is_urgent(finding: Finding, exploited: Collection[str]) -> bool:
    return finding.severity is Severity.CRITICAL or finding.id.lower() in exploited


def _is_newer(finding: Finding, there: Mapping[str, str]) -> bool:
    """Whether a package is still there, in another version than the one that had the finding."""
    package, version = _parts(finding.purl)
    return there.get(package, version) != version


def _parts(purl: str) -> tuple[str, str]:
    """Return a package's URL without version and qualifiers, and its version."""
    plain = purl.partition("#")[0].partition("?")[0]
    package, at, version = plain.rpartition("@")
    return (package, version) if at and "/" not in version else (plain, "")


def _told(finding: Finding) -> str:
    return f"{finding.id} in {finding.package} {finding.installed}, mended in {finding.fixed}"
