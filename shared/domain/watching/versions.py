"""Versions as tags spell them in the wild: read, told apart from flavours, and put in one order.

A tag is a version if it is, from left to right::

    [v] numbers [prerelease] [_build] [flavour]

- *numbers*: one to four, with dots (``22``, ``22.04``, ``v1.2.3``, ``20240115``), a date (``2024-01-15``), or a date
  with its time (``2024-01-15T16-07-38Z``, ``20240115-160738``). They are compared as numbers, so leading zeros do not
  matter.
- *prerelease*, **by its word**: what follows the numbers is a prerelease only if it begins with one of
  ``PRERELEASE_WORDS``, as ``-rc.1``, ``-beta``, ``rc1`` and ``-preview.7.24080.9`` do; or if it is Python's short form
  glued to numbers with a dot (``3.13.0a1``, ``b2``; ``9048a21`` is a commit), or a milestone (``-M4``). Upper and lower
  case are one.
- *build*: ``_`` is what ``+`` is in Semantic Versioning, where it follows three numbers or more, or a digit follows it:
  ``21.0.1_12``, ``1.2.3_a29ab5b``; a chart's ``+up57.0`` is ``_up57.0`` in a tag. What names a platform or a
  distribution, such as ``_amd64``, is a flavour all the same: nobody means ``arm64`` by the newest of them.
- *flavour*: everything else after ``-``, ``_``, or a dot and a letter: ``alpine``, ``slim-bookworm``, ``alpine3.19``.

Prereleases come before their release and among each other as in Semantic Versioning, but that ``rc10`` comes after
``rc9``: https://semver.org/#spec-item-11
"""

from __future__ import annotations

import math
import re

import msgspec

from shared.domain.watching.suffixes import CODE_NAMES, Identifiers, SuffixOrder, identifiers, suffix_order

PRERELEASE_WORDS = (
    "alpha", "beta", "rc", "cr", "pre", "preview", "prerelease", "milestone", "ea",
    "dev", "snapshot", "nightly", "canary", "next", "unstable", "experimental",
)  # fmt: skip
# No word of these begins as a commit may.
_PLATFORMS = (
    "linux", "windows", "win", "darwin", "amd64", "x86", "x64", "i386", "i686", "386(?![0-9a-z])", "arm", "aarch64",
    "ppc64", "s390x", "riscv", "mips", "loong", "alpine", "debian", "ubuntu", "slim", "distroless", "ubi", "rhel",
    "centos", "rocky", "fedora", "nanoserver", *CODE_NAMES,
)  # fmt: skip
_MOST_NUMBERS = 4
_FULL = 3
# A number with so many digits is no version's: it is a date without hyphens, a build's number or a commit's digits.
_SERIAL_DIGITS = 6

# Possessive quantifiers, and a look at what follows: a long tag is read once, and never cut in the middle of a number.
# Groups are held by looks alone: Python 3.11.2, which Debian 12 has, reads possessive groups wrongly.
_VERSION = re.compile(
    rf"""
    v?
    (?: (?P<date> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} | [0-9]{{8}} ) (?: T | - (?= [0-9]{{6}} (?! [0-9] ) ) )
        (?P<time> [0-9]{{2}} -? [0-9]{{2}} (?: -? [0-9]{{2}} )? ) Z?
      | (?P<numbers> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} (?: \.[0-9]++ )? (?! [0-9] | \.[0-9] )
                   | [0-9]++ (?: \.[0-9]++ ){{0,{_MOST_NUMBERS - 1}}} (?! \.[0-9] ) ) )
    (?P<prerelease> (?: [-._]? (?: {"|".join(PRERELEASE_WORDS)} ) (?: [.-]?[0-9]++ | (?! [.-]?[0-9] ) )
                        (?: \.[0-9a-z]++ )* (?! \.[0-9a-z] )
                      | [ab][0-9]++
                      | [-.]m[0-9]++ ) (?! [0-9a-z] ) )?
    (?: _ (?! {"|".join(_PLATFORMS)} ) (?P<build> [0-9a-z][0-9a-z.]*+ ) )?
    (?: (?: [-_] | \.(?=[a-z]) ) (?P<flavour> [0-9a-z][0-9a-z._-]*+ ) )?
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SEPARATOR = re.compile(r"[.-]")
_SHORT_FORM = re.compile(r"[ab][0-9]+", re.IGNORECASE)

# Above every prerelease's first identifier, whose number is 0 or 1.
_RELEASE: Identifiers = ((2, 0, ""),)


class Version(msgspec.Struct, frozen=True, order=True):
    """A tag read as a version. Versions are compared by these fields, in this order; no two tags are equal.

    Attributes:
        counted: false for a serial number, which comes before every version: ``7654321`` is not newer than ``1.4``.
        numbers: always four; those that the tag leaves out are infinite, because ``22`` stands for the newest ``22.x``.
        stage: the prerelease's words and numbers, comparable; a release's is above all of them.
        build: the build's words and numbers; more is later.
        suffix: the flavour's place among others.
        flavour: what follows, without its separator; empty for none.
        tag: as it is written.
    """

    counted: bool
    numbers: tuple[float, ...]
    stage: Identifiers
    build: Identifiers
    suffix: SuffixOrder
    flavour: str
    tag: str

    @property
    def is_prerelease(self) -> bool:
        """Whether this leads to a release that may come."""
        return self.stage != _RELEASE

    @property
    def is_serial(self) -> bool:
        """Whether it begins with a number that only counts, such as ``20240115``."""
        return not self.counted

    @property
    def precision(self) -> int:
        """How many numbers the tag has, 1 to 4."""
        return sum(number != math.inf for number in self.numbers)


def parse_version(tag: str) -> Version | None:
    """Read a tag as a version.

    Args:
        tag: such as ``22.04``, ``3.19-alpine`` or ``v1.2.3-rc.1``; at most a few hundred characters.

    Returns:
        The version; ``None`` if the tag is none, such as ``latest``, ``bookworm`` or ``8u292``.
    """
    found = _VERSION.fullmatch(tag)
    if not found or _is_commit(found):
        return None
    prerelease, numbers = found["prerelease"], _numbers(found)
    build, flavour = _build_and_flavour(found, full=len(numbers) >= _FULL)
    return Version(
        len(_SEPARATOR.split(found["numbers"] or found["date"])[0]) < _SERIAL_DIGITS,
        (*numbers, *[math.inf] * (_MOST_NUMBERS - len(numbers))),
        identifiers(prerelease) if prerelease else _RELEASE,
        identifiers(build),
        suffix_order(flavour),
        flavour,
        tag,
    )


def _is_commit(found: re.Match[str]) -> bool:
    """``9048a21`` has the form of Python's alphas, and is what every thirtieth commit looks like."""
    prerelease = found["prerelease"]
    return bool(prerelease and _SHORT_FORM.fullmatch(prerelease)) and "." not in (found["numbers"] or "")


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    numbers = tuple(int(part) for part in _SEPARATOR.split(found["numbers"] or found["date"]))
    return (*numbers, int(found["time"].replace("-", "").ljust(6, "0"))) if found["time"] else numbers


def _build_and_flavour(found: re.Match[str], *, full: bool) -> tuple[str, str]:
    build, flavour = found["build"] or "", found["flavour"] or ""
    if build and not (full or build[0].isdigit()):
        return "", found.string[found.start("build") :]
    return build, flavour
