"""``python -m tests.chaos``: a storm on the twin, the quiet after it, what was lost; the last line is the result."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import time
from collections import Counter
from pathlib import Path

from infra.local.twin.parts import ROOT
from tests.chaos.judge import Facts, Finding, Verdict, built_nothing_new, judge
from tests.chaos.judge_waves import for_another_base
from tests.chaos.mischief import PLAYERS
from tests.chaos.storm import Settings, Storm

_STATE = ROOT / ".twin" / "chaos"
_SECONDS, _PACE = 120.0, 10.0


def main() -> int:
    """Play one storm; return 0 only if nothing was lost, doubled or stuck."""
    arguments = _parse()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    shutil.rmtree(_STATE, ignore_errors=True)
    settings = Settings(seed, arguments.seconds, arguments.pace, arguments.players.split(","), _STATE)
    return 0 if play(settings, arguments.memory).is_clean else 1


def play(settings: Settings, memory: Path | None = None) -> Verdict:
    """Play one storm, tell of it, and return the verdict.

    Args:
        settings: how it is.
        memory: where the series of the host's memory is written, if it is wanted.
    """
    _say(f"chaos: seed {settings.seed}, {settings.seconds:.0f} s, {settings.pace:g} times faster than life")
    began = time.monotonic()
    with Storm(settings, _say) as storm:
        storm.begin()
        at_start = storm.memory.now()
        _say(f"the stage is set after {time.monotonic() - began:.0f} s; the host takes {at_start}")
        storm.rage()
        after_storm = storm.memory.now()
        _say(f"the storm is over after {time.monotonic() - began:.0f} s: {storm.told()}")
        _say(f"quiet after {storm.quiet():.0f} s")
        facts = storm.facts()
        verdict = judge(facts)
        _say(f"the host took {at_start} at the start, {after_storm} after the storm, {storm.memory.now()} after quiet")
        if memory:
            storm.memory.save(memory)
    _say(f"waves: {_waves(facts)}")
    runs = sum(bool(run.task) for run in facts.runs)
    _say(f"{built_nothing_new(facts.runs)} of {runs} task runs built nothing new")
    _tell(verdict)
    _say(_result(facts.candidates, verdict, settings.seed))
    return verdict


def _waves(facts: Facts) -> str:
    """Return how many there were, and what they came to."""
    came_to = Counter(f"{wave.state} {wave.reason}" for wave in facts.rolled.waves)
    asked = sum(bool(one.wave) for one in facts.rebuilds)
    told = ", ".join(f"{number} {state}" for state, number in came_to.most_common())
    others = for_another_base(facts.rolled, facts.runs)
    told += f"; {others} runs for another base on what had failed" if others else ""
    return f"{len(facts.rolled.waves)} of {asked} rebuilds: {told}"


def _result(candidates: int, verdict: Verdict, seed: int) -> str:
    counts = ((name, len(getattr(verdict, name))) for name in ("lost", "doubled", "stuck"))
    told = ", ".join(f"{name} {number}" for name, number in counts)
    return f"chaos: {candidates} candidates, {told} (seed {seed})"


def _tell(verdict: Verdict) -> None:
    for name in ("lost", "doubled", "stuck"):
        found: tuple[Finding, ...] = getattr(verdict, name)
        for finding in found:
            _say("\n".join([f"{name}: {finding.what}: {finding.why}", *(f"    {line}" for line in finding.story)]))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="how long the storm lasts")
    parser.add_argument("--seed", type=int, help="of the plan; drawn and told if none is given")
    parser.add_argument("--pace", type=float, default=_PACE, help="how many times faster the product's pauses pass")
    parser.add_argument("--players", default=",".join(PLAYERS), help="who plays; upstreams alone do no harm")
    parser.add_argument("--memory", type=Path, help="where to write the series of the host's memory")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
