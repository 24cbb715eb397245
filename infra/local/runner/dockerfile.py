"""The base images a Dockerfile names.

ARG and FROM as https://docs.docker.com/reference/dockerfile/ describes them; the roles of the stages as ACR's
dependency scanner gives them: the last stage's base is the runtime dependency, all other bases are build-time ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.local.runner.errors import EngineError

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:[-+])([^}]*))?\})")
SCRATCH = "scratch"


@dataclass(frozen=True)
class Bases:
    """The images a build starts from, as written after substitution; ``runtime`` is empty for ``scratch``."""

    runtime: str
    build_time: tuple[str, ...]


def read_bases(text: str, arguments: Mapping[str, str], target: str | None) -> Bases:
    """Return the images named by FROM, up to the stage ``target`` if one is given.

    Raises:
        EngineError: a FROM that cannot be read, as with ``--platform``, stays blank after substitution, or none at all.
    """
    origins: dict[str, str] = {}  # name of a stage → the image it goes back to
    images: list[str] = []
    last = None
    for image, name in _stages(text, arguments):
        last = origins.get(image.lower(), image)
        images.append(last)
        if name:
            origins[name] = last
        if target and name == target.lower():
            break
    if last is None:
        raise EngineError("unexpected dockerfile format: it holds no FROM")
    others = tuple(dict.fromkeys(i for i in images if i not in (last, SCRATCH)))
    return Bases("" if last == SCRATCH else last, others)


def _stages(text: str, arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    known: dict[str, str] = {}
    seen_from = False
    for line in instructions(text):
        keyword, _, rest = line.partition(" ")
        if keyword.upper() == "ARG" and not seen_from:  # an ARG inside a stage is invisible to FROM
            known |= _declared(rest, arguments, known)
        elif keyword.upper() == "FROM":
            seen_from = True
            yield _from(rest, known)


def instructions(text: str) -> Iterator[str]:
    """Yield logical lines: comments and blank lines dropped, continuations joined, white space made single."""
    pending = ""
    for line in text.removeprefix("\ufeff").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pending += line.rstrip()
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        yield " ".join(pending.split())
        pending = ""
    if pending:
        yield " ".join(pending.split())


def _declared(rest: str, arguments: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    declared = {}
    for word in rest.split():
        name, _, default = word.partition("=")
        declared[name] = arguments.get(name, substitute(default.strip("\"'"), known))
    return declared


def _from(rest: str, known: Mapping[str, str]) -> tuple[str, str]:
    words = rest.split()
    # The scanner knows no flags: with one, the image stands where it expects AS.
    if not words or words[0].startswith("--") or (len(words) > 1 and (len(words) != 3 or words[1].lower() != "as")):
        raise EngineError(f"unable to understand line FROM {rest}")
    image = substitute(words[0].strip("\"'"), known)
    if not image:
        raise EngineError(f"base name ({words[0]}) should not be blank")
    return image, words[2].lower() if len(words) == 3 else ""


def substitute(text: str, known: Mapping[str, str]) -> str:
    """Replace ``$name``, ``${name}``, ``${name:-word}`` and ``${name:+word}``; an unknown name is empty."""

    def value(match: re.Match[str]) -> str:
        found = known.get(match[1] or match[2], "")
        if match[3] == ":-":
            return found or match[4]
        if match[3] == ":+":
            return match[4] if found else ""
        return found

    return _VARIABLE.sub(value, text)
