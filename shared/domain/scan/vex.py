"""OpenVEX documents, https://github.com/openvex/spec: which vulnerabilities do not matter in which product.

Statements without a version of a product are about all its versions, as the specification and Trivy have it. Of
several statements about one product the latest counts; of two of one time the less favourable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum

import msgspec
from msgspec import field

from shared.domain.scan.findings import Finding
from shared.domain.scan.purl import Named, Purl, parse_purl
from shared.domain.scan.report import Report
from shared.errors import MalformedInput

_CONTEXT = "https://openvex.dev/ns"
_SETTLED = frozenset({"not_affected", "fixed"})
_STATUSES = _SETTLED | {"affected", "under_investigation"}
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class _Identifiers(msgspec.Struct, frozen=True):
    purl: str = ""


class _Component(msgspec.Struct, frozen=True):
    id: str = field(name="@id", default="")
    identifiers: _Identifiers | None = None


class _Product(_Component, frozen=True):
    subcomponents: list[_Component | str] | None = None


class _Vulnerability(msgspec.Struct, frozen=True):
    id: str = field(name="@id", default="")
    name: str = ""
    aliases: list[str] | None = None


class _Statement(msgspec.Struct, frozen=True):
    vulnerability: _Vulnerability | str
    status: str
    products: list[_Product | str] | None = None
    subcomponents: list[_Component | str] | None = None
    justification: str | None = None
    impact: str | None = field(name="impact_statement", default=None)
    timestamp: datetime | None = None


class _Document(msgspec.Struct, frozen=True):
    context: str = field(name="@context")
    statements: list[_Statement]
    id: str = field(name="@id", default="")
    timestamp: datetime | None = None
    updated: datetime | None = field(name="last_updated", default=None)


_DOCUMENT = msgspec.json.Decoder(_Document)


class Statement(msgspec.Struct, frozen=True):
    """What a document says of one vulnerability in one product.

    Attributes:
        document: its id.
        vulnerability: id or alias, in small letters.
        status: as OpenVEX has it.
        justification: why, in its words.
        at: since when.
        product: the package, or the image that it is in; ``None`` if no package URL says which.
        component: the package in that image; ``None`` for the product itself, or for whatever is in it.
    """

    document: str
    vulnerability: str
    status: str
    justification: str
    at: datetime
    product: Purl | None
    component: Purl | None

    @property
    def settled(self) -> bool:
        """Whether the vulnerability does not matter there."""
        return self.status in _SETTLED

    @property
    def told(self) -> str:
        """What it says, for people."""
        why = f": {self.justification}" if self.justification else ""
        return f"{self.status} says {self.document or 'a VEX document without an id'}{why}"


def read_vex(text: bytes) -> tuple[Statement, ...]:
    """Read a document.

    Raises:
        MalformedInput: it is no OpenVEX document.
    """
    try:
        document = _DOCUMENT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"it is no OpenVEX document: {error}") from error
    if not document.context.startswith(_CONTEXT):
        raise MalformedInput(f"it is no OpenVEX document: its @context is {document.context!r}")
    for index, statement in enumerate(document.statements):
        if statement.status not in _STATUSES:
            raise MalformedInput(f"statements[{index}].status: OpenVEX has no status {statement.status!r}")
    return tuple(each for written in document.statements for each in _statements(document, written))


def _statements(document: _Document, written: _Statement) -> Iterator[Statement]:
    at = written.timestamp or document.updated or document.timestamp or _EARLIEST
    for name in _names(written.vulnerability):
        for product, component in _products(written):
            yield Statement(
                document=document.id,
                vulnerability=name,
                status=written.status,
                justification=written.justification or written.impact or "",
                at=at if at.tzinfo else at.replace(tzinfo=UTC),
                product=product,
                component=component,
            )


def _names(vulnerability: _Vulnerability | str) -> set[str]:
    if isinstance(vulnerability, str):
        return {vulnerability.casefold()}
    names = (vulnerability.id, vulnerability.name, *(vulnerability.aliases or ()))
    return {name.casefold() for name in names if name}


def _products(written: _Statement) -> Iterator[tuple[Purl | None, Purl | None]]:
    for each in written.products or [""]:
        within = (None if isinstance(each, str) else each.subcomponents) or written.subcomponents or []
        # A component that nobody can read is about nothing; it does not make the statement one about the whole product.
        components: list[Purl | None] = [purl for one in within for purl in _purls(one)] if within else [None]
        products: list[Purl | None] = [*_purls(each)] if components else []
        yield from ((product, component) for product in products or (None,) for component in components or (None,))


def _purls(component: _Component | str) -> list[Purl]:
    if isinstance(component, str):
        texts = {component}
    else:
        texts = {component.id, component.identifiers.purl if component.identifiers else ""}
    return [purl for text in sorted(texts) if (purl := parse_purl(text)) is not None]


class _Whole(Enum):
    """A statement may be about whatever is in an image."""

    IMAGE = "image"


_WHOLE_IMAGE = _Whole.IMAGE


class Vex:
    """All statements, for one image.

    Args:
        statements: of all documents, in any order.
        report: of the image, which says by which names it is known.
    """

    def __init__(self, statements: Iterable[Statement], report: Report) -> None:
        self._images = _images(report)
        self._by_vulnerability: defaultdict[str, list[Statement]] = defaultdict(list)
        # An image may have one vulnerability thousands of times, and a document thousands of statements about it.
        self._by_package: defaultdict[tuple[str, Named], list[tuple[int, Purl, Statement]]] = defaultdict(list)
        self._of_all: dict[str, tuple[int, Statement]] = {}
        ordered = sorted(statements, key=lambda each: (each.at, not each.settled, each.told))
        for number, statement in enumerate(ordered):
            self._by_vulnerability[statement.vulnerability].append(statement)
            if isinstance(package := self._package_of(statement), Purl):
                self._by_package[statement.vulnerability, package.named].append((number, package, statement))
            elif package is _WHOLE_IMAGE:
                self._of_all[statement.vulnerability] = (number, statement)

    def of(self, finding: Finding) -> Statement | None:
        """Return the statement that settles a finding; ``None`` if it is not settled."""
        vulnerability = finding.id.casefold()
        number, latest = self._of_all.get(vulnerability, (-1, None))
        package = parse_purl(finding.purl) if vulnerability in self._by_vulnerability else None
        if package is not None:
            about = self._by_package.get((vulnerability, package.named), ())
            newest = next(((at, said) for at, each, said in reversed(about) if each.covers(package)), (-1, None))
            number, latest = max((number, latest), newest, key=lambda each: each[0])
        return latest if latest is not None and latest.settled else None

    def about_none_of(self, findings: Iterable[Finding]) -> list[Statement]:
        """Return statements about vulnerabilities that are there, and products that are not: one may be misspelt."""
        there: defaultdict[str, defaultdict[Named, set[Purl]]] = defaultdict(lambda: defaultdict(set))
        for finding in findings if self._by_vulnerability else ():
            if (vulnerability := finding.id.casefold()) in self._by_vulnerability:
                packages = there[vulnerability]
                if (package := parse_purl(finding.purl)) is not None:
                    packages[package.named].add(package)
        return [
            statement
            for vulnerability, packages in sorted(there.items())
            for statement in self._by_vulnerability[vulnerability]
            if statement.settled and not self._is_about_any(statement, packages)
        ]

    def _is_about_any(self, statement: Statement, packages: Mapping[Named, Collection[Purl]]) -> bool:
        about = self._package_of(statement)
        if isinstance(about, Purl):
            return any(about.covers(package) for package in packages.get(about.named, ()))
        return about is _WHOLE_IMAGE

    def _package_of(self, statement: Statement) -> Purl | _Whole | None:
        """Return which package a statement is about; ``None`` if about none that can be here."""
        product, component = statement.product, statement.component
        if product is None or product.kind != "oci":
            # What is within which package no report tells: a statement about a part of a package is about none here.
            return product if component is None else None
        if not any(product.covers(image) for image in self._images):
            return None
        return _WHOLE_IMAGE if component is None else component


def _images(report: Report) -> list[Purl]:
    """Return every package URL by which the image may be meant."""
    machine = report.platform.partition("/")[2].partition("/")[0]
    return [
        Purl("oci", "", repository.rpartition("/")[2].lower(), digest, _qualifiers(repository, machine))
        for repository in sorted(report.repositories)
        for digest in sorted(report.digests) or [""]
    ]


def _qualifiers(repository: str, machine: str) -> tuple[tuple[str, str], ...]:
    return (("arch", machine), ("repository_url", repository))
