"""What was seen, for people and for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.live_check.arm import shown
from infra.live_check.probe import Probe, Seen

_WIDTH = 118


@dataclass(frozen=True)
class Asked:
    """A probe with what was seen, and how long that took."""

    probe: Probe
    seen: Seen
    seconds: float


def announced(probes: Sequence[Probe], place: str, minutes: float) -> str:
    """Return what is about to be done, for somebody to agree to."""
    longest = sum(probe.minutes for probe in probes)
    lines = [
        f"{len(probes)} probes in {place}: {longest:.0f} minutes at most, and none begins after {minutes:.0f}.",
        "",
    ]
    for probe in probes:
        lines += _folded(f"{probe.number:>2}. {probe.asks}", f"{probe.does}. Makes and deletes: {probe.makes}.")
    lines += [
        "",
        "Runs of ACR Tasks cost about 0.0002 USD a second; all of them together some cents. Runs stay in the list of",
        "runs of their registry. Names begin with tidegate-live. Use registries that nothing depends on.",
    ]
    return "\n".join(lines)


def as_text(asked: Iterable[Asked], left: Sequence[str]) -> str:
    """Return the report for people."""
    lines: list[str] = []
    for each in asked:
        head = f"{each.probe.number:>2}. {each.probe.asks}"
        lines += _folded(
            f"{head} [{each.seen.verdict.value}, {each.seconds:.0f} s]",
            shown(each.seen.text),
            f"makes {each.probe.makes}; concerns {each.probe.confirms}",
        )
    lines += ["", "Everything that was made is deleted." if not left else "COULD NOT BE DELETED:"]
    return "\n".join([*lines, *(f"  - {shown(each)}" for each in left)])


def for_machines(asked: Iterable[Asked], left: Sequence[str], place: str) -> dict[str, object]:
    """Return the report for machines; it holds no ids of subscriptions, and no signatures."""
    probes = [
        {
            "number": each.probe.number,
            "asks": each.probe.asks,
            "confirms": each.probe.confirms,
            "verdict": each.seen.verdict.value,
            "seen": shown(each.seen.text),
            "facts": _clean(each.seen.facts),
            "seconds": round(each.seconds, 1),
        }
        for each in asked
    ]
    return {"registry": place, "probes": probes, "left": [shown(each) for each in left]}


def _clean(facts: object) -> object:
    if isinstance(facts, str):
        return shown(facts)
    if isinstance(facts, dict):
        return {str(name): _clean(value) for name, value in facts.items()}
    if isinstance(facts, list | tuple | set | frozenset):
        return [_clean(each) for each in facts]
    return facts


def _folded(head: str, *more: str) -> list[str]:
    lines = textwrap.wrap(head, _WIDTH, subsequent_indent="    ")
    for text in more:
        lines += textwrap.wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return lines
