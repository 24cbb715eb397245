"""YAML as nodes that know their lines, composed from events within bounds, so that no text can do harm.

Composing by the library recurses in C, where a text of brackets alone ends the process; here nothing recurses that the
text can deepen. Merge keys (https://yaml.org/type/merge.html) and aliases are followed, and what they stand for counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from shared.errors import WatchListError

MOST_VALUES = 200_000
DEEPEST = 100
_MOST_CHARACTERS = 4 * 1024 * 1024
_TOO_MUCH = f"the document has more than {MOST_VALUES} values, or is over {DEEPEST} deep, its aliases followed"
# The same loader, in C where PyYAML was built with it: ten times as fast for a long list.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Each is compared with all before it.
_MOST_DIRECTIVES = 10
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE, _NULL = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:null"
# Where the text of one of these does not end, the place where it began says more than that where this was noticed.
_BEGUN_AND_NOT_ENDED = ("flow sequence", "flow mapping", "quoted scalar")

Path = tuple[str | int, ...]
Told = tuple[Path, str]


class Node(msgspec.Struct):
    """A value with its line, and how much it stands for with its aliases followed.

    Attributes:
        line: from 1.
        text: a scalar as it is written, or ``None``; of collections ``None`` too.
        is_merge: whether a scalar is the key that merges.
        items: of a sequence.
        fields: of a mapping, what was merged included, each with the line of its key.
        merged: what a mapping merges, in order.
        values, characters, height: what it stands for.
    """

    line: int
    text: str | None = None
    is_merge: bool = False
    items: list[Node] | None = None
    fields: dict[str, tuple[int, Node]] | None = None
    merged: list[Node] = []
    values: int = 1
    characters: int = 0
    height: int = 0

    def plain(self) -> Any:
        """Return it as plain objects, without the fields of mappings whose names begin with ``x-``."""
        if self.fields is not None:
            return {name: node.plain() for name, (_, node) in self.fields.items() if not name.startswith("x-")}
        return self.text if self.items is None else [item.plain() for item in self.items]

    def line_of(self, path: Path) -> int:
        """Return the line of the deepest part of a path that there is."""
        node, line = self, self.line
        for part in path:
            child = node.child(part)
            if child is None:
                break
            line, node = child
        return line

    def child(self, part: str | int) -> tuple[int, Node] | None:
        """Return a field or an item with the line where it stands."""
        if self.fields is not None:
            return self.fields.get(str(part))
        if self.items is not None and isinstance(part, int) and part < len(self.items):
            return self.items[part].line, self.items[part]
        return None


class _Open(msgspec.Struct):
    """A collection whose end has not come yet."""

    node: Node
    anchor: str | None
    key: Node | None = None


def compose(text: bytes) -> tuple[Node, list[Told]]:
    """Read a YAML document.

    Args:
        text: UTF-8.

    Returns:
        The document, and what is wrong with its fields: path and problem.

    Raises:
        WatchListError: it is no YAML, or stands for too much; with the line.
    """
    if text.count(b"%TAG") > _MOST_DIRECTIVES:
        raise _no_yaml(1, "a list needs no %TAG")
    composer = _Composer()
    try:
        for event in yaml.parse(text.decode("utf-8-sig"), Loader=_LOADER):
            composer.take(event)
    except UnicodeDecodeError as error:
        raise _no_yaml(text.count(b"\n", 0, error.start) + 1, str(error)) from error
    except yaml.MarkedYAMLError as error:
        line, why = _of_mark(error)
        raise _no_yaml(min(line, len(text.splitlines()) or 1), why) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        position = getattr(error, "position", None)
        raise _no_yaml(text.count(b"\n", 0, position or 0) + 1, str(error)) from error
    return composer.root or Node(1), composer.problems


def _no_yaml(line: int, why: str) -> WatchListError:
    return WatchListError((f"line {line}: not YAML: {' '.join(why.split())[:300]}",))


def _of_mark(error: yaml.MarkedYAMLError) -> tuple[int, str]:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    context = error.context or ""
    if error.context_mark is None or not context:
        return line, str(error.problem)
    began = error.context_mark.line + 1
    if context.endswith(_BEGUN_AND_NOT_ENDED) and began != line:
        return began, f"{context} that begins here: {error.problem} up to line {line}"
    return line, f"{context} from line {began}: {error.problem}"


class _Composer:
    """Makes nodes of events, and stops as soon as there are too many."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Told] = []
        self._anchors: dict[str, Node] = {}
        self._open: list[_Open] = []
        self._values = 0
        self._characters = 0

    def take(self, event: Any) -> None:
        """Take the next event."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event, line), event.anchor, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin(Node(line, fields={}), event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin(Node(line, items=[]), event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end(line)
        elif isinstance(event, yaml.AliasEvent):
            self._follow(event.anchor, line)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _no_yaml(line, "another document begins here; a list is one document")

    def _begin(self, node: Node, anchor: str | None) -> None:
        if len(self._open) >= DEEPEST:
            raise WatchListError((f"line {node.line}: {_TOO_MUCH}",))
        self._anchors.pop(anchor or "", None)
        self._open.append(_Open(node, anchor))

    def _end(self, line: int) -> None:
        ended = self._open.pop()
        self._merge(ended.node)
        self._add(ended.node, ended.anchor, line, counted=0)

    def _follow(self, anchor: str | None, line: int) -> None:
        node = self._anchors.get(anchor or "")
        if node is None:
            within = any(each.anchor == anchor for each in self._open)
            why = "stands within what it names" if within else "has no anchor before it"
            raise _no_yaml(line, f"the alias *{anchor} {why}")
        self._add(node, None, line, counted=node.values - 1)

    def _add(self, node: Node, anchor: str | None, line: int, *, counted: int = 0) -> None:
        self._values += 1 + counted
        self._characters += node.characters if counted or not self._is_collection(node) else 0
        deep = len(self._open) + node.height > DEEPEST
        if deep or self._values > MOST_VALUES or self._characters > _MOST_CHARACTERS:
            raise WatchListError((f"line {line}: {_TOO_MUCH}",))
        if anchor:
            self._anchors[anchor] = node
        if self._open:
            self._put(self._open[-1], node)
        else:
            self.root = node

    @staticmethod
    def _is_collection(node: Node) -> bool:
        return node.items is not None or node.fields is not None

    def _put(self, into: _Open, node: Node) -> None:
        parent = into.node
        parent.values += node.values
        parent.characters += node.characters
        parent.height = max(parent.height, node.height + 1)
        if parent.items is not None:
            parent.items.append(node)
        elif into.key is None:
            into.key = node
        else:
            key, into.key = into.key, None
            self._field(parent, key, node)

    def _field(self, parent: Node, key: Node, node: Node) -> None:
        assert parent.fields is not None  # noqa: S101  for the type checker: only mappings have keys
        name = "null" if key.text is None else key.text
        if self._is_collection(key):
            self.problems.append((self._path(), "the name of a field must be text"))
        elif key.is_merge:
            self._note_merge(parent, node)
        else:
            if name in parent.fields:
                self.problems.append(((*self._path(), name), "the same field stands twice"))
            parent.fields[name] = key.line, node

    def _note_merge(self, parent: Node, node: Node) -> None:
        merged = [node] if node.items is None else node.items
        if any(each.fields is None for each in merged):
            self.problems.append(((*self._path(), "<<"), "expected a mapping, or a list of mappings, to merge"))
        parent.merged += [each for each in merged if each.fields is not None]

    @staticmethod
    def _merge(node: Node) -> None:
        """What the mapping says itself goes before what it merges, and what it merges first before the rest."""
        fields = node.fields or {}
        for other in node.merged:
            for name, field in (other.fields or {}).items():
                fields.setdefault(name, field)

    def _path(self) -> Path:
        """Return the path to the innermost open collection."""
        return tuple(
            len(each.node.items) if each.node.items is not None else (each.key.text or "") if each.key else ""
            for each in self._open[:-1]
        )


def _scalar(event: Any, line: int) -> Node:
    plain = not event.style and event.implicit[0]
    if event.tag == _NULL or (plain and event.value in _NULLS):
        return Node(line)
    # YAML can spell half a surrogate pair, which no file could store.
    text = event.value.encode(errors="backslashreplace").decode()
    is_merge = text == "<<" and (plain or event.tag == _MERGE)
    return Node(line, text, is_merge, characters=len(text))


def names_of(path: Path) -> Iterator[str]:
    """Yield the parts of a path as people write them, none longer than a hundred characters."""
    for number, part in enumerate(path):
        shown = str(part)[:100]
        yield f"[{shown}]" if isinstance(part, int) else f".{shown}" if number else shown
