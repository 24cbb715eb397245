"""The product's clock wound up: every pause, lease and patience is so many times shorter, and all else is as is.

What takes four hours of retries in Azure takes minutes here, so that a storm and the quiet after it fit into a test.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from importlib import import_module
from pkgutil import walk_packages

from shared import domain, flows, rules
from shared.domain.policy import rebuilding

PACE = "CHAOS_PACE"
_SHORTEST = timedelta(seconds=1)
# Imports and runs take as long as the machine does, so looks at them are not made more often. What is looked at again
# after a quarter of an hour, or a day, is to be seen to end; and what has ended is to be left where the judge looks.
_INSTEAD = {
    "LONGEST_LOOK": timedelta(seconds=10),
    "VERDICT_LOOK": timedelta(seconds=20),
    "FAILED_LOOK": timedelta(seconds=20),
    "KEPT_CURRENT": timedelta(days=1),
    # What is signed late, and what people open again, is to be seen to go on.
    "FIRST_PAUSE": timedelta(seconds=10),
    "LONGEST_PAUSE": timedelta(seconds=20),
    "BARRED_LOOK": timedelta(seconds=20),
    # A tag may go back more than once in a storm, and what is left of a wave that is over is to be heard of.
    "REST": timedelta(seconds=30),
    "LEFT_LOOK": timedelta(seconds=10),
}


def faster(name: str, value: timedelta, pace: float) -> timedelta:
    """Return what one of the product's times becomes; none is made shorter than a second, or longer than it was."""
    return min(value, _INSTEAD.get(name, max(value / pace, _SHORTEST)))


def wind_up(pace: float) -> None:
    """Shorten the constants of every module of the product that is loaded; each module has names of its own.

    The product loads some when they are first needed, which would go by life's own times: they are loaded before.
    """
    for package in (domain, rules, flows):
        for one in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(one.name)
    for module in [module for name, module in sys.modules.items() if name.split(".")[0] == "shared"]:
        for name, value in vars(module).items():
            if isinstance(value, timedelta) and name.strip("_").isupper():
                setattr(module, name, faster(name, value, pace))
    # What people write is as much shorter: `1m` of a window is a minute of life.
    for unit, length in rebuilding._UNITS.items():
        rebuilding._UNITS[unit] = faster(unit, length, pace)
