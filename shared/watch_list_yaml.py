"""The watch list as a file: YAML text in, a valid list out, and every problem with the line it stands on."""

from __future__ import annotations

from typing import Any

import yaml

from shared.domain.watching.watch_list import Path, WatchList, read
from shared.errors import WatchListError

LARGEST_WATCH_LIST = 1024 * 1024
_MOST_NODES = 200_000
_DEEPEST = 100
# The same loader, in C where PyYAML was built with it: ten times as fast for a long list.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_watch_list(text: bytes) -> WatchList:
    """Read a watch list.

    Every scalar is taken as it is written: ``3.10`` and ``22.04`` are tags, not numbers.

    Args:
        text: YAML, UTF-8, at most 1 MiB.

    Returns:
        The valid list.

    Raises:
        WatchListError: every problem, with its path in the document and its line in the file.
    """
    if len(text) > LARGEST_WATCH_LIST:
        raise WatchListError((f"the file has {len(text)} bytes; a watch list has at most {LARGEST_WATCH_LIST}",))
    root = _compose(text)
    duplicates = tuple(_shown(path, problem, root) for path, problem in _doubled_keys(root))
    watch_list, problems = read(_plain(root))
    if duplicates or watch_list is None:
        raise WatchListError((*duplicates, *(_shown(path, problem, root) for path, problem in problems)))
    return watch_list


def _compose(text: bytes) -> yaml.Node | None:
    try:
        root = yaml.compose(text.decode("utf-8-sig"), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, OverflowError, RecursionError) as error:
        raise WatchListError((f"not YAML: {' '.join(str(error).split())[:300]}",)) from error
    if not _fits(root):
        limits = f"{_MOST_NODES} values, {_DEEPEST} deep"
        raise WatchListError((f"the document has more than {limits}, once its aliases are followed",))
    return root


def _fits(root: yaml.Node | None) -> bool:
    """Aliases may make a small file stand for a huge document, for a bottomless one, or for an endless one."""
    left, stack = _MOST_NODES, [(root, 0)]
    while stack and left > len(stack):
        left -= 1
        node, depth = stack.pop()
        if depth > _DEEPEST:
            return False
        stack.extend((child, depth + 1) for child in _children(node))
    return not stack


def _children(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _plain(node: yaml.Node | None) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {str(_plain(key)): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:null":
        return node.value.encode(errors="backslashreplace").decode()  # YAML can spell half a surrogate pair
    return None


def _doubled_keys(node: yaml.Node | None, path: Path = ()) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(_plain(key))
            found += [((*path, name), "the same field stands twice")] if name in seen else []
            seen.add(name)
            found += _doubled_keys(value, (*path, name))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            found += _doubled_keys(item, (*path, index))
    return found


def _shown(path: Path, problem: str, root: yaml.Node | None) -> str:
    dotted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    return f"line {_line(path, root)}: {dotted or 'the document'}: {problem}"


def _line(path: Path, node: yaml.Node | None) -> int:
    """Return the 1-based line of the deepest part of a path that is in the document."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        child = _child(node, part)
        if child is None:
            break
        line, node = child
    return line


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        pairs = [(key, value) for key, value in node.value if str(_plain(key)) == part]
        return (pairs[-1][0].start_mark.line + 1, pairs[-1][1]) if pairs else None
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None
