"""JSON Schemas of the records that the API takes and gives, with what the records themselves say of their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable
from inspect import cleandoc
from typing import Any

import msgspec

REFERENCE = "#/components/schemas/{name}"
_FIELD = re.compile(r"^    (?P<name>\w+): (?P<text>.+(?:\n {8}.+)*)$", re.MULTILINE)
_FIELDS, _MARK = "\nAttributes:\n", "``"
# Two records of one name are told apart by their modules, whose place nobody outside needs to know.
_MODULES = "shared."
Schema = dict[str, Any]


def schemas(kinds: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schemas of some types.

    Args:
        kinds: the types.

    Returns:
        The schema of each, and those that they refer to, by name.
    """
    kinds = tuple(kinds)
    each, named = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    bases = {one.__name__: _said_of_bases(one) for one in kinds if isinstance(one, type)}
    told = {_short(name): _renamed(_told(schema, bases.get(name, {}))) for name, schema in named.items()}
    return [_renamed(one) for one in each], told


def _told(schema: Schema, more: dict[str, str]) -> Schema:
    """What a record's docstring says of its fields stands with the fields."""
    whole, said = _said(schema.get("description", ""))
    said = more | said
    properties = {name: _described(one, said.get(name, "")) for name, one in schema.get("properties", {}).items()}
    described = {"description": whole} if whole else {}
    return {**schema, **described, **({"properties": properties} if properties else {})}


def _said(docstring: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of the whole, and of each field."""
    whole, _, fields = cleandoc(docstring).replace(_MARK, "`").partition(_FIELDS)
    return whole.strip(), {one["name"]: " ".join(one["text"].split()) for one in _FIELD.finditer(fields)}


def _said_of_bases(kind: type) -> dict[str, str]:
    said: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        said |= _said(base.__doc__ or "")[1] if issubclass(base, msgspec.Struct) else {}
    return said


def _described(schema: Schema, text: str) -> Schema:
    return {"description": text, **schema} if text else schema


def _renamed(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _referred(one) if name == "$ref" else _renamed(one) for name, one in part.items()}
    return [_renamed(one) for one in part] if isinstance(part, list) else part


def _referred(reference: str) -> str:
    before, _, name = reference.rpartition("/")
    return f"{before}/{_short(name)}"


def _short(name: str) -> str:
    return ".".join(name.split(".")[-2:]) if name.startswith(_MODULES) else name
