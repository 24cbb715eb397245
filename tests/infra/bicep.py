"""Reads Bicep files as far as tests need: what is declared, what is used, and what is handed to modules.

Grammar: https://learn.microsoft.com/azure/azure-resource-manager/bicep/file
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

INFRA = Path(__file__).resolve().parents[2] / "infra"
MAIN = INFRA / "main.bicep"
FILES = [MAIN, *sorted((INFRA / "modules").glob("*.bicep"))]

_LANGUAGE = Language(tree_sitter_bicep.language())
_KINDS = {
    "parameter_declaration": "params",
    "variable_declaration": "variables",
    "resource_declaration": "resources",
    "module_declaration": "modules",
    "output_declaration": "outputs",
}
_LOOP_NAMES = {"loop_variable", "loop_enumerator"}


@dataclass
class BicepFile:
    """A file taken apart: names of each kind with the node that declares them."""

    path: Path
    root: Node
    params: dict[str, Node] = field(default_factory=dict)
    variables: dict[str, Node] = field(default_factory=dict)
    resources: dict[str, Node] = field(default_factory=dict)
    modules: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, Node] = field(default_factory=dict)
    imported: set[str] = field(default_factory=set)

    @property
    def symbols(self) -> set[str]:
        """Everything that expressions may name."""
        return {*self.params, *self.variables, *self.resources, *self.modules, *self.imported}

    def required(self) -> set[str]:
        """Parameters without a default."""
        return {name for name, node in self.params.items() if not any(child.type == "=" for child in node.children)}

    def module_file(self, symbol: str) -> Path:
        """The file that a module is."""
        return (self.path.parent / text(first(self.modules[symbol], "string_content"))).resolve()

    def passed(self, symbol: str) -> set[str]:
        """Parameters handed to a module."""
        params = properties(body(self.modules[symbol])).get("params")
        return set(properties(params)) if params else set()


def read(path: Path) -> BicepFile:
    """Take a file apart."""
    root = Parser(_LANGUAGE).parse(path.read_bytes()).root_node
    file = BicepFile(path, root)
    for node in root.named_children:
        if kind := _KINDS.get(node.type):
            getattr(file, kind)[text(first(node, "identifier"))] = node
        if node.type == "import_functionality":
            file.imported |= {text(child) for child in node.named_children if child.type == "identifier"} - {"from"}
    return file


def text(node: Node) -> str:
    """The source of a node."""
    return (node.text or b"").decode()


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the source."""
    yield node
    for child in node.children:
        yield from walk(child)


def of_type(node: Node, kind: str) -> Iterator[Node]:
    """All nodes of one type, in the order of the source."""
    return (found for found in walk(node) if found.type == kind)


def first(node: Node, kind: str) -> Node:
    """The first node of a type; decorators above a declaration do not count."""
    return next(found for child in node.named_children if child.type != "decorators" for found in of_type(child, kind))


def body(declaration: Node) -> Node:
    """The object that a resource, module or variable declares, be it in a loop or under a condition."""
    return next(found for found in walk(declaration) if found.type == "object")


def properties(node: Node) -> dict[str, Node]:
    """The properties of an object: value by name."""
    pairs = [child for child in node.named_children if child.type == "object_property"]
    return {text(pair.named_children[0]).strip("'"): pair.named_children[-1] for pair in pairs}


def strings(node: Node) -> list[str]:
    """Every plain piece of string below a node."""
    return [text(found) for found in of_type(node, "string_content")]


def errors(file: BicepFile) -> list[str]:
    """What the grammar does not accept, or reads as something else, with its line."""
    wrong = (node for node in walk(file.root) if node.type == "ERROR" or node.is_missing or _misread(node))
    return [f"{file.path.name}:{node.start_point.row + 1}: {text(node)[:60]}" for node in wrong]


def _misread(node: Node) -> bool:
    """The grammar takes a call within an array of one line for two elements, and then misses what it reads."""
    elements = node.named_children if node.type == "array" else []
    return any(left.end_byte == right.start_byte for left, right in pairwise(elements))


def resource_types(file: BicepFile) -> dict[str, str]:
    """``type@version`` of every resource, by its symbol."""
    return {symbol: text(first(node, "string_content")) for symbol, node in file.resources.items()}


def reads(node: Node, loops: frozenset[str] = frozenset()) -> Iterator[str]:
    """Every name that expressions below a node read, without the loop variables that are in force there."""
    if node.type == "for_statement":
        loops = loops | _loop_names(node)
    if node.type == "identifier":
        if text(node) not in loops:
            yield text(node)
        return
    for child in node.named_children:
        if child not in _not_read(node):
            yield from reads(child, loops)


def _loop_names(loop: Node) -> frozenset[str]:
    named = {text(node) for node in walk(loop) if node.type in _LOOP_NAMES}
    initializer = loop.child_by_field_name("initializer")
    return frozenset(named | ({text(initializer)} if initializer else set()))


def _not_read(node: Node) -> list[Node]:
    """Identifiers that name something new or something foreign: declarations, keys, functions."""
    if node.type in _KINDS or node.type == "object_property":
        named = [child for child in node.named_children if child.type == "identifier"]
        return named[:1] if named and named[0] != _value(node) else []
    if node.type == "call_expression":
        called = node.child_by_field_name("function")
        return [called] if called and called.type == "identifier" else []
    return [node.child_by_field_name("initializer")] if node.type == "for_statement" else []  # type: ignore[list-item]


def _value(node: Node) -> Node | None:
    return node.named_children[-1] if node.type == "object_property" else None


def calls(file: BicepFile) -> set[str]:
    """Names of the functions that a file calls."""
    called = (node.child_by_field_name("function") for node in of_type(file.root, "call_expression"))
    return {text(node) for node in called if node is not None and node.type == "identifier"}


def module_outputs_read(file: BicepFile) -> set[tuple[str, str]]:
    """(module, output) of everything read as ``module.outputs.output``."""
    return set(re.findall(r"\b(\w+)(?:\[[^\]]*\])?\.outputs\.(\w+)", text(file.root)))
