"""Policies and waivers as files: YAML texts in, records out, and every problem with the line it stands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from shared.domain.policy.policy import Mode, Policy
from shared.domain.policy.reading import OnePolicy, Policies, read_policies
from shared.domain.scan.waivers import Waiver, read_waivers
from shared.errors import MalformedInput, WatchListError
from shared.yaml_nodes import Node, Path, compose, names_of

LARGEST_FILE = 1024 * 1024
_MOST_TOLD = 100
# A file that says one of these holds many policies; any other is one policy.
_OF_LISTS = frozenset({"policies", "defaults", "images"})
_ALONE = "policy"
_PREVIEWED = "preview"
_MOST_NAMED = 20


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


def read_one_policy(text: bytes, named: Mapping[str, Policy]) -> OnePolicy:
    """Read the mapping of one policy, or the name of one.

    Args:
        text: YAML, UTF-8.
        named: the policies that are known by name, which it may extend.

    Raises:
        MalformedInput: it is neither; every problem is in the message, with its line.
    """
    root, problems = _composed(text)
    document = root.plain()
    if isinstance(document, str) and document in named and not problems:
        return OnePolicy(named[document], says_test=named[document].test is not None)
    fields = document if isinstance(document, dict) else {}
    below = named.get(extended) if isinstance(extended := fields.get("extends"), str) else None
    # What is extended must not bear the name of what extends it.
    name = _PREVIEWED if extended != _PREVIEWED else f"{_PREVIEWED}-2"
    known = {extended: _written(below)} if below is not None else {}
    policies, wrong = read_policies({"policies": {**known, name: document}})
    problems += _unknown(document, extended, named) or [(placed.path[2:], placed.told) for placed in wrong]
    if problems or policies is None:
        raise MalformedInput("\n".join(_told(root, problems)))
    return OnePolicy(policies.named[name], "test" in fields or (below is not None and below.test is not None))


def _unknown(document: object, extended: object, named: Mapping[str, Policy]) -> list[tuple[Path, str]]:
    """Tell of a name that no policy has, with those that there are."""
    wanted, path = (document, ()) if isinstance(document, str) else (extended, ("extends",))
    if not isinstance(wanted, str) or wanted in named:
        return []
    there = ", ".join(sorted(named)[:_MOST_NAMED]) or "none"
    return [(path, f"there is no policy called {wanted[:100]!r}; there are: {there}")]


def _written(policy: Policy) -> dict[str, object]:
    """Return a policy as it could be written; what it does not say is left out, a check that says nothing is not."""
    fields = msgspec.to_builtins(policy).items()
    said = {name: value for name, value in fields if name != "name" and value not in (None, False, (), [])}
    return said or {"test": Mode.OFF.value}


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
