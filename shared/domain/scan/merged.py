"""Documents of many images merged into few: what is found in a package depends on it and its distribution alone.

Hundreds of images share most of their packages. Each package of each distribution is looked at once, and what is found
is told of every image that has it. So it takes a run of a minute, whose log has room for what it finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from shared.domain.references import Digest
from shared.domain.scan.cyclonedx import written
from shared.domain.scan.findings import Finding
from shared.domain.scan.packages import Package, Packages, version_of
from shared.domain.scan.report import Coverage, LeftOut, NoAnswer, Report, Trouble

# So many documents a run scans at most: each takes it two steps.
MOST_DOCUMENTS = 32
System = tuple[str, str]


class Bundle(msgspec.Struct, frozen=True):
    """The documents that one run scans, by name; the same content is the same bundle."""

    documents: dict[str, Packages]

    @property
    def digest(self) -> Digest:
        """By which it is known, and its scan."""
        return Digest(f"sha256:{hashlib.sha256(msgspec.json.encode(self)).hexdigest()}")

    def texts(self) -> dict[str, bytes]:
        """Return the documents as they are scanned."""
        return {name: written(listed, {}, {}) for name, listed in self.documents.items()}


_BUNDLES = msgspec.json.Decoder(Bundle)


def read_bundle(text: bytes) -> Bundle:
    """Return a bundle as it was encoded.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _BUNDLES.decode(text)


def merged(images: Iterable[Packages], most: int) -> tuple[Bundle, ...]:
    """Return documents that have each package of these images once for each distribution.

    Args:
        images: what is in each.
        most: how many packages one run looks at.

    Returns:
        The same for the same images, in whatever order.
    """
    of_system: dict[System, set[Package]] = {}
    for image in images:
        of_system.setdefault(image.system, set()).update(image.packages)
    layers = [
        Packages(system, layer)
        for system, packages in sorted(of_system.items())
        for whole in _without_clashes(sorted(packages, key=_order))
        for layer in _parts(whole, most)
    ]
    return tuple(_bundled(layers, most))


def found_in(bundle: Bundle, reports: Mapping[str, Report | NoAnswer]) -> dict[System, dict[Package, Report]]:
    """Return in which report each package was looked at; what was in no usable one is left out."""
    found: dict[System, dict[Package, Report]] = {}
    for name, listed in bundle.documents.items():
        report = reports.get(name)
        if isinstance(report, Report):
            found.setdefault(listed.system, {}).update(dict.fromkeys(listed.packages, report))
    return found


def report_on(
    digest: Digest, platform: str, listed: Packages, looked_at: Mapping[System, Mapping[Package, Report]]
) -> Report | NoAnswer:
    """Return the report of one image, put together of what was found in its packages.

    Args:
        digest: of the image.
        platform: of it.
        listed: what is in it.
        looked_at: as ``found_in`` tells it.
    """
    reports = looked_at.get(listed.system, {})
    missing = sum(package not in reports for package in listed.packages)
    if missing or not listed.packages:
        return NoAnswer(Trouble.NO_REPORT, f"{missing} of its {len(listed.packages)} packages were not looked at")
    purls = frozenset(package.purl for package in listed.packages)
    each = {id(report): report for report in (reports[package] for package in listed.packages)}.values()
    findings = tuple(one for report in each for one in report.findings if one.purl in purls)
    return _put_together(digest, platform, listed, tuple(each), findings)


def _put_together(
    digest: Digest, platform: str, listed: Packages, reports: tuple[Report, ...], findings: tuple[Finding, ...]
) -> Report:
    first, of_distribution = reports[0], bool(listed.system[0])
    left_out: tuple[LeftOut, ...] = tuple(left for report in reports for left in report.left_out)
    return Report(
        scanner=first.scanner,
        artifact=digest,
        is_image=True,
        digests=frozenset({digest}),
        repositories=frozenset(),
        platform=platform,
        system=first.system,
        end_of_life=any(report.end_of_life for report in reports),
        coverage=Coverage(len(listed.packages), len(findings), True, of_distribution, of_distribution),
        findings=findings,
        left_out=left_out,
    )


def _order(package: Package) -> tuple[str, str, str]:
    return package.purl, package.source, package.source_version


def _without_clashes(packages: list[Package]) -> Iterator[list[Package]]:
    """Of a name and a version the scanner tells one finding, so what differs in the rest goes into another document."""
    left = packages
    while left:
        taken: dict[tuple[str, str], Package] = {}
        for package in left:
            taken.setdefault((package.purl.partition("?")[0], version_of(package.purl)), package)
        kept = set(taken.values())
        yield list(taken.values())
        left = [package for package in left if package not in kept]


def _parts(packages: list[Package], most: int) -> Iterator[tuple[Package, ...]]:
    for at in range(0, len(packages), most):
        yield tuple(packages[at : at + most])


def _bundled(layers: list[Packages], most: int) -> Iterator[Bundle]:
    inside: list[Packages] = []
    for layer in layers:
        full = sum(len(one.packages) for one in inside) + len(layer.packages) > most
        if inside and (full or len(inside) == MOST_DOCUMENTS):
            yield _named(inside)
            inside = []
        inside.append(layer)
    if inside:
        yield _named(inside)


def _named(layers: list[Packages]) -> Bundle:
    return Bundle({f"document-{number}": layer for number, layer in enumerate(layers, 1)})
