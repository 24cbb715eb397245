"""A document of what people decided, held to its grammar before anything of it is taken. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shared.domain.decisions.records import FORMAT, Decisions, SaidOfTarget
from shared.domain.promotion.rulings import Kind, Ruling
from shared.domain.promotion.target import parts_of_target, target_id
from shared.domain.promotion.waiving import ends
from shared.domain.references import parse_digest, parse_repository, parse_tag
from shared.errors import InvalidReference, MalformedInput

# Clocks of two machines differ.
_AHEAD = timedelta(minutes=5)
_LONGEST_TEXT, _MOST_PROBLEMS = 2000, 10
# More than any record holds; a row of a table holds no more.
_MOST_OF_A_KIND = 200
# Milliseconds, as orders are, to the last year there is.
_LAST_ORDER = 253_402_300_799_000
_DIGESTS = frozenset({"digest", "wanted", "instead"})
_DECODER = msgspec.json.Decoder(Decisions)


def read_decisions(text: bytes, now: datetime) -> Decisions:
    """Read a document; nothing of it is taken unless all of it is right.

    Args:
        text: JSON.
        now: UTC.

    Raises:
        MalformedInput: it is none, of a later format, or says what cannot be; the first ten problems are named.
    """
    try:
        decisions = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedInput(f"this is no document of decisions, as `tidegate export` writes it: {error}") from None
    if decisions.tidegate > FORMAT:
        told = f"the document has format {decisions.tidegate}, and this version reads up to {FORMAT}"
        raise MalformedInput(f"{told}; import it by the version that wrote it, or a later one")
    if problems := _first(problems_with(decisions, now)):
        raise MalformedInput(f"nothing of the document was taken: {'; '.join(problems)}")
    return decisions


def problems_with(decisions: Decisions, now: datetime) -> Iterator[str]:
    """Say what a document says that cannot be."""
    yield from _of_registry(decisions.registry)
    if decisions.exported_at > now + _AHEAD:
        yield f"exported_at: {decisions.exported_at.isoformat()} is to come; is a clock wrong?"
    yield from _of_rulings(decisions.rulings)
    yield from _of_targets(decisions.targets)
    latest = min(decisions.exported_at, now) + _AHEAD
    yield from _of_values("document", msgspec.to_builtins(decisions, builtin_types=(datetime,)), latest)


def _of_registry(name: str) -> Iterator[str]:
    if not (name.isalnum() and name.isascii()):
        yield f"registry: {name[:80]!r} is not the name of a registry"


def _of_rulings(rulings: Iterable[Ruling]) -> Iterator[str]:
    seen: set[tuple[Kind, str]] = set()
    for one in rulings:
        if one.kind is Kind.BLOCK:
            yield from _tried(parse_digest, one.subject, "rulings")
        if (one.kind, one.subject) in seen:
            yield f"rulings: {one.subject[:80]!r} stands there twice"
        seen.add((one.kind, one.subject))


def _of_targets(targets: Iterable[SaidOfTarget]) -> Iterator[str]:
    seen: set[str] = set()
    for one in targets:
        name = target_id(one.registry, one.repository, one.tag)
        yield from _tried(parts_of_target, name, "targets")
        yield from _of_registry(one.registry)
        yield from _tried(parse_repository, str(one.origin.source), name)
        yield from _tried(parse_tag, one.origin.source_tag, name)
        yield from _of_target(one, name)
        if name in seen:
            yield f"targets: {name[:200]} stands there twice"
        seen.add(name)


def _of_target(one: SaidOfTarget, name: str) -> Iterator[str]:
    """What everybody reads of it has to be told a time by."""
    if any(not 0 <= sighting.order <= _LAST_ORDER for sighting in one.sightings):
        yield f"{name[:200]}: the order of a sighting tells no time"
    if wrong := [waived.until for waived in one.waived if not ends(waived)]:
        yield f"{name[:200]}: {wrong[0][:40]!r}, until when something is waived, is neither a day nor a time"


def _of_values(where: str, value: Any, latest: datetime) -> Iterator[str]:
    """What stands anywhere in it: texts that can be shown, digests that are some, times that have been."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _of_values(f"{where}.{name}", one, latest)
    elif isinstance(value, list | tuple):
        deep = where.count(".") > 1
        if deep and len(value) > _MOST_OF_A_KIND:
            yield f"{where}: there are {len(value)} of them; a record holds at most {_MOST_OF_A_KIND}"
        for one in value[: _MOST_OF_A_KIND if deep else None]:
            yield from _of_values(where, one, latest)
    elif isinstance(value, str):
        yield from _of_text(where, value)
    elif isinstance(value, datetime):
        yield from _of_time(where, value, latest)


_SAID_AT = ("at", "since", "made", "revoked")


def _of_time(where: str, value: datetime, latest: datetime) -> Iterator[str]:
    """Whoever says something tomorrow would overrule what is said today."""
    if value.tzinfo is None:
        yield f"{where}: {value.isoformat()} names no zone"
    elif where.endswith(_SAID_AT) and value > latest:
        yield f"{where}: {value.isoformat()} is later than the document itself"


def _of_text(where: str, text: str) -> Iterator[str]:
    name = where.rpartition(".")[2]
    if len(text) > _LONGEST_TEXT or (text and not text.isprintable()):
        yield f"{where}: a text of {len(text)} characters, which is too long or cannot be printed"
    elif name in _DIGESTS and text:
        yield from _tried(parse_digest, text, where)


def _tried(parse: Callable[[str], object], text: str, where: str) -> Iterator[str]:
    try:
        parse(text)
    except InvalidReference as error:
        yield f"{where}: {error}"


def _first(problems: Iterator[str]) -> list[str]:
    return [problem for problem, _ in zip(problems, range(_MOST_PROBLEMS), strict=False)]
