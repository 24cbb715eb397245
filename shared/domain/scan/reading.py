"""Reading what a scan left: a report of Trivy's, one in SARIF, or whatever stands where a report should."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from shared.domain.scan import sarif, trivy
from shared.domain.scan.report import NoAnswer, Report, Trouble

LARGEST_REPORT = 256 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_OBJECT = re.compile(rb"\s*\{")
_LOG = re.compile(rb"\d{4}-\d\d-\d\dT\S+\s+(?:\x1b\[\d+m)?(?:DEBUG|INFO|WARN|ERROR|FATAL)\b")
# Of several causes each stands in a line of its own, after a tab.
_FATAL = re.compile(rb"\bFATAL\b[^\n]*(?:\n\t[^\n]*)*")
_PANIC = re.compile(rb"^(?:panic: |fatal error: |goroutine \d+ \[)[^\n]*", re.MULTILINE)
_POSITION = re.compile(r"\(byte (\d+)\)\Z")
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Scanners quote the addresses that they asked, where the rights to a registry's layers stand.
_RIGHTS = re.compile(r"(?<=://)[^/\s@]*@|(?<=\?)[^\s\"']+")
_SHOWN, _BEGIN = 400, 140
T = TypeVar("T")


class _Probe(msgspec.Struct, frozen=True):
    """What SARIF has and no other kind of report does."""

    runs: msgspec.Raw = msgspec.Raw()


_PROBE = msgspec.json.Decoder(_Probe)


def read_report(text: bytes) -> Report | NoAnswer:
    """Read a report, or say why it is no answer.

    Args:
        text: as the scanner wrote it, UTF-8. What is in it comes from the image, and may be anything.
    """
    text = text.removeprefix(_BOM)
    if len(text) > LARGEST_REPORT:
        return NoAnswer(Trouble.UNREADABLE, f"the report has {len(text)} bytes; at most {LARGEST_REPORT} are read")
    if not text or text.isspace():
        return NoAnswer(Trouble.SCANNER_FAILED, "the report is empty, as a scanner leaves it that could not scan")
    if not _OBJECT.match(text):
        return _no_object(text)
    try:
        document = trivy.decode(text)
    except _UNREADABLE as error:
        return _undecoded(text, error)
    if document.schema_version is None:
        return _otherwise(text)
    return _made(trivy.read, document)


def _otherwise(text: bytes) -> Report | NoAnswer:
    """Read an object that is no report of Trivy's."""
    try:
        if not bytes(_PROBE.decode(text).runs):
            told = "it is a JSON object, and neither a report of Trivy's (SchemaVersion) nor SARIF (runs)"
            return NoAnswer(Trouble.NO_REPORT, told)
        return _made(sarif.read, sarif.decode(text))
    except _UNREADABLE as error:
        return _undecoded(text, error)


def _made(read: Callable[[T], Report | NoAnswer], document: T) -> Report | NoAnswer:
    try:
        return read(document)
    except _UNREADABLE as error:
        return NoAnswer(Trouble.UNREADABLE, f"the report is of a shape that nobody knows: {error}")


def _undecoded(text: bytes, error: Exception) -> NoAnswer:
    if _ends_early(text, error):
        return NoAnswer(Trouble.CUT_OFF, f"the report ends after {len(text)} bytes, in the middle of it")
    return NoAnswer(Trouble.UNREADABLE, f"the report cannot be read: {str(error)[:300]}")


def _ends_early(text: bytes, error: Exception) -> bool:
    """A number that is cut off is reported as malformed, at the end of the text."""
    told = str(error)
    found = _POSITION.search(told)
    return told == "Input data was truncated" or (found is not None and int(found[1]) >= len(text.rstrip()))


def _no_object(text: bytes) -> NoAnswer:
    """Tell a scanner's last words from what has nothing to do with a scan."""
    logged = _LOG.match(text)
    if (said := last_words(text)) and (logged or said.trouble is Trouble.SCANNER_PANICKED):
        return said
    if logged:
        told = "its log stands where its report should; keep standard error apart"
        return NoAnswer(Trouble.SCANNER_FAILED, f"the scanner did not report: {told}")
    return NoAnswer(Trouble.NO_REPORT, "it is no JSON object, as reports of Trivy's and SARIF are")


def last_words(text: bytes) -> NoAnswer | None:
    """Return what a scanner says of its own end; ``None`` if it says nothing.

    Args:
        text: what it wrote to standard error, among whatever else.
    """
    if panic := _PANIC.search(text):
        return NoAnswer(Trouble.SCANNER_PANICKED, f"the scanner broke off: {_shown(panic[0])}")
    if fatal := _FATAL.search(text):
        return NoAnswer(Trouble.SCANNER_FAILED, f"the scanner did not report: {_shown(fatal[0])}")
    return None


def _shown(line: bytes) -> str:
    """Return what a scanner says for people; of what is long, the beginning and the cause, which stands at the end.

    Names in it come from the image, and may be written for their terminals.
    """
    printable = "".join(each if each.isprintable() else " " for each in line[:4096].decode(errors="replace"))
    told = _RIGHTS.sub("…", " ".join(printable.split()))
    return told if len(told) <= _SHOWN else f"{told[:_BEGIN]} … {told[_BEGIN + 3 - _SHOWN :]}"
