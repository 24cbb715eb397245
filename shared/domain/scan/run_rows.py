"""The rows of one platform in the log of a scan's run; how they look: ``shared.domain.scan.run_log``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from shared.domain.policy.severity import Severity
from shared.domain.scan.findings import Finding
from shared.domain.scan.report import Coverage, LeftOut, NoAnswer, Report, Trouble
from shared.domain.scan.trivy import SCHEMA_VERSION, About, is_fixable, of_other_version, report_of

_SEVERITIES: dict[str, Severity | None] = {"-": None, **{severity.name[0]: severity for severity in Severity}}
_FIX = {"+": True, "-": False}
# What is in the image is read by whoever needs it: ``shared.domain.scan.packages``.
_OF_LIST = frozenset({"list", "listed", "unlisted"})
_CLASSES = ("os-pkgs", "lang-pkgs", "others")
_COUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_WORD = re.compile(r'(?:\A| )(?:(?P<bare>[!#-~][!-~]*)|"(?P<quoted>(?:[ !#-\[\]-~]|\\[ -~])*)")(?= |\Z)')
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")
_NAMED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "/": "/"}
_REPLACED = "\ufffd"


class UnknownRow(Exception):
    """A row, or a part of one, is none that a run writes."""


class _Told(msgspec.Struct):
    """What the rows said so far."""

    about: dict[str, str] = {}
    named: list[str] = []
    counts: dict[str, tuple[int, int, int]] = {}
    findings: list[Finding] = []
    left_out: list[LeftOut] = []
    done: tuple[int, int] | None = None


def report_in(rows: Sequence[str]) -> Report | NoAnswer:
    """Return the report that rows make.

    Args:
        rows: of one platform, in their order, without what begins each.

    Raises:
        UnknownRow: they are none that a run writes.
    """
    told = _Told()
    for row in rows:
        kind, _, rest = row.partition(" ")
        if told.done is not None:
            raise UnknownRow(f"something follows what says that it is done: {row}")
        _take(told, kind, rest, row)
    if told.done is None:
        return NoAnswer(Trouble.CUT_OFF, "the rows of the report end before their end")
    if why := _mismatch(told, told.done):
        return NoAnswer(Trouble.CUT_OFF, f"the rows of the report are not whole: {why}")
    if told.about.get("SchemaVersion") != str(SCHEMA_VERSION):
        return of_other_version(told.about.get("SchemaVersion", "that it does not say"))
    return report_of(_about(told), _coverage(told), told.findings, tuple(told.left_out))


def _take(told: _Told, kind: str, rest: str, row: str) -> None:
    if kind == "about":
        _take_about(told, rest)
    elif kind == "count":
        _take_count(told, rest)
    elif kind == "p":
        told.findings += _findings(words_of_row(row))
    elif kind == "left":
        _take_left_out(told, rest)
    elif kind == "done":
        first, second = _counts(rest, 2)
        told.done = first, second
    elif kind == "odd":
        raise UnknownRow(f"what the report says of {rest} is too long, or not printable")
    elif kind not in _OF_LIST:
        raise UnknownRow(f"nobody knows the row {row}")


def _take_about(told: _Told, rest: str) -> None:
    name, _, value = rest.partition(" ")
    said = words_of_row(value)
    if len(said) != 1 or name in told.about:
        raise UnknownRow(f"nobody knows what it says of the image: {rest}")
    if name == "digest":
        told.named.append(said[0][0])
    else:
        told.about[name] = said[0][0]


def _take_count(told: _Told, rest: str) -> None:
    name, _, numbers = rest.partition(" ")
    results, packages, findings = _counts(numbers, 3)
    if name not in _CLASSES or name in told.counts:
        raise UnknownRow(f"nobody knows what it counts: {rest}")
    told.counts[name] = results, packages, findings


def _take_left_out(told: _Told, rest: str) -> None:
    of, _, number = rest.partition(" ")
    (count,) = _counts(number, 1)
    if len(of) != 2 or of[0] not in _SEVERITIES or of[1] not in _FIX or not count:
        raise UnknownRow(f"nobody knows what it leaves out: {rest}")
    told.left_out.append(LeftOut(_SEVERITIES[of[0]], _FIX[of[1]], count))


def _counts(text: str, number: int) -> list[int]:
    found = text.split(" ")
    if len(found) != number or not all(_COUNT.fullmatch(each) for each in found):
        raise UnknownRow(f"nobody can count by {text}")
    return [int(each) for each in found]


def _mismatch(told: _Told, done: tuple[int, int]) -> str:
    listed, left = done
    if set(told.counts) != set(_CLASSES):
        return "it does not count everything"
    if len(told.findings) != listed:
        return f"{len(told.findings)} findings are there of {listed}"
    if sum(each.count for each in told.left_out) != left:
        return f"it does not say which {left} findings are left out"
    found = sum(findings for _, _, findings in told.counts.values())
    return "" if found == listed + left else f"{listed + left} findings are told of {found}"


def _about(told: _Told) -> About:
    said = told.about
    named = (said.get("ArtifactName", ""), said.get("Reference", ""), *told.named)
    return About(
        version=said.get("trivy.Version", ""),
        artifact=said.get("ArtifactName", ""),
        type=said.get("ArtifactType", ""),
        named=tuple(name for name in named if name),
        platform=(said.get("config.os", ""), said.get("config.architecture", ""), said.get("config.variant", "")),
        system=(said.get("os.Family", ""), said.get("os.Name", "")),
        end_of_life=said.get("os.EOSL") == "true",
    )


def _coverage(told: _Told) -> Coverage:
    systems, listed, found = told.counts["os-pkgs"]
    return Coverage(
        packages=listed + told.counts["lang-pkgs"][1],
        findings=sum(findings for _, _, findings in told.counts.values()),
        knows_systems=True,
        system=systems > 0,
        system_seen=listed > 0 or found > 0,
    )


def _findings(words: Sequence[tuple[str, bool]]) -> Iterator[Finding]:
    """Yield the findings of packages, each of which stands before its own."""
    texts, package = iter(words), None
    for word, quoted in texts:
        if quoted or word not in {"p", "f", "s"} or (word != "p" and package is None):
            raise UnknownRow(f"nobody knows what {word} says of a package")
        if word == "p":
            package = [_next(texts, quoted=True) for _ in range(4)]
        elif package is not None:
            yield _finding(package, texts, suppressed=word == "s")


def _finding(package: Sequence[str], texts: Iterator[tuple[str, bool]], *, suppressed: bool) -> Finding:
    name, installed, place, purl = package
    severity, status = _next(texts, quoted=False), _next(texts, quoted=False)
    if severity not in _SEVERITIES:
        raise UnknownRow(f"nobody knows the severity {severity}")
    identifier, fixed = _next(texts, quoted=True), _next(texts, quoted=True)
    return Finding(
        id=identifier,
        package=name,
        installed=installed,
        fixed=fixed,
        severity=_SEVERITIES[severity],
        fixable=is_fixable(fixed, status),
        purl=purl,
        place=place,
        suppressed=_next(texts, quoted=True) if suppressed else "",
    )


def _next(texts: Iterator[tuple[str, bool]], *, quoted: bool) -> str:
    text, was_quoted = next(texts, ("", not quoted))
    if was_quoted is not quoted:
        raise UnknownRow("a package or a finding is not told as a whole")
    return text


def words_of_row(row: str) -> list[tuple[str, bool]]:
    """Return the words of a row, each with whether it is quoted.

    Raises:
        UnknownRow: something of it is neither a word nor quoted.
    """
    found, at = [], 0
    while at < len(row):
        word = _WORD.match(row, at)
        if word is None:
            raise UnknownRow(f"nobody can read on from {row[at : at + 40]!r}")
        quoted = word["quoted"]
        found.append((word["bare"], False) if quoted is None else (_plain(quoted), True))
        at = word.end()
    return found


def _plain(text: str) -> str:
    """Return a quoted text as it is meant; what is no character becomes the one that says so."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        if found[4] not in _NAMED:
            raise UnknownRow(f"nobody knows what is quoted as \\{found[4]}")
        return _NAMED[found[4]]
    number = int(code, 16)
    return chr(number) if number < 0xD800 or 0xDFFF < number < 0x110000 else _REPLACED
