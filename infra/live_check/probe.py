"""What a probe is, and what it may find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from infra.live_check.ground import Ground


class Verdict(Enum):
    """What an answer means for the product."""

    AS_BUILT = "as built"  # the product's first way is the one that works
    OTHERWISE = "otherwise"  # the product's second way is the one that works, or it has to be changed
    UNDECIDED = "undecided"  # it could not be asked here


@dataclass(frozen=True)
class Seen:
    """What was seen.

    Attributes:
        verdict: what it means.
        text: what was seen, in a sentence or two.
        facts: the same for machines: numbers, statuses, texts.
    """

    verdict: Verdict
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Probe:
    """One question.

    Attributes:
        number: by which documents name it; never used for another.
        asks: the question.
        does: what it does.
        makes: what it makes and deletes again.
        confirms: which part of the product the answer is about.
        minutes: how long it takes at most.
        ask: asks it.
        heavy: whether it is asked only on request, for the requests or runs that it costs.
    """

    number: int
    asks: str
    does: str
    makes: str
    confirms: str
    minutes: float
    ask: Callable[[Ground], Seen]
    heavy: bool = False


def undecided(text: str, **facts: object) -> Seen:
    """Return that a question could not be asked here."""
    return Seen(Verdict.UNDECIDED, text, facts)


def found(as_built: bool, text: str, **facts: object) -> Seen:
    """Return what was seen, by whether the product expects it first."""
    return Seen(Verdict.AS_BUILT if as_built else Verdict.OTHERWISE, text, facts)
