"""What to write instead of a notation that others teach and ranges here do not have."""

from __future__ import annotations

import re

from shared.domain.watching.versions import parse_version

_EXPECTED = "expected a range such as '>=3.19 <4' or '^22'"
# By how what cannot be read begins, or by what stands in it.
_INSTEAD = (
    (r"=>", "write '>='"),
    (r"=<", "write '<='"),
    (r"==", "write '='"),
    (r"~[>=]", "write '~1.2' for 1.2.x, or '^1.2' for 1.x from 1.2 on"),
    (r"<>|!", "write '!=' before a version"),
    (r"&", "write a blank: all bounds between two '||' must hold"),
    (r"\|", "write '||'"),
    (r"[\[(].*[\])]?", "write an interval as bounds: '>=1.0 <2.0'"),
    (r"[0-9]+(\.[0-9]+){4}", "a version has at most four numbers"),
    (r"[<>]=?\s*([<>]|$)", "write a version after it"),
    (r".*[xX*]\.", "write a wildcard last, as in '1.x'"),
    (r".*-0$", "write a prerelease or '-0', not both"),
    (r"[A-Za-z]", "what is no version is named as a tag or by 'regex'"),
)


def instead_of(text: str) -> str:
    """Say what to write instead of a part of a range that cannot be read.

    Args:
        text: the part.

    Returns:
        The rest of a sentence.
    """
    version = parse_version(text)
    if version is not None and version.build:
        return f"builds are not compared, so write {text.partition('_')[0]!r}"
    if version is not None and version.flavour and not re.match(r"[xX]|0$", version.flavour):
        return _instead_of_suffix(text, version.flavour)
    return next((hint for form, hint in _INSTEAD if re.match(form, text)), _EXPECTED)


def _instead_of_suffix(text: str, flavour: str) -> str:
    bare = text[: -len(flavour) - 1]
    if re.fullmatch(r"v?[0-9.]+", flavour) and ("." in flavour or "." not in bare):
        return f"write {f'{bare} - {flavour}'!r}, with blanks, for a span; a flavour is a field of its own"
    return f"write {bare!r}, for a flavour is a field of its own: 'flavour: {flavour}', or 'regex' for several"
