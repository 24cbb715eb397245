"""What is wrong with the shape of a document, all at once: unknown and missing fields, and values of other kinds."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import msgspec

Path = tuple[str | int, ...]
Told = tuple[Path, str]


def shape_problems(value: object, kind: Any, path: Path = ()) -> Iterator[Told]:
    """Find everything that a document has and its kind does not allow, or the other way round.

    msgspec stops at the first problem; a person wants them all, so the document is taken apart.

    Args:
        value: plain objects, with every scalar a string.
        kind: what it should be.
        path: to the value.

    Returns:
        Every problem: the path to it and what was expected there.
    """
    inner, is_struct = _inner(kind, value)
    if is_struct and isinstance(value, dict):
        yield from _field_problems(value, inner, path)
    elif get_origin(inner) is list and isinstance(value, list):
        yield from _list_problems(value, kind, inner, path)
    else:
        yield from _leaf_problems(value, kind, path)


def _inner(kind: Any, value: object) -> tuple[Any, bool]:
    """The kind without its limits, and whether it is a record. Among several kinds, an object means the record."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    choice = get_args(bare) if get_origin(bare) is UnionType else (bare,)
    record = next((each for each in choice if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)
    if record is not None and (isinstance(value, dict) or len(choice) == 1):
        return record, True
    return bare, False


def _field_problems(value: dict[str, object], kind: Any, path: Path) -> Iterator[Told]:
    fields = _fields(kind)
    expected = ", ".join(fields)
    for name in sorted(value.keys() - fields.keys()):
        yield (*path, name), f"unknown field; expected {expected}"
    for name, field in fields.items():
        if name in value:
            yield from shape_problems(value[name], field.type, (*path, name))
        elif field.required:
            yield path, f"the field {name!r} is missing"


@cache
def _fields(kind: Any) -> dict[str, msgspec.structs.FieldInfo]:
    """Kept, because msgspec evaluates the annotations anew each time: that is most of the time a long list takes."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _list_problems(value: list[object], kind: Any, inner: Any, path: Path) -> Iterator[Told]:
    for index, item in enumerate(value):
        yield from shape_problems(item, get_args(inner)[0], (*path, index))
    yield from _leaf_problems([None] * len(value), _lengths_only(kind), path)


def _lengths_only(kind: Any) -> Any:
    return Annotated[(list[Any], *get_args(kind)[1:])] if get_origin(kind) is Annotated else list[Any]


def _leaf_problems(value: object, kind: Any, path: Path) -> Iterator[Told]:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        message = str(error)
        yield path, f"{message[0].lower()}{message[1:]}{_instead(message, kind)}"


def _instead(message: str, kind: Any) -> str:
    """What people could write: a word that is not there, and a pattern, alone tell nobody."""
    if message.startswith("Invalid enum value"):
        return f"; expected {', '.join(_words(kind))}"
    example = next(iter(_examples(kind)), "") if "matching regex" in message else ""
    return f", such as {example}" if isinstance(example, str) and example else ""


def _words(kind: Any) -> Iterator[str]:
    """All words first; and that a mapping may stand there as well."""
    inner = (kind, *_inside(kind))
    for one in inner:
        if isinstance(one, type) and issubclass(one, Enum):
            yield from (str(member.value) for member in one)
    if any(isinstance(one, type) and issubclass(one, msgspec.Struct) for one in inner):
        yield "or a mapping"


def _inside(kind: Any) -> Iterator[Any]:
    for one in get_args(kind):
        yield one
        yield from _inside(one)


def _examples(kind: Any) -> Iterator[object]:
    for one in _inside(kind):
        yield from (one.examples or ()) if isinstance(one, msgspec.Meta) else ()
