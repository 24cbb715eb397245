"""Keeps what each scan found to be in an image, as a document for each platform, and reads it again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.domain.references import Digest
from shared.domain.scan.scan import Scan
from shared.domain.scan.scan_runs import BUNDLE, document_name, scan_words
from shared.errors import MalformedInput, NotFound
from shared.ports import Evidence

# What reads logs and documents is loaded when the first one is there.
if TYPE_CHECKING:
    from shared.domain.scan.merged import Bundle
    from shared.domain.scan.packages import Packages

log = logging.getLogger("tidegate.scan")


class Documents(msgspec.Struct, frozen=True):
    """What was kept of a scan.

    Attributes:
        platforms: of these there is a document.
        missing: why there is none of the others, for people; empty if there is one of each.
    """

    platforms: tuple[str, ...] = ()
    missing: str = ""


class ScanDocuments:
    """The documents of scans.

    Args:
        evidence: where they are kept.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def keep(self, scan: Scan, text: str, now: datetime) -> Documents:
        """Keep the documents of a scan whose run gave a usable answer; keeping them again replaces them.

        Args:
            scan: as it is while its run is under way.
            text: the run's log.
            now: UTC.

        Raises:
            ServiceError: they could not be kept.
        """
        from shared.domain.scan.cyclonedx import Described, document_of  # noqa: PLC0415
        from shared.domain.scan.packages import packages_in  # noqa: PLC0415
        from shared.domain.scan.run_log import platform_rows  # noqa: PLC0415

        there, missing = list[str](), list[str]()
        rows = platform_rows(text, scan_words(scan), scan.digest, scan.given)
        for platform in scan.given:
            listed = packages_in(rows.get(platform, []))
            if isinstance(listed, str):
                missing.append(f"{platform}: {listed}")
                continue
            described = Described(scan.repository, scan.digest, platform, now)
            self._evidence.keep(scan.id, document_name(scan, platform), document_of(described, listed))
            there.append(platform)
        return Documents(tuple(there), "; ".join(missing))

    def bundle(self, scan: Scan) -> Mapping[str, bytes]:
        """Return the documents of many images that are scanned together, by name.

        Raises:
            NotFound: they are not kept any more, or cannot be read.
            ServiceError: they could not be read just now.
        """
        found = self.merged(scan.digest)
        if found is None:
            raise NotFound(f"the documents {scan.digest} are not kept any more; others are put together")
        return found.texts()

    def keep_merged(self, bundle: Bundle) -> None:
        """Keep documents that are to be scanned together; keeping them again changes nothing.

        Raises:
            ServiceError: they could not be kept.
        """
        self._evidence.keep(bundle.digest, BUNDLE, msgspec.json.encode(bundle))

    def merged(self, digest: Digest) -> Bundle | None:
        """Return documents that were kept; ``None`` if they are gone, or cannot be read.

        Raises:
            ServiceError: they could not be read just now.
        """
        from shared.domain.scan.merged import read_bundle  # noqa: PLC0415

        found = self._evidence.read(digest, BUNDLE)
        try:
            return read_bundle(found) if found is not None else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def of(self, scan: Scan, platform: str) -> Packages | None:
        """Return what is in an image of which there is a usable answer; ``None`` if no document says it.

        Raises:
            ServiceError: it could not be read.
        """
        from shared.domain.scan.cyclonedx import read_document  # noqa: PLC0415

        if scan.taken is None or platform not in scan.taken.documents:
            return None
        found = self._evidence.read(scan.id, document_name(scan, platform, scan.taken))
        try:
            return read_document(found) if found is not None else None
        except MalformedInput as error:
            log.warning("what is in %s (%s) cannot be read: %s", scan.digest, platform, error)
            return None

    def urls(self, scan: Scan) -> Mapping[str, frozenset[str]]:
        """Return the URLs of the packages in an image, by platform; of those alone that a document describes.

        Raises:
            ServiceError: it could not be read.
        """
        known = {platform: self.of(scan, platform) for platform in scan.platforms}
        return {
            platform: frozenset(one.purl for one in listed.packages)
            for platform, listed in known.items()
            if listed is not None
        }
