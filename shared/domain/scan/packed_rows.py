"""The rows of one platform in the log of a run of another scanner than Trivy: its report as it wrote it, packed.

    <word> <number> packed sarif gzip      as what it is written, and how it is packed (gzip, or plain)
    <word> <number> part H4sIA…            a part of it in base64
    <word> <number> done 12 91204          how many parts there were, and how many letters in them
    <word> <number> long 700000 655360     instead of all that: it has more letters than the log may have

SARIF has no words for an image. So its run is taken at its word: it gave the scanner this digest and this platform, and
executed nothing of the image. That stands in only where the report names no image at all; one that names another is
that of another. Trivy's JSON names both, and has to.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Iterable, Sequence

import msgspec

from shared.domain.policy.scanner_format import ScannerFormat
from shared.domain.references import Digest
from shared.domain.scan.findings import Finding
from shared.domain.scan.reading import read_report
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.run_rows import UnknownRow

# A report of a megabyte of log is some twenty unpacked; what is packed to burst is none.
_LARGEST = 24 * 1024 * 1024
_FORMATS = {form.value: form for form in ScannerFormat}
_TEXT = re.compile(r"[A-Za-z0-9+/=]+")
_NUMBERS = re.compile(r"(0|[1-9][0-9]{0,8}) (0|[1-9][0-9]{0,8})")
_GZIP = 31
# Of longer names the beginning, as in rows of Trivy's.
_LONGEST, _KEPT = 300, 80


def is_packed(rows: Sequence[str]) -> bool:
    """Whether rows are those of a packed report, or say that it is too long to be one."""
    return bool(rows) and rows[0].partition(" ")[0] in {"packed", "long"}


def packed_report(rows: Sequence[str], digest: Digest, platform: str) -> Report | NoAnswer:
    """Return the report that rows have packed.

    Args:
        rows: of one platform, in their order, without what begins each.
        digest: what the run gave the scanner.
        platform: which of it the scanner was to look at.

    Raises:
        UnknownRow: they are none that a run writes.
    """
    kind, _, rest = rows[0].partition(" ")
    if kind == "long":
        return _too_long(rest, rows[1:])
    form, _, how = rest.partition(" ")
    if form not in _FORMATS or how not in {"gzip", "plain"}:
        raise UnknownRow(f"nobody knows what is packed as {rest}")
    text = _text(rows[1:])
    if isinstance(text, NoAnswer):
        return text
    written = _unpacked(text, how)
    if isinstance(written, NoAnswer):
        return written
    return _of_image(read_report(written), _FORMATS[form], digest, platform)


def _too_long(rest: str, more: Sequence[str]) -> NoAnswer:
    found = _NUMBERS.fullmatch(rest)
    if found is None or more:
        raise UnknownRow(f"nobody knows how long a report is by {rest}")
    told = (
        f"the scanner's report has {found[1]} letters even when it is packed; the log of a run has room for {found[2]}"
    )
    return NoAnswer(Trouble.TOO_LONG, f"{told}: have the scanner write less, or fewer platforms scanned at once")


def _text(rows: Sequence[str]) -> str | NoAnswer:
    parts = [rest for kind, _, rest in (row.partition(" ") for row in rows) if kind == "part"]
    if not rows or not rows[-1].startswith("done ") or len(parts) != len(rows) - 1:
        return NoAnswer(Trouble.CUT_OFF, "the parts of the report end before their end")
    text, found = "".join(parts), _NUMBERS.fullmatch(rows[-1].removeprefix("done "))
    if found is None or not _TEXT.fullmatch(text):
        raise UnknownRow("the parts of the report are not written as parts are")
    if (len(parts), len(text)) != (int(found[1]), int(found[2])):
        told = f"{len(parts)} parts with {len(text)} letters are there, of {found[1]} with {found[2]}"
        return NoAnswer(Trouble.CUT_OFF, f"the parts of the report are not whole: {told}")
    return text


def _unpacked(text: str, how: str) -> bytes | NoAnswer:
    try:
        packed = base64.b64decode(text, validate=True)
        return packed if how == "plain" else _inflated(packed)
    except (binascii.Error, zlib.error) as error:
        raise UnknownRow(f"the parts of the report cannot be unpacked: {error}") from error


def _inflated(packed: bytes) -> bytes | NoAnswer:
    """Unpack what gzip made, as one whole that its own checksum fits, and not without end."""
    inflating = zlib.decompressobj(_GZIP)
    written = inflating.decompress(packed, _LARGEST + 1)
    if len(written) > _LARGEST:
        return NoAnswer(Trouble.TOO_LONG, f"the scanner's report has more than {_LARGEST} bytes; at most that are read")
    if not inflating.eof or inflating.unused_data:
        return NoAnswer(Trouble.CUT_OFF, "the parts of the report are not one whole")
    return written


def _of_image(found: Report | NoAnswer, form: ScannerFormat, digest: Digest, platform: str) -> Report | NoAnswer:
    if isinstance(found, NoAnswer):
        return found
    if (form is ScannerFormat.SARIF) is found.coverage.knows_systems:
        told = f"the report is not written as {form.value}, which the watch list says of its scanner"
        return NoAnswer(Trouble.UNREADABLE, told)
    short = _shortened(found)
    return _bound(short, digest, platform) if form is ScannerFormat.SARIF else short


def _bound(report: Report, digest: Digest, platform: str) -> Report:
    """Return a report with what its run says of the image, where it says nothing itself."""
    names_any = report.digests or report.repositories or report.artifact
    digests = report.digests if names_any else frozenset({digest})
    return msgspec.structs.replace(report, digests=digests, platform=report.platform or platform)


def _shortened(report: Report) -> Report:
    """Return a report in which nothing that comes from the image is of any length."""
    texts = {name: _short(getattr(report, name)) for name in ("scanner", "artifact", "system", "platform")}
    findings = tuple(dict.fromkeys(_short_finding(finding) for finding in report.findings))
    repositories = frozenset(map(_short, report.repositories))
    return msgspec.structs.replace(report, **texts, repositories=repositories, findings=findings)


def _short_finding(finding: Finding) -> Finding:
    texts = _texts_of(finding)
    if max(map(len, texts.values())) * 4 <= _LONGEST:
        return finding
    return msgspec.structs.replace(finding, **{name: _short(text) for name, text in texts.items()})


def _texts_of(finding: Finding) -> dict[str, str]:
    names: Iterable[str] = ("id", "package", "installed", "fixed", "purl", "place", "suppressed")
    return {name: getattr(finding, name) for name in names}


def _short(text: str) -> str:
    written = text.encode("utf-8", "surrogatepass")
    if len(written) <= _LONGEST:
        return text
    return f"{text[:_KEPT]}... ({len(written)} bytes, SHA-256 {hashlib.sha256(written).hexdigest()})"
