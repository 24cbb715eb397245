"""``python -m tests.idle``: what a quarter of an hour costs in which no tag moves; the last line is the result."""

from __future__ import annotations

import argparse
import shutil
import sys

from infra.local.twin.parts import ROOT
from tests.idle.counts import SUBJECTS, Counts, total
from tests.idle.idle import QUARTER, Asked, Idle, idle, period
from tests.idle.stage import TAGS_EACH

_STATE = ROOT / ".twin" / "idle"


def main() -> int:
    """Be idle, count, and tell."""
    asked = _parse()
    shutil.rmtree(_STATE, ignore_errors=True)
    counted = idle(asked, _STATE, _say)
    _say("\n".join(kinds(counted.quarter)))
    _say(how(counted))
    _say(line(counted.quarter))
    return 0


def line(quarter: Counts) -> str:
    """Return the result in one line."""
    queue, table, blob, executions, told = (
        round(total(quarter, subject)) for subject in ("queue", "table", "blob", "executions", "told")
    )
    return (
        f"idle: {queue} queue operations, {table} table, {blob} blob, {executions} executions, "
        f"{round(told / 1000)} kB told"
    )


def kinds(quarter: Counts) -> list[str]:
    """Return a line for each kind that was counted; the queue operations of the platform are among them."""
    return [
        f"  {subject}: {kind}: {number:,.1f}"
        for subject in SUBJECTS
        for kind, number in sorted(quarter[subject].items())
    ]


def how(counted: Idle) -> str:
    """Say what was counted for how long, and what was reckoned from it."""
    told = (
        f"counted for {counted.plain_seconds} s, then for {counted.check_seconds} s in which all was checked once; "
        f"a quarter of an hour is the latter and {counted.times_plain:.2f} times the former"
    )
    if counted.plain_seconds >= QUARTER:
        return told
    return (
        f"{told}. Shortened: the tags had been looked at less than a quarter of an hour before, so that the check had "
        "no last looks to note, as it has in Azure: of each repository some table operations are missing"
    )


def _parse() -> Asked:
    parser = argparse.ArgumentParser(prog="python -m tests.idle", description=__doc__)
    parser.add_argument("--tags", type=int, default=1000, help="how many are watched, five to a repository")
    parser.add_argument("--seconds", type=int, default=QUARTER, help="counted before all is checked; shorter is scaled")
    given = parser.parse_args()
    if given.seconds < 1 or given.seconds % period():
        parser.error(
            f"--seconds {given.seconds}: expected a multiple of {period()}, so that all that comes often is in it"
        )
    if given.tags < TAGS_EACH or given.tags % TAGS_EACH:
        parser.error(f"--tags {given.tags}: expected a multiple of {TAGS_EACH}")
    return Asked(given.tags, given.seconds)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
