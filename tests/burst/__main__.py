"""``python -m tests.burst``: many tags move within a minute, under Azure's limits; the last line is the result."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys

from infra.local.twin.parts import ROOT
from tests.burst.burst import Asked, burst
from tests.burst.profiles import PROFILES

_STATE = ROOT / ".twin" / "burst"
_LONGEST, _WAVES = 3600.0, 0.2


def main() -> int:
    """Play one burst; return 0 only if nothing was lost or doubled."""
    arguments = _parse()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    shutil.rmtree(_STATE, ignore_errors=True)
    given = (arguments.profile, arguments.updates, seed, arguments.scale, arguments.longest, arguments.scans)
    asked = Asked(*given, waves=arguments.waves)
    _say(f"burst {asked.profile}: seed {seed}, {asked.limits}")
    measured = burst(asked, _STATE, _say)
    _say(f"own delay, median: {measured.delay:.1f} s; asked before ARM's Retry-After: {measured.too_early}")
    if measured.beside is not None:
        _say(f"from staged to decided beside the runs, median: {measured.beside:.1f} s")
    _say(f"burst {asked.profile}: {measured.line} (seed {seed})")
    return 0 if measured.is_clean else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.burst", description=__doc__)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="arm", help="what Azure grants")
    parser.add_argument("--updates", type=int, default=500, help="how many tags move")
    parser.add_argument("--seed", type=int, help="of the plan and all times; drawn and told if none is given")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies ARM's buckets, agents and imports at once")
    parser.add_argument("--longest", type=float, default=_LONGEST, help="seconds after which what is left is lost")
    parser.add_argument("--scans", action="store_true", help="scan each release, too; the oracle does not")
    parser.add_argument("--waves", type=float, default=_WAVES, help="the share of the entries that ask for waves")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
