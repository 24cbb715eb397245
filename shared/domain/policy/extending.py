"""Taking in what a policy extends: field by field, each policy once, however long the chain and whoever names it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from shared.domain.policy.policy import Mode, Policy
from shared.domain.policy.promoting import Approval, Off
from shared.domain.shapes import Path

CHECKS = ("test", "scan", "signatures")
_MOST_SHOWN = 20

Fields = dict[str, Any]


class Placed(msgspec.Struct, frozen=True):
    """What is wrong with the policies of a list.

    Attributes:
        path: to the place, in its file.
        told: what was expected there.
        file: which of the files, from 0.
    """

    path: Path
    told: str
    file: int = 0


class Source(msgspec.Struct, frozen=True):
    """A policy as it is written, in a shape that is right.

    Attributes:
        fields: what it says.
        path: where it stands, in its file.
        file: which of the files, from 0.
    """

    fields: Fields
    path: Path
    file: int


class _Troubled(Exception):
    """A policy extends what there is not, or itself; or no test is named in it, nor in what it extends."""

    def __init__(self, source: Source, field: str, told: str) -> None:
        self.problem = Placed((*source.path, field), told, source.file)


class Extending:
    """Makes policies of what is written, and keeps what cannot be.

    Args:
        sources: the policies that others may extend, by their names.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._wholes: dict[str, Fields] = {}
        self.problems: list[Placed] = []
        self.named = {name: made for name in sources if (made := self.policy(name, sources[name])) is not None}

    def policy(self, name: str, source: Source) -> Policy | None:
        """Return a policy with all it extends taken in; or keep why there is none."""
        try:
            fields = _in_full(_tested(self._whole(name, source), source))
            return msgspec.convert({"name": name, **fields}, Policy, strict=False)
        except _Troubled as trouble:
            self.problems.append(trouble.problem)
        except msgspec.ValidationError as error:
            told = str(error)
            self.problems.append(Placed(source.path, told[0].lower() + told[1:], source.file))
        return None

    def names_test(self, fields: Fields) -> bool:
        """Whether a policy, or what it extends, says anything of the functional test."""
        seen: set[str] = set()
        while CHECKS[0] not in fields:
            parent = fields.get("extends")
            if not isinstance(parent, str) or parent in seen or parent not in self._sources:
                return False
            seen.add(parent)
            fields = self._sources[parent].fields
        return True

    def unknown(self, name: str) -> str:
        """Return what to say of a name that no policy has."""
        there = ", ".join(sorted(self._sources)[:_MOST_SHOWN]) or "none"
        return f"there is no policy called {name[:100]!r}; there are: {there}"

    def _whole(self, name: str, source: Source) -> Fields:
        """Return what a policy says with what it extends, and keep it for whoever extends the same."""
        chain, whole = [(name, source)], Fields()
        seen = {name} if self._sources.get(name) is source else set[str]()
        while (parent := chain[-1][1].fields.get("extends")) is not None:
            if parent in self._wholes:
                whole = self._wholes[parent]
                break
            self._check_parent(parent, chain, seen)
            seen.add(parent)
            chain.append((parent, self._sources[parent]))
        for each, written in reversed(chain):
            whole = merged(whole, written.fields)
            if self._sources.get(each) is written:
                self._wholes[each] = whole
        return whole

    def _check_parent(self, parent: str, chain: list[tuple[str, Source]], seen: Collection[str]) -> None:
        if parent in seen:
            names = [*(name for name, _ in chain[:_MOST_SHOWN]), *(["…"] if len(chain) > _MOST_SHOWN else []), parent]
            raise _Troubled(chain[0][1], "extends", f"{' extends '.join(names)}: a policy cannot extend itself")
        if parent not in self._sources:
            raise _Troubled(chain[-1][1], "extends", self.unknown(parent))


def _tested(whole: Fields, source: Source) -> Fields:
    """Return the fields of a policy. A test that is off needs no gate, and is then no test."""
    fields = {name: value for name, value in whole.items() if name != "extends"}
    test = fields.get("test")
    if not isinstance(test, dict) or "gate" in test:
        return fields
    if test.get("mode") != Mode.OFF.value:
        told = "no gate is named, neither here nor in what this extends; write test: {gate: …}"
        raise _Troubled(source, "test", told)
    return {name: value for name, value in fields.items() if name != "test"}


def _in_full(fields: Fields) -> Fields:
    """Return the fields of a policy without its short ways to say things."""
    full = {name: value for name, value in fields.items() if name in CHECKS or value != Off.OFF.value}
    if full.get("approval") == Approval.REQUIRED.value:
        full["approval"] = {}
    if full.get("signatures") == {"mode": Mode.OFF.value}:
        del full["signatures"]
    return full


def merged(below: Fields, on_top: Fields) -> Fields:
    """Return what two policies say, each check's fields by themselves; a check that is only a mode changes the mode.

    Args:
        below: what is extended.
        on_top: what goes before it.
    """
    checks = {name: _check(below.get(name), on_top.get(name)) for name in CHECKS}
    return {**below, **on_top, **{name: fields for name, fields in checks.items() if fields is not None}}


def _check(below: object, on_top: object) -> object:
    if on_top is None or below is None:
        return _opened(below if on_top is None else on_top)
    lower, upper = _opened(below), _opened(on_top)
    return {**lower, **upper} if isinstance(lower, dict) and isinstance(upper, dict) else upper


def _opened(check: object) -> object:
    return {"mode": check} if isinstance(check, str) else check
