"""Reading policies that a YAML reader has made plain objects of: all of a watch list's files, and all that is wrong.

A list's ``policies`` are named; ``defaults`` and entries say by ``policy`` which one is meant, or write one of their
own. ``gate`` is shorthand: it says the test's gate on top of the policy that holds otherwise. That of the defaults goes
before the test of the defaults' policy, and stands back behind the test of a policy that an entry says itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.policy.extending import CHECKS, Extending, Fields, Placed, Source, merged
from shared.domain.policy.policy import NAME_PATTERN, NAMED, Mode, Policy, ScanCheck, Untested
from shared.domain.policy.promoting import Approval, ApprovalCheck, Freeze, Off, SpanOrOff
from shared.domain.policy.rebuilding import Rebuilding
from shared.domain.policy.signing import SignatureCheck
from shared.domain.shapes import Path, Told, shape_problems

MOST_POLICIES = 1000
_NO_TEST = "none"
_DEFAULTS: Path = ("defaults",)
# Entries of this registry are tools, which are promoted nowhere and so must pass nothing.
_TOOLS = "staging"
_NOT_A_POLICY = "expected a policy: a mapping with test, scan, another check or extends"
_EXPECTED = dict.fromkeys(CHECKS, "a mapping, or enforce, observe")
_SHORT = {
    "approval": "a mapping, required or off",
    "freeze": "a list of freezes, or off",
    "rebuild": "a mapping, or off",
}


class WrittenTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The functional test as a policy writes it; its gate may be said by what the policy extends."""

    gate: Annotated[
        Annotated[str, Meta(**NAMED)] | None,
        Meta(description="Folder under gates/ with the test (docs/gates.md)."),
    ] = None
    mode: Annotated[
        Mode,
        Meta(description="`enforce`: the test decides; `observe`: it is told and never blocks; `off`: it is not made."),
    ] = Mode.ENFORCE
    untested: Untested = Mode.OBSERVE


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as people write it; what it does not say comes from the one that it extends."""

    extends: Annotated[str | None, Meta(description="The policy that says what this one does not.")] = None
    test: Annotated[WrittenTest | Mode | None, Meta(description="The functional test, or `off`.")] = None
    scan: Annotated[ScanCheck | Mode | None, Meta(description="The vulnerability scan, or `off`.")] = None
    signatures: Annotated[
        SignatureCheck | Mode | None,
        Meta(description="Who has to have signed the image, or `off`."),
    ] = None
    min_age: Annotated[
        SpanOrOff | None,
        Meta(
            description="How long a digest has to have been seen upstream before it is promoted: `48h`, `3d`. Its "
            "checks are made at once.",
        ),
    ] = None
    fast_lane: Annotated[
        bool | None,
        Meta(description="Whether a digest that fixes something urgent of what is in use need not be of `min_age`."),
    ] = None
    approval: Annotated[
        ApprovalCheck | Approval | None,
        Meta(description="`required`: an approver agrees to each digest and tag before it is promoted; or `off`."),
    ] = None
    freeze: Annotated[
        tuple[Freeze, ...] | Off | None,
        Meta(description="When nothing is promoted, or `off`."),
    ] = None
    rebuild: Annotated[
        Rebuilding | Off | None,
        Meta(description="How what is built on the image is rebuilt, or `off`: all at once."),
    ] = None


# Threads that all read their first list at once must find its types known whole: docs/decisions/0016.
msgspec.json.Decoder(Written)


class Policies(msgspec.Struct, frozen=True):
    """All policies of a list.

    Attributes:
        named: those with names of their own.
        entries: which policy holds for an entry, by the entry's name; one without a policy is not in it.
        defaults: the policies that the files' defaults name.
    """

    named: dict[str, Policy]
    entries: dict[str, Policy]
    defaults: tuple[Policy, ...] = ()

    def of(self, name: str) -> Policy | None:
        """Return the policy of a name, or the one that holds for the entry of that name."""
        return self.named.get(name) or self.entries.get(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that ``of`` knows."""
        return tuple(sorted({*self.named, *self.entries}))


class OnePolicy(msgspec.Struct, frozen=True):
    """A policy that stands alone, for entries that have another one.

    Attributes:
        policy: with all it extends taken in.
        says_test: whether it says what test is made, also that none is.
    """

    policy: Policy
    says_test: bool


def read_policies(*documents: object) -> tuple[Policies | None, tuple[Placed, ...]]:
    """Read the policies of a list.

    Args:
        documents: the list's files as plain objects, with every scalar a string; what is no part of policies in them is
            not looked at.

    Returns:
        The policies and no problems; or nothing and every problem.
    """
    problems = [Placed(path, told, file) for file, each in enumerate(documents) for path, told in _wrong(each)]
    if problems:
        return None, tuple(problems)
    sources, problems = _sources(documents)
    extending = Extending(sources)
    entries: dict[str, Policy] = {}
    defaults: list[Policy] = []
    for file, document in enumerate(documents):
        of_file = _Entries(extending, sources, file, _mapping(_mapping(document).get("defaults")))
        defaults += filter(None, [of_file.default()])
        for path, entry in _saying(document):
            name = entry.get("name")
            if path != _DEFAULTS and isinstance(name, str) and (policy := of_file.policy(name, entry, path)):
                entries[name] = policy
    problems += extending.problems
    return (None, tuple(problems)) if problems else (Policies(extending.named, entries, tuple(defaults)), ())


def _wrong(document: object) -> Iterator[Told]:
    """Yield what is wrong with the shapes of a file's policies."""
    fields = _mapping(document)
    written = fields.get("policies", {})
    if not isinstance(written, dict):
        yield ("policies",), "expected a mapping of names to policies"
    for name, value in _mapping(written).items():
        if not NAME_PATTERN.match(name):
            yield ("policies", name), "a policy's name is lower case: letters, digits, ., _ and -, 63 at most"
        yield from _wrong_policy(value, ("policies", name))
    if len(_mapping(written)) > MOST_POLICIES:
        yield ("policies",), f"a list has at most {MOST_POLICIES} policies"
    for path, entry in _saying(document):
        if "policy" in entry and not isinstance(entry["policy"], str):
            yield from _wrong_policy(entry["policy"], (*path, "policy"))


def _wrong_policy(value: object, path: Path) -> Iterator[Told]:
    if not isinstance(value, dict):
        yield path, _NOT_A_POLICY
        return
    if not value:
        yield path, f"{_NOT_A_POLICY}; an empty one would check nothing"
    silent = [check for check in value if check != "extends" and value[check] is None]
    yield from (((*path, check), f"expected {_EXPECTED.get(check, 'a value')} or off") for check in silent)
    for place, told in shape_problems(value, Written, path):
        yield place, _in_short(told, place[-1])
    yield from _wrong_freezes(value.get("freeze"), (*path, "freeze"))


def _wrong_freezes(freezes: object, path: Path) -> Iterator[Told]:
    """Yield what of freezes nobody can go by: else it would show when something is to be promoted."""
    for index, fields in enumerate(freezes if isinstance(freezes, list) else ()):
        try:
            freeze = msgspec.convert(fields, Freeze, strict=False)
        except msgspec.ValidationError:
            continue  # its shape is wrong, which is told already
        from shared.domain.policy.freezing import freeze_problem  # noqa: PLC0415

        if (problem := freeze_problem(freeze)) is not None:
            yield (*path, index, problem[0]), problem[1]


def _extended(policy: object) -> Fields:
    """Return the fields of a policy on top of one that is named, or of one that is written here."""
    return {"extends": policy} if isinstance(policy, str) else _mapping(policy)


def _in_short(told: str, field: str | int) -> str:
    """Of a field that takes a word for a mapping, say what stands for what."""
    wrong, _, _ = told.partition("; expected ")
    short = told.startswith("invalid enum value") and field in _SHORT
    return f"{wrong}; expected {_SHORT[str(field)]}" if short else told


def _saying(document: object) -> Iterator[tuple[Path, Fields]]:
    """Yield the parts of a file that say a policy: the defaults, if there are some, and each entry."""
    fields = _mapping(document)
    if isinstance(defaults := fields.get("defaults"), dict):
        yield _DEFAULTS, defaults
    images = fields.get("images")
    for index, entry in enumerate(images if isinstance(images, list) else ()):
        if isinstance(entry, dict) and entry.get("registry") != _TOOLS:
            yield ("images", index), entry


def _mapping(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _sources(documents: Sequence[object]) -> tuple[dict[str, Source], list[Placed]]:
    sources: dict[str, Source] = {}
    problems = []
    for file, document in enumerate(documents):
        for name, fields in _mapping(_mapping(document).get("policies")).items():
            if name in sources:
                problems.append(Placed(("policies", name), "another file has a policy of this name", file))
            sources[name] = Source(fields, ("policies", name), file)
    return sources, problems


class _Entries:
    """Finds which policy holds for each entry of a file.

    Args:
        extending: makes the policies.
        file: which of the files, from 0.
        common: what the file's defaults say.
    """

    def __init__(self, extending: Extending, sources: dict[str, Source], file: int, common: Fields) -> None:
        self._extending = extending
        self._sources = sources
        self._file = file
        self._common = common

    def default(self) -> Policy | None:
        """Return the policy that the defaults name or write."""
        return self._chosen(self._common.get("policy"), ("defaults", "policy"), "defaults")

    def policy(self, name: str, entry: Fields, path: Path) -> Policy | None:
        """Return the policy of an entry, the shorthand for its test taken in; ``None`` if it has none."""
        own = "policy" in entry
        policy = entry["policy"] if own else self._common.get("policy")
        place: Path = (*(path if own else ("defaults",)), "policy")
        gate = entry.get("gate", self._common.get("gate"))
        if gate is None:
            return self._chosen(policy, place, name)
        if isinstance(policy, str) and not self._is_known(policy, place):
            return None
        if own and "gate" not in entry and self._extending.names_test(_extended(policy)):
            return self._chosen(policy, place, name)
        fields = merged(_extended(policy), {"test": "off" if gate == _NO_TEST else {"gate": gate}})
        return self._extending.policy(name, Source(fields, place if policy else (*path, "gate"), self._file))

    def _chosen(self, policy: object, place: Path, name: str) -> Policy | None:
        if policy is None:
            return None
        if isinstance(policy, str):
            return self._extending.named.get(policy) if self._is_known(policy, place) else None
        if name in self._sources:
            told = f"there is a policy called {name!r} too; the entry's own would bear the same name"
            self._extending.problems.append(Placed(place, told, self._file))
        return self._extending.policy(name, Source(_mapping(policy), place, self._file))

    def _is_known(self, policy: str, place: Path) -> bool:
        """Whether there is a policy of that name; if not it is told, of the defaults once and not for each entry."""
        if policy in self._sources:
            return True
        problem = Placed(place, self._extending.unknown(policy), self._file)
        if problem not in self._extending.problems[-1:]:
            self._extending.problems.append(problem)
        return False
