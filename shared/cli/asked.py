"""What commands that judge by a policy ask for and print alike."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from shared.cli.exits import UNREADABLE, USAGE, Ends
from shared.cli.text import printable
from shared.config import addresses
from shared.domain.policy.policy import NAME_PATTERN, Policy
from shared.domain.scan.waivers import end_of
from shared.errors import MalformedInput
from shared.policy_yaml import LARGEST_FILE, PolicyFile, read_policy_file

_NOT_PLAIN = re.compile(r"[^ -~]+")
T = TypeVar("T")


def check_given(asked: argparse.Namespace) -> None:
    """Check that no argument is given and empty, as by a script whose variable is not set.

    Raises:
        Ends: one is; it must not pass for one that is not given.
    """
    for name, value in vars(asked).items():
        if value == "" or (isinstance(value, list) and "" in value):
            raise Ends(USAGE, f"--{name.replace('_', '-')} is empty; leave it out, or say what is meant")


def base_of(asked: argparse.Namespace) -> str:
    """Return the base registry's login server, from which nobody watches: as asked, or as the settings say."""
    return str(asked.base or addresses()["base_login_server"])


def policy_of(name: str, wanted: str | None) -> Policy:
    """Return the policy that is meant.

    Args:
        name: the file: one policy's mapping, or a list with policies.
        wanted: which one of a list; ``None`` for its default, or the only one.

    Raises:
        Ends: there is none, or the file is not what it should be.
    """
    file = content_of(name, read_policy_file, LARGEST_FILE)
    if file.alone is not None:
        if wanted and not NAME_PATTERN.match(wanted):
            raise Ends(USAGE, f"--name: {wanted!r} is no name of a policy")
        return msgspec.structs.replace(file.alone, name=wanted) if wanted else file.alone
    policy = file.policies.of(wanted) if wanted else _only(file)
    if policy is not None:
        return policy
    there = ", ".join(file.policies.names[:20]) or "none"
    told = f"{name} has no policy {wanted!r}" if wanted else f"say by --name which policy of {name} is meant"
    raise Ends(USAGE, f"{told}; there are: {there}")


def _only(file: PolicyFile) -> Policy | None:
    """Return the policy that a list means where nobody names one: its default, or the only one it has."""
    found = file.policies.defaults or tuple(file.policies.named.values())
    return found[0] if len(found) == 1 else None


def time_of(said: str | None) -> datetime:
    """Return the time that is meant; now if none is.

    Raises:
        Ends: it is none.
    """
    if said is None:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(said).replace(tzinfo=UTC) if len(said) == len("2026-12-31") else end_of(said)
    except ValueError as error:
        raise Ends(USAGE, f"--at: {said!r} is neither a day, 2026-12-31, nor a time in RFC 3339") from error


def content_of(name: str, read: Callable[[bytes], T], largest: int) -> T:
    """Return what a file says.

    Args:
        name: the file.
        read: reads its content.
        largest: how many bytes it may have; what is larger is handed over with one byte more, and refused by ``read``.

    Raises:
        Ends: it is missing, or not what it should be.
    """
    try:
        with Path(name).open("rb") as file:
            return read(file.read(largest + 1))
    except OSError as error:
        raise Ends(UNREADABLE, f"{name} cannot be read: {error.strerror}") from error
    except MalformedInput as error:
        lines = str(error).splitlines() or [""]
        raise Ends(UNREADABLE, "\n".join(f"{name}, {printable(line)}" for line in lines)) from error


def document(decision: msgspec.Struct) -> str:
    """Return a decision as JSON in ASCII: names from an image do nothing to a terminal, and any output takes it."""
    return _NOT_PLAIN.sub(_escaped, msgspec.json.encode(decision).decode())


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
