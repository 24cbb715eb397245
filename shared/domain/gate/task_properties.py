"""The properties that ACR Tasks' engine reads from YAML, and of what kind each is.

From its source (https://github.com/Azure/acr-builder, ``graph``), and two names that its documentation has besides. It
passes over all others, so that a misspelt one would do nothing; here each is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.gate.task import Value

Told = tuple[tuple[str | int, ...], str]
Read = Callable[[Any, tuple[str | int, ...], list[Told]], Value]

# Bytes of one text. ACR's engine reads a task by lines, and drops all that follows one of 64 KiB.
LONGEST_TEXT = 16 * 1024
_BOOLEANS = {**dict.fromkeys(("true", "yes", "on", "y"), True), **dict.fromkeys(("false", "no", "off", "n"), False)}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WHOLE = re.compile(r"[0-9]{1,9}")


def text(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> str:
    """Read a text."""
    if not isinstance(value, str):
        problems.append((path, "expected text"))
        return ""
    if len(value.encode()) > LONGEST_TEXT:
        problems.append((path, f"a text of more than {LONGEST_TEXT} bytes; put it into a file beside task.yaml"))
    if _CONTROL.search(value):
        problems.append((path, "a control character; put it into a file beside task.yaml"))
    return value


def whole(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> int:
    """Read a whole number."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    problems.append((path, "expected a whole number, such as 30"))
    return 0


def flag(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> bool:
    """Read a truth value, spelt as YAML 1.1 does."""
    found = _BOOLEANS.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        problems.append((path, "expected true or false"))
    return bool(found)


def listed(each: Read) -> Read:
    """Return a reader of lists."""

    def read(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> Value:
        if not isinstance(value, list):
            problems.append((path, "expected a list"))
            return ()
        return tuple(each(item, (*path, place), problems) for place, item in enumerate(value))

    return read


def mapped(known: Mapping[str, Read], needed: tuple[str, ...] = ()) -> Read:
    """Return a reader of mappings with known fields."""

    def read(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> Value:
        if not isinstance(value, Mapping):
            problems.append((path, f"expected a mapping of {', '.join(known)}"))
            return {}
        problems += [((*path, name), "ACR Tasks knows no such property") for name in value if name not in known]
        problems += [(path, f"{name} is missing") for name in needed if not value.get(name)]
        return {
            name: known[name](item, (*path, name), problems)
            for name, item in value.items()
            if name in known and item is not None
        }

    return read


def texts_by_name(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> Value:
    """Read a mapping of texts, whatever they are called."""
    if not isinstance(value, Mapping):
        problems.append((path, "expected a mapping of texts"))
        return {}
    return {name: text(item, (*path, name), problems) for name, item in value.items()}


def variable(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> str:
    """Read ``NAME=value``."""
    read = text(value, path, problems)
    if not read.partition("=")[0] or "=" not in read:
        problems.append((path, "expected NAME=value"))
    return read


def variables_of_task(value: Any, path: tuple[str | int, ...], problems: list[Told]) -> str:
    """Read what a task sets for all steps: the engine splits each at its commas."""
    read = variable(value, path, problems)
    if any("=" not in part for part in read.split(",")):
        problems.append((path, "ACR's engine splits this at its commas; set it in the steps' own env"))
    return read


_TEXTS = listed(text)
_NETWORK = mapped({"name": text, "driver": text, "ipv6": flag, "skipCreation": flag, "isDefault": flag}, ("name",))
SECRET = mapped({"id": text, "keyvault": text, "clientID": text}, ("id", "keyvault"))
TASK: Mapping[str, Read] = {
    "stepTimeout": whole,
    "workingDirectory": text,
    "env": listed(variables_of_task),
    "secrets": listed(SECRET),
    "networks": listed(_NETWORK),
    "volumes": listed(mapped({"name": text, "secret": texts_by_name}, ("name", "secret"))),
}
STEP: Mapping[str, Read] = {
    **dict.fromkeys(("cmd", "build", "workingDirectory", "entryPoint", "user", "network"), text),
    **dict.fromkeys(("isolation", "cpus", "cache"), text),
    **dict.fromkeys(("push", "expose", "ports", "retryOnErrors"), _TEXTS),
    **dict.fromkeys(("timeout", "startDelay", "retries", "retryDelay", "repeat"), whole),
    **dict.fromkeys(("cmdDownloadRetries", "cmdDownloadRetryDelay", "downloadRetries", "downloadRetryDelay"), whole),
    **dict.fromkeys(("keep", "detach", "privileged", "ignoreErrors", "pull"), flag),
    **dict.fromkeys(("exitedWith", "exitedWithout"), listed(whole)),
    "disableWorkingDirectoryOverride": flag,
    "env": listed(variable),
    "volumeMounts": listed(mapped({"name": text, "mountPath": text}, ("name", "mountPath"))),
}
