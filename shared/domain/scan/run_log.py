"""Reading the log of a scan's run: rows that begin with a word which the image cannot know, numbered without a gap.

    <word> <number> begin 1 sha256:…
    <word> <number> database {"Version":2,…,"UpdatedAt":"…"}      what Trivy writes beside its database
    <word> <number> platform linux/amd64                          from here on, of this platform
    <word> <number> none                                          there is no report; or
    <word> <number> about os.Family "debian"                      what the report says of the image, as JSON
    <word> <number> odd os.Name                                   something of that is too long, or not printable
    <word> <number> count os-pkgs <results> <packages> <findings>
    <word> <number> p "libssl3" "3.0.11-1" "place" "purl" f C fixed "CVE-…" "3.0.15" f …   a package, and its findings
    <word> <number> list g 1 "pkg:deb/debian/" "arch=amd64" 1 "libssl3@3.0.11-1" "openssl" …   all packages, and sources
    <word> <number> listed 312                                    so many; or why there is no list:
    <word> <number> unlisted long
    <word> <number> left H- 12                                    so severe, with (+) or without a fix: not told
    <word> <number> done <told> <left out>
    <word> <number> end

The report of another scanner than Trivy is packed: ``shared.domain.scan.packed_rows``.

A finding that the scanner suppressed is ``s``, with why as its last word. Quoted strings are printable ASCII, escaped
as Go and JSON do. Whatever else stands in the log means nothing, but for what the scanner says when it fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from shared.domain.gate.words import Words
from shared.domain.references import Digest
from shared.domain.scan.database import Database, read_database
from shared.domain.scan.packed_rows import is_packed, packed_report
from shared.domain.scan.reading import last_words
from shared.domain.scan.report import NoAnswer, Report, Trouble
from shared.domain.scan.run_rows import UnknownRow, report_in
from shared.errors import MalformedInput

_FORMAT = "1"
_NUMBERS = re.compile(r"[1-9][0-9]{0,8}\Z")
_LAUNCHED = "Launching container with name: "
_SHOWN = 200


class ScanAnswer(msgspec.Struct, frozen=True):
    """What a scan's run says.

    Attributes:
        reports: of each platform that was to be scanned, by its name as it was asked for.
        database: the scanner's; without a time if the run does not say it, which is no pass.
    """

    reports: dict[str, Report | NoAnswer]
    database: Database | None


class _BrokenLog(Exception):
    """The rows are not those that a run writes."""


class _NothingSaid(Exception):
    """Nothing in the log is of this run's last step."""


def scan_step(words: Words, number: int) -> str:
    """Return the id of the step that scans a platform, of which the first has the number one."""
    return f"{words.test_step.replace('test', 'scan', 1)}-{number}"


def rows_step(words: Words, number: int) -> str:
    """Return the id of the step that makes rows of that platform's report."""
    return f"{words.test_step.replace('test', 'rows', 1)}-{number}"


def read_scan_log(text: str, words: Words, digest: Digest, platforms: tuple[str, ...]) -> ScanAnswer:
    """Read what a scan's run says. Whatever a log holds, it is an answer or none.

    Args:
        text: the log, however the run ended; lines end with LF or CRLF.
        words: of this run.
        digest: of the image that was to be scanned.
        platforms: of it that were to be scanned.
    """
    try:
        rows = _rows(text, words)
        database, sections = _sections(rows, digest, platforms)
    except _BrokenLog as broken:
        missing: dict[str, Report | NoAnswer] = dict.fromkeys(platforms, NoAnswer(Trouble.CUT_OFF, str(broken)))
        return ScanAnswer(missing, Database(None))
    except _NothingSaid:
        failed: dict[str, Report | NoAnswer] = {
            each: _failed(text, words, number) for number, each in enumerate(platforms, 1)
        }
        return ScanAnswer(failed, Database(None))
    reports: dict[str, Report | NoAnswer] = {}
    for number, (each, of_it) in enumerate(zip(platforms, sections, strict=True), 1):
        none = [*of_it] == ["none"]
        reports[each] = _failed(text, words, number) if none else _report(of_it, digest, each)
    return ScanAnswer(reports, database)


def platform_rows(text: str, words: Words, digest: Digest, platforms: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the rows of each platform; none of a log that is no answer."""
    try:
        _, sections = _sections(_rows(text, words), digest, platforms)
    except (_BrokenLog, _NothingSaid):
        return {}
    return dict(zip(platforms, sections, strict=True))


def _rows(text: str, words: Words) -> list[str]:
    """Return the rows without word and number; only the line feed ends a line, for names may hold what others take."""
    begin = f"{words.nonce} "
    found = [line.removesuffix("\r").removeprefix(begin) for line in text.split("\n") if line.startswith(begin)]
    if not found:
        raise _NothingSaid
    for expected, row in enumerate(found, 1):
        number, _, _ = row.partition(" ")
        if not _NUMBERS.match(number) or int(number) != expected:
            raise _BrokenLog(f"the log of the scan is not whole: row {expected} of what it says is not there")
    rows = [row.partition(" ")[2] for row in found]
    if rows[-1] != "end":
        raise _BrokenLog(f"the log of the scan ends after {len(rows)} rows, before its end")
    return rows[:-1]


def _sections(rows: Sequence[str], digest: Digest, platforms: Sequence[str]) -> tuple[Database, list[list[str]]]:
    """Return what is said of the database, and of each platform."""
    if not rows or rows[0] != f"begin {_FORMAT} {digest}":
        raise _BrokenLog(f"the log is not of a scan of {digest}")
    starts = [number for number, row in enumerate(rows) if row.startswith("platform ")]
    named = [rows[number].removeprefix("platform ") for number in starts]
    if named != [*platforms]:
        raise _BrokenLog(f"the log is of a scan of {', '.join(named)[:_SHOWN] or 'no platform'}")
    ends = [*starts[1:], len(rows)]
    return _database(rows[1 : starts[0]] if starts else []), [
        [*rows[start + 1 : end]] for start, end in zip(starts, ends, strict=True)
    ]


def _database(rows: Sequence[str]) -> Database:
    """Return what the run says of the database; if that cannot be read, its age is not known, and that holds."""
    if len(rows) != 1 or not rows[0].startswith("database "):
        return Database(None)
    try:
        return read_database(rows[0].removeprefix("database ").encode("utf-8", "replace"))
    except MalformedInput:
        return Database(None)


def _report(rows: Sequence[str], digest: Digest, platform: str) -> Report | NoAnswer:
    try:
        return packed_report(rows, digest, platform) if is_packed(rows) else report_in(rows)
    except UnknownRow as error:
        return NoAnswer(Trouble.UNREADABLE, f"the log of the scan cannot be read: {str(error)[:_SHOWN]}")


def _failed(text: str, words: Words, number: int) -> NoAnswer:
    """Return why there is no report: what the scanner said in its steps for a platform, or the engine in its place."""
    said = "\n".join([*_said_by(text, scan_step(words, number)), *_said_by(text, rows_step(words, number))])
    if (told := last_words(said.encode("utf-8", "replace"))) is not None:
        return told
    return NoAnswer(Trouble.SCANNER_FAILED, f"the scan left no report; the log of its run says why{_engine(text)}")


def _said_by(text: str, step: str) -> Iterator[str]:
    """Yield what stands in the log since a step was launched, and until another one is; image names may be in it."""
    for part in text.split(_LAUNCHED)[1:]:
        name, _, said = part.partition("\n")
        if name.rstrip("\r") == step:
            yield said


def _engine(text: str) -> str:
    """Return, after a colon, the last line in which ACR's engine tells of something that failed."""
    failures = [line for line in text[-65536:].split("\n") if "failed to run step ID" in line or "docker: " in line]
    shown = "".join(each if each.isprintable() else " " for each in failures[-1]) if failures else ""
    return f": {shown.strip()[:_SHOWN]}" if shown else ""
