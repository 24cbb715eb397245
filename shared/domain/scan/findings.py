"""A vulnerability in a package, as a scanner reports it."""

from __future__ import annotations

import msgspec

from shared.domain.policy.severity import Severity

# Of a vulnerability in a package, by which two reports are compared, and waivers are given.
Key = tuple[str, str]


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One vulnerability in one package at one place.

    Attributes:
        id: CVE, GHSA or another database's.
        package: its name, as the scanner reports it.
        installed: its version; empty if the report does not say it.
        fixed: in which version it is mended, as the report says it; empty if it does not.
        severity: as reported; ``None`` if the report says none that we know.
        fixable: whether there is a fix; so too where nobody says whether there is one.
        purl: the package's URL; empty if the report does not say it.
        place: file or kind of packages in which it was found.
        suppressed: what the scanner suppressed it for; empty if it did not.
    """

    id: str
    package: str
    installed: str = ""
    fixed: str = ""
    severity: Severity | None = None
    fixable: bool = True
    purl: str = ""
    place: str = ""
    suppressed: str = ""

    @property
    def key(self) -> Key:
        """What it is, whatever the version that is installed, and wherever in the image."""
        return key_of(self.id, self.package)


def key_of(identifier: str, package: str) -> Key:
    """Return by what a vulnerability in a package is known. Databases spell ids in small letters and in capitals."""
    return identifier.casefold(), package
