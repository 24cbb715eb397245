"""Templates and aliases of a task's text, which ACR's engine replaces before it reads YAML.

A template is kept, between two characters that no task holds, and written out again for the engine; ours are filled in.
An alias of the task's own is replaced here as the engine does, so that what is checked is what is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.domain.gate.given import VALUES
from shared.domain.gate.task import CLOSE, OPEN

_TEMPLATE = re.compile(r"\{\{[ \t]*\.(Run|Values|Secrets|Build)\.(\w+)[ \t]*(\|[ \t]*b64enc)?[ \t]*\}\}")
_ALIAS = re.compile(r"\$(\$|[A-Za-z0-9]+)")
_NAME = re.compile(r"[A-Za-z0-9]+")
_RUN = frozenset(
    (
        *("ID", "Commit", "Repository", "Branch", "GitTag", "TriggeredBy", "Registry", "RegistryName", "Date"),
        *("SharedVolume", "OS", "OSVersion", "Architecture", "TaskName"),
    )
)
Told = tuple[int, str]


def kept_templates(text: str) -> tuple[str, tuple[Told, ...]]:
    """Return a task's text with its templates as they are kept, and what is wrong with some, by line."""
    taken = re.search(f"[{OPEN}{CLOSE}]", text)
    problems = [(_line(text, taken.start()), _TAKEN)] if taken else []
    problems += [(_line(text, each.start()), told) for each in _TEMPLATE.finditer(text) for told in _unknown(each)]
    kept = _TEMPLATE.sub(_kept, text)
    problems += [(_line(kept, found.start()), _UNREAD) for found in re.finditer(r"\{\{", kept)]
    return kept, tuple(problems)


_TAKEN = "the characters U+E000 and U+E001 are used here for something else; leave them out"
_UNREAD = (
    "of templates, {{.Run.Name}}, {{.Values.name}} and {{.Secrets.name}} are read here, these with | b64enc, too; put "
    "what needs others into a script beside task.yaml"
)


def _unknown(found: re.Match[str]) -> tuple[str, ...]:
    of, name = found[1], found[2]
    if of == "Values" and found[3]:
        return ("b64enc is read here behind secrets alone",)
    if of == "Values" and name not in VALUES:
        return (f"there is no .Values.{name[:40]}; a gate is given {', '.join(VALUES)}",)
    if of == "Run" and name not in _RUN:
        return (f"ACR Tasks has no .Run.{name[:40]}",)
    return ()


def _kept(found: re.Match[str]) -> str:
    return f"{OPEN}.{found[1]}.{found[2]}{' | b64enc' if found[3] else ''}{CLOSE}"


def secrets_in(text: str) -> frozenset[str]:
    """Return the secrets that a kept text names."""
    return frozenset(re.findall(rf"{OPEN}\.Secrets\.(\w+)", text))


def aliases_of(plain: Any) -> tuple[dict[str, str], tuple[tuple[tuple[str, ...], str], ...]]:
    """Return a task's own aliases, and what is wrong with them, by path."""
    alias = plain.get("alias") if isinstance(plain, Mapping) else None
    if alias is None:
        return {}, ()
    if not isinstance(alias, Mapping):
        return {}, ((("alias",), "expected a mapping with values"),)
    values = alias.get("values") or {}
    problems = [
        (("alias", name), "only values are read here: what comes from elsewhere, or has another sign, is not checked")
        for name in alias
        if name != "values"
    ]
    good = {name: value for name, value in values.items() if _is_alias(name, value)} if _is_map(values) else {}
    if not _is_map(values) or len(good) < len(values):
        problems.append((("alias", "values"), "expected names of letters and digits, with texts of one line"))
    return good, tuple(problems)


def _is_map(values: Any) -> bool:
    return isinstance(values, Mapping)


def _is_alias(name: str, value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(name) is not None and "\n" not in value and "\r" not in value


def expanded(text: str, aliases: Mapping[str, str]) -> str:
    """Replace a task's own aliases; ACR's, and the sign that is written twice, are left for the engine."""

    def value(found: re.Match[str]) -> str:
        return aliases[found[1]].replace("$", "$$") if found[1] in aliases else found[0]

    return _ALIAS.sub(value, text)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
