"""Policies and waivers as files: YAML texts in, records out, and every problem with the line it stands on."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.policy.reading import Policies, read_policies
from shared.domain.scan.waivers import Waiver, read_waivers
from shared.errors import MalformedInput, WatchListError
from shared.yaml_nodes import Node, Path, compose, names_of

LARGEST_FILE = 1024 * 1024
_MOST_TOLD = 100
# A file that says one of these holds many policies; any other is one policy.
_OF_LISTS = frozenset({"policies", "defaults", "images"})
_ALONE = "policy"


class PolicyFile(msgspec.Struct, frozen=True):
    """What a file says of policies.

    Attributes:
        policies: all of them.
        alone: the policy, where the file is the mapping of one policy.
    """

    policies: Policies
    alone: Policy | None = None


def read_policy_file(text: bytes) -> PolicyFile:
    """Read a file of policies: a watch list with ``policies`` and ``defaults``, or the mapping of one policy.

    Args:
        text: YAML, UTF-8.

    Raises:
        MalformedInput: it is no such file; every problem is in the message, with its line.
    """
    root, problems = _composed(text)
    document = root.plain()
    alone = isinstance(document, dict) and not _OF_LISTS & document.keys()
    policies, wrong = read_policies({"policies": {_ALONE: document}} if alone else document)
    depth = len(("policies", _ALONE)) if alone else 0
    problems += [(placed.path[depth:], placed.told) for placed in wrong]
    if not isinstance(document, dict):
        problems.append(((), "expected a policy, or a list with policies"))
    if problems or policies is None:
        raise MalformedInput("\n".join(_told(root, problems)))
    return PolicyFile(policies, policies.named[_ALONE] if alone else None)


def read_waiver_file(text: bytes) -> tuple[Waiver, ...]:
    """Read a file of waivers: a list of mappings with id, package, reason, by and until.

    Args:
        text: YAML or JSON, UTF-8.

    Raises:
        MalformedInput: it is no such file; every problem is in the message, with its line.
    """
    root, problems = _composed(text)
    waivers, wrong = read_waivers(root.plain())
    problems += wrong
    if problems:
        raise MalformedInput("\n".join(_told(root, problems)))
    return waivers


def _composed(text: bytes) -> tuple[Node, list[tuple[Path, str]]]:
    if len(text) > LARGEST_FILE:
        raise MalformedInput(f"it has more than {LARGEST_FILE} bytes")
    try:
        return compose(text)
    except WatchListError as error:
        raise MalformedInput("\n".join(error.problems)) from error


def _told(root: Node, problems: Iterable[tuple[Path, str]]) -> list[str]:
    found = list(problems)
    lines = [_placed(root, path, told) for path, told in found[:_MOST_TOLD]]
    return [*lines, f"and {len(found) - _MOST_TOLD} more problems"] if len(found) > _MOST_TOLD else lines


def _placed(root: Node, path: Path, told: str) -> str:
    return f"line {root.line_of(path)}: {''.join(names_of(path)) or 'the document'}: {told[:500]}"
