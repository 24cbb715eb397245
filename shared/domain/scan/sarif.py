"""SARIF 2.1.0 of any scanner: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html

SARIF has no words for packages. Severity is ``security-severity``, as GitHub reads it
(https://docs.github.com/code-security/reference/code-scanning/sarif-support); the package comes from the message or the
rule's id, where Trivy and Grype write it. Whether there is a fix nobody says, so there may be one. What a scanner
suppressed is a finding all the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

import msgspec
from msgspec import field

from shared.domain.policy.severity import Severity
from shared.domain.scan.findings import Finding
from shared.domain.scan.references import digest_of, repository_of
from shared.domain.scan.report import Coverage, NoAnswer, Report, Trouble

VERSION = "2.1.0"
# From which score on, the worst first.
_SCORES = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
_WORDS = {severity.name: severity for severity in Severity}
_NO_FINDINGS = frozenset({"pass", "notApplicable"})
_ID = re.compile(r"(?P<id>CVE-\d{4}-\d{4,}|GHSA(?:-[0-9a-z]{4}){3})(?:-(?P<package>.+))?", re.DOTALL)
_TRIVYS = re.compile(r"Package: (?P<package>[^\n]+)\nInstalled Version: (?P<installed>[^\n]*)(?:\n|\Z)")
_TRIVYS_WORD = re.compile(r"[^\n]*\n[^\n]*\nVulnerability [^\n]*\nSeverity: (?P<severity>[A-Z]+)\n")
_GRYPES = re.compile(r"package: (?P<package>[^\s,]+), version (?P<installed>\S+) was found")


class _Text(msgspec.Struct, frozen=True, gc=False):
    text: str | None = None


class _Location(msgspec.Struct, frozen=True, gc=False):
    uri: str | None = None


class _Physical(msgspec.Struct, frozen=True, gc=False):
    artifact: _Location | None = field(name="artifactLocation", default=None)


class _Place(msgspec.Struct, frozen=True, gc=False):
    physical: _Physical | None = field(name="physicalLocation", default=None)


class _Properties(msgspec.Struct, frozen=True, gc=False):
    score: str | float | None = field(name="security-severity", default=None)


class _Rule(msgspec.Struct, frozen=True, gc=False):
    id: str
    properties: _Properties | None = None


class _RuleReference(msgspec.Struct, frozen=True, gc=False):
    id: str | None = None
    index: int | None = None


class _Result(msgspec.Struct, frozen=True, gc=False):
    rule_id: str | None = field(name="ruleId", default=None)
    rule_index: int | None = field(name="ruleIndex", default=None)
    rule: _RuleReference | None = None
    kind: str = "fail"
    state: str | None = field(name="baselineState", default=None)
    message: _Text | None = None
    places: list[_Place] | None = field(name="locations", default=None)
    properties: _Properties | None = None
    suppressions: list[msgspec.Raw] | None = None


class _Driver(msgspec.Struct, frozen=True):
    name: str
    version: str | None = None
    rules: list[_Rule] | None = None


class _Tool(msgspec.Struct, frozen=True):
    driver: _Driver


class _Invocation(msgspec.Struct, frozen=True):
    successful: bool = field(name="executionSuccessful", default=True)


class _Image(msgspec.Struct, frozen=True):
    name: str | None = field(name="imageName", default=None)
    digests: list[str] | None = field(name="repoDigests", default=None)


class _Run(msgspec.Struct, frozen=True):
    tool: _Tool
    results: list[_Result] | None = None
    invocations: list[_Invocation] | None = None
    properties: _Image | None = None


class Document(msgspec.Struct, frozen=True):
    """A report as it is written; every other field of it is passed over."""

    version: str
    runs: list[_Run] | None


_DOCUMENT = msgspec.json.Decoder(Document)


def decode(text: bytes) -> Document:
    """Decode a report.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is none.
    """
    return _DOCUMENT.decode(text)


def read(document: Document) -> Report | NoAnswer:
    """Make a report of what a scanner wrote as SARIF."""
    runs = document.runs or []
    if document.version != VERSION:
        return NoAnswer(Trouble.UNREADABLE, f"the report is of SARIF {document.version!r}; this one reads {VERSION}")
    if any(not each.successful for run in runs for each in run.invocations or ()):
        return NoAnswer(Trouble.SCANNER_FAILED, "the report says that the scanner's execution was not successful")
    if not runs or any(run.results is None for run in runs):
        return NoAnswer(Trouble.SCANNER_FAILED, "a run of the report has no results, not even none: it scanned nothing")
    found = [finding for run in runs for finding in _findings(run)]
    images = [run.properties for run in runs if run.properties is not None]
    named = [name for image in images for name in (image.name, *(image.digests or ())) if name]
    return Report(
        scanner=", ".join(_scanner(run.tool.driver) for run in runs),
        artifact=next((image.name for image in images if image.name), ""),
        is_image=True,
        digests=frozenset(digest for name in named if (digest := digest_of(name))),
        repositories=frozenset(repository_of(name) for name in named),
        platform="",
        system="",
        end_of_life=False,
        coverage=Coverage(packages=0, findings=len(found), knows_systems=False),
        findings=tuple(dict.fromkeys(found)),
    )


def _scanner(driver: _Driver) -> str:
    return f"{driver.name} {driver.version or ''}".strip()


def _findings(run: _Run) -> Iterator[Finding]:
    rules = run.tool.driver.rules or []
    by_id = {rule.id: rule for rule in rules}
    for result in run.results or ():
        if result.kind in _NO_FINDINGS or result.state == "absent":
            continue
        yield _finding(result, _rule_of(result, rules, by_id))


def _rule_of(result: _Result, rules: list[_Rule], by_id: dict[str, _Rule]) -> _Rule:
    """Return a result's rule. Some scanners give an index that is another rule's; an id says more."""
    reference = result.rule or _RuleReference()
    name = result.rule_id or reference.id
    index = result.rule_index if result.rule_index is not None else reference.index
    if name is not None:
        return by_id.get(name) or _Rule(name)
    if index is not None and 0 <= index < len(rules):
        return rules[index]
    return _Rule("")


def _finding(result: _Result, rule: _Rule) -> Finding:
    identifier, named = _named(rule.id)
    text = (result.message.text if result.message else None) or ""
    said = _TRIVYS.match(text) or _GRYPES.search(text)
    place = _place(result.places or ())
    return Finding(
        id=identifier,
        package=said["package"] if said else named or place,
        installed=said["installed"] if said else "",
        severity=_worse(_severity(result, rule), text),
        place=place,
        suppressed="by the scanner" if result.suppressions else "",
    )


@lru_cache(maxsize=4096)
def _named(rule: str) -> tuple[str, str]:
    """Return the vulnerability's id, and the package that Grype writes behind it."""
    found = _ID.fullmatch(rule)
    return (found["id"], found["package"] or "") if found else (rule, "")


def _place(places: Iterable[_Place]) -> str:
    uris = (each.physical.artifact.uri for each in places if each.physical and each.physical.artifact)
    return next((uri for uri in uris if uri), "")


def _severity(result: _Result, rule: _Rule) -> Severity | None:
    said = [each.score for each in (result.properties, rule.properties) if each is not None and each.score is not None]
    return _of_score(said[0]) if said else None


def _worse(scored: Severity | None, text: str) -> Severity | None:
    """Return the worse of a score and the word in Trivy's message: its rules have the score of their last result."""
    said = _TRIVYS_WORD.match(text)
    word = _WORDS.get(said["severity"]) if said else None
    return scored if scored is None or word is None else max(scored, word, key=lambda each: each.rank)


def _of_score(said: str | float) -> Severity | None:
    try:
        score = float(said)
    except ValueError:
        return None
    if not math.isfinite(score) or not 0 <= score <= 10:
        return None
    return next((severity for least, severity in _SCORES if score >= least), Severity.UNKNOWN)
