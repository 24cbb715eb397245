"""Trivy's JSON report, schema version 2: https://github.com/aquasecurity/trivy/blob/main/pkg/types/report.go

Nearly every field is left out when it is empty, and some are null. What the scanner was told to suppress
(``ExperimentalModifiedFindings``) is read as findings: what is suppressed here says the policy, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import field

from shared.domain.policy.severity import Severity
from shared.domain.scan.findings import Finding
from shared.domain.scan.references import digest_of, repository_of
from shared.domain.scan.report import Coverage, LeftOut, NoAnswer, Report, Trouble

SCHEMA_VERSION = 2
_IMAGES = frozenset({"", "container_image"})
_SYSTEM, _LANGUAGES = "os-pkgs", "lang-pkgs"
# For these the advisories say that there is no fix; whatever else there is, known or not, may have one.
_UNFIXED = frozenset(
    {"not_affected", "affected", "under_investigation", "will_not_fix", "fix_deferred", "end_of_life"},
)
_SEVERITIES = {severity.name: severity for severity in Severity}


class _Identifier(msgspec.Struct, frozen=True, gc=False):
    purl: str = field(name="PURL", default="")


class _Vulnerability(msgspec.Struct, frozen=True, gc=False):
    id: str = field(name="VulnerabilityID")
    package: str = field(name="PkgName")
    installed: str | None = field(name="InstalledVersion", default=None)
    fixed: str | None = field(name="FixedVersion", default=None)
    status: str | None = field(name="Status", default=None)
    severity: str | None = field(name="Severity", default=None)
    path: str | None = field(name="PkgPath", default=None)
    identifier: _Identifier | None = field(name="PkgIdentifier", default=None)


class _Modified(msgspec.Struct, frozen=True):
    type: str = field(name="Type", default="")
    status: str = field(name="Status", default="")
    source: str = field(name="Source", default="")
    finding: msgspec.Raw = field(name="Finding", default_factory=msgspec.Raw)


class _Package(msgspec.Struct, frozen=True, gc=False):
    pass


class _Result(msgspec.Struct, frozen=True):
    target: str = field(name="Target", default="")
    of: str = field(name="Class", default="")
    type: str = field(name="Type", default="")
    packages: list[_Package] | None = field(name="Packages", default=None)
    vulnerabilities: list[_Vulnerability] | None = field(name="Vulnerabilities", default=None)
    modified: list[_Modified] | None = field(name="ExperimentalModifiedFindings", default=None)


class _System(msgspec.Struct, frozen=True):
    family: str = field(name="Family", default="")
    name: str = field(name="Name", default="")
    end_of_life: bool = field(name="EOSL", default=False)


class _ImageConfig(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""
    variant: str = ""


class _Metadata(msgspec.Struct, frozen=True):
    system: _System | None = field(name="OS", default=None)
    digests: list[str] | None = field(name="RepoDigests", default=None)
    reference: str = field(name="Reference", default="")
    config: _ImageConfig | None = field(name="ImageConfig", default=None)


class _Scanner(msgspec.Struct, frozen=True):
    version: str = field(name="Version", default="")


class Document(msgspec.Struct, frozen=True):
    """A report as it is written; every other field of it is passed over."""

    schema_version: int | None = field(name="SchemaVersion", default=None)
    scanner: _Scanner | None = field(name="Trivy", default=None)
    artifact: str = field(name="ArtifactName", default="")
    type: str = field(name="ArtifactType", default="")
    metadata: _Metadata | None = field(name="Metadata", default=None)
    results: list[_Result] | None = field(name="Results", default=None)


_DOCUMENT = msgspec.json.Decoder(Document)
_FINDING = msgspec.json.Decoder(_Vulnerability)


def decode(text: bytes) -> Document:
    """Decode a report.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError, RecursionError: it is none.
    """
    return _DOCUMENT.decode(text)


def read(document: Document) -> Report | NoAnswer:
    """Make a report of what Trivy wrote.

    Raises:
        msgspec.DecodeError: what it suppressed is of another shape than findings are.
    """
    if document.schema_version != SCHEMA_VERSION:
        return of_other_version(document.schema_version)
    results = document.results or []
    found = [finding for result in results for finding in _findings(result)]
    metadata = document.metadata or _Metadata()
    system = metadata.system or _System()
    named = [name for name in (document.artifact, metadata.reference, *(metadata.digests or ())) if name]
    config = metadata.config or _ImageConfig()
    about = About(
        version=document.scanner.version if document.scanner else "",
        artifact=document.artifact,
        type=document.type,
        named=tuple(named),
        platform=(config.os, config.architecture, config.variant),
        system=(system.family, system.name),
        end_of_life=system.end_of_life,
    )
    return report_of(about, _coverage(results, len(found)), found)


class About(msgspec.Struct, frozen=True):
    """What Trivy says of an image beside what it found, as it says it.

    Attributes:
        version: Trivy's own.
        artifact: what was scanned.
        type: what that is; empty for an image too.
        named: the references by which it knows the image.
        platform: operating system, architecture and variant.
        system: distribution and version.
        end_of_life: whether the distribution gets no security updates any more.
    """

    version: str
    artifact: str
    type: str
    named: tuple[str, ...]
    platform: tuple[str, str, str]
    system: tuple[str, str]
    end_of_life: bool


def report_of(
    about: About, coverage: Coverage, findings: Iterable[Finding], left_out: tuple[LeftOut, ...] = ()
) -> Report:
    """Make a report of what Trivy says.

    Args:
        about: of the image.
        coverage: what was looked at.
        findings: what was found.
        left_out: what else was found.
    """
    return Report(
        scanner=f"Trivy {about.version}".strip(),
        artifact=about.artifact,
        is_image=about.type in _IMAGES,
        digests=frozenset(digest for name in about.named if (digest := digest_of(name))),
        repositories=frozenset(repository for name in about.named if (repository := repository_of(name))),
        platform="/".join(part for part in about.platform if part),
        system=" ".join(about.system).strip(),
        end_of_life=about.end_of_life,
        coverage=coverage,
        findings=tuple(dict.fromkeys(findings)),
        left_out=left_out,
    )


def of_other_version(version: object) -> NoAnswer:
    """Return that a report is of a version that is not known here."""
    told = f"the report is of Trivy's schema version {version}; this one reads {SCHEMA_VERSION}"
    return NoAnswer(Trouble.UNREADABLE, told)


def is_fixable(fixed: str, status: str) -> bool:
    """Return whether there is a fix; so too where nobody says whether there is one."""
    return bool(fixed) or status not in _UNFIXED


def _coverage(results: Iterable[_Result], findings: int) -> Coverage:
    systems = [result for result in results if result.of == _SYSTEM]
    return Coverage(
        packages=sum(len(result.packages or ()) for result in results if result.of in {_SYSTEM, _LANGUAGES}),
        findings=findings,
        knows_systems=True,
        system=bool(systems),
        system_seen=any(result.packages or next(_findings(result), None) for result in systems),
    )


def _findings(result: _Result) -> Iterator[Finding]:
    place = "" if result.of == _SYSTEM else result.target
    for vulnerability in result.vulnerabilities or ():
        yield _finding(vulnerability, place, "")
    for modified in result.modified or ():
        if modified.type in {"", "vulnerability"}:
            suppressed = f"{modified.status} by {modified.source}" if modified.source else modified.status
            yield _finding(_FINDING.decode(modified.finding), place, suppressed)


def _finding(said: _Vulnerability, place: str, suppressed: str) -> Finding:
    return Finding(
        id=said.id,
        package=said.package,
        installed=said.installed or "",
        fixed=said.fixed or "",
        severity=_SEVERITIES.get(said.severity or ""),
        fixable=is_fixable(said.fixed or "", said.status or ""),
        purl=said.identifier.purl if said.identifier else "",
        place=said.path or place,
        suppressed=suppressed,
    )
