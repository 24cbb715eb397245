"""What is in an image, as the rows of its scan list it; how they look: ``shared.domain.scan.run_log``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from shared.domain.scan.purl import plain
from shared.domain.scan.run_rows import UnknownRow, words_of_row

# Longer than anything that is no attempt: a URL of a package of a path that an image made up.
_LONGEST = 1000
_WHY = {
    "long": "its packages are more than the log of a run has room for",
    "odd": "something of its packages is more, or longer, than a document of them can say",
}
_OLD = "it was scanned by an earlier version of this app, which kept none"
_BROKEN = "the list of its packages is not whole"


class Package(msgspec.Struct, frozen=True, gc=False):
    """A package.

    Attributes:
        purl: its URL, as the scanner writes it.
        source: the source package, by which a distribution's advisories name it; empty for one of no distribution.
        source_version: that one's, with epoch and release; empty if it has none.
    """

    purl: str
    source: str = ""
    source_version: str = ""


class Packages(msgspec.Struct, frozen=True):
    """What is in an image.

    Attributes:
        system: the distribution's family and version; both empty if there is none.
        packages: each once, in the order of the list.
    """

    system: tuple[str, str]
    packages: tuple[Package, ...]


def packages_in(rows: Sequence[str]) -> Packages | str:
    """Return what rows list; or why that is nothing to rely on, for people.

    Args:
        rows: of one platform, in their order, without what begins each.
    """
    said: dict[str, list[str]] = {"list": [], "listed": [], "unlisted": [], "about": []}
    for row in rows:
        kind, _, rest = row.partition(" ")
        if kind in said:
            said[kind].append(rest)
    if said["unlisted"]:
        return _WHY.get(said["unlisted"][0], _BROKEN)
    if not said["listed"]:
        return _OLD
    try:
        found = tuple(_packages(said["list"]))
    except UnknownRow:
        return _BROKEN
    whole = said["listed"] == [str(len(found))] and len({one.purl for one in found}) == len(found)
    return Packages(_system(said["about"]), found) if whole else _BROKEN


def version_of(purl: str) -> str:
    """Return the version that a package's URL says, with its epoch; empty if it says none."""
    head, _, qualifiers = purl.partition("#")[0].partition("?")
    version = plain(head.rpartition("/")[2].partition("@")[2])
    epoch = next((one.removeprefix("epoch=") for one in qualifiers.split("&") if one.startswith("epoch=")), "")
    return f"{epoch}:{version}" if epoch else version


def name_of(purl: str) -> str:
    """Return the name that a package's URL says, without what it is grouped by."""
    return plain(purl.partition("?")[0].rpartition("/")[2].partition("@")[0])


def is_of_system(purl: str) -> bool:
    """Whether a package is one of a distribution's own."""
    return purl.startswith(("pkg:deb/", "pkg:apk/", "pkg:rpm/"))


def _packages(rows: Sequence[str]) -> Iterator[Package]:
    """No package and no group goes on in the next row."""
    groups: dict[str, tuple[str, str]] = {}
    for row in rows:
        words, at = words_of_row(row), 0
        while at < len(words):
            word, quoted = words[at]
            count = _count(words, at + 1)
            if word == "g" and not quoted:
                number, begin, end = _group(words[at + 1 : at + 4])
                groups[number] = begin, end
                at += 4
                continue
            if quoted or word not in groups or not 1 <= count <= 3:
                raise UnknownRow("a package is not told as a whole")
            yield _package(groups[word], [said for said, _ in words[at + 1 : at + 1 + count]])
            at += 1 + count


def _group(words: Sequence[tuple[str, bool]]) -> tuple[str, str, str]:
    if [quoted for _, quoted in words] != [False, True, True]:
        raise UnknownRow("a group of packages is not told as a whole")
    (number, _), (begin, _), (end, _) = words
    return number, begin, end


def _count(words: Sequence[tuple[str, bool]], at: int) -> int:
    count = 0
    while at + count < len(words) and words[at + count][1]:
        count += 1
    return count


def _package(group: tuple[str, str], said: Sequence[str]) -> Package:
    begin, end = group
    purl = f"{begin}{said[0]}?{end}" if end else f"{begin}{said[0]}"
    if not purl.startswith("pkg:") or not purl.isascii() or not purl.isprintable() or len(purl) > _LONGEST:
        raise UnknownRow("a package's URL is none")
    source = said[1] if len(said) > 1 else name_of(purl) if is_of_system(purl) else ""
    version = said[2] if len(said) > 2 else version_of(purl) if is_of_system(purl) else ""
    return Package(purl, source, version)


def _system(about: Sequence[str]) -> tuple[str, str]:
    said = {}
    for row in about:
        name, _, value = row.partition(" ")
        if name in {"os.Family", "os.Name"}:
            said[name] = words_of_row(value)[0][0]
    return said.get("os.Family", ""), said.get("os.Name", "")
