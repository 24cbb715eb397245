"""How our own check asks, one entry a way; a way is measured in every case and at every size.

A way that needs another server than the registry starts that itself, and counts what it is asked too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.check.catalogue import Serving
from tests.bench.check.content import TAGS
from tests.bench.check.ground import Ground, Result
from tests.bench.check.measure import ROOT, Usage, run


@dataclass(frozen=True)
class Way:
    """One way of ours, with its goals.

    Attributes:
        look: looks at everything once and returns what it took.
        of_limit: least share of the limit's rate, where the way asks tag by tag.
        renovate: how many times faster than Renovate.
        sync: how many times faster than ``skopeo sync``.
        requests: most requests for an unchanged repository.
        hints: whether a change costs a HEAD besides, which confirms it.
    """

    look: Callable[[Ground], Result]
    of_limit: float | None
    renovate: float
    sync: float
    requests: int
    hints: bool = False


def by_head(ground: Ground) -> Result:
    """Ask for every watched tag with HEAD.

    Raises:
        PeerFailedError: the check failed, or did not see exactly what has moved.
    """
    mark = ground.registry.mark()
    usage, seconds = _check(ground, "")
    rate = ground.watched / seconds
    requests = ground.registry.counts(mark)
    return Result(BY_HEAD, usage.seconds, requests, usage.cpu, usage.megabytes, rate=rate)


def by_catalogue(ground: Ground) -> Result:
    """Ask an API that answers for a whole repository, and confirm by HEAD what it says has changed.

    Raises:
        PeerFailedError: the check failed, or did not see exactly what has moved.
    """
    mark = ground.registry.mark()
    with Serving(ground) as catalogue:
        usage, seconds = _check(ground, catalogue.url)
        requests = ground.registry.counts(mark)
        requests["catalogue page"] = catalogue.answered()
    return Result(BY_CATALOGUE, usage.seconds, requests, usage.cpu, usage.megabytes, rate=ground.watched / seconds)


def _check(ground: Ground, catalogue: str) -> tuple[Usage, float]:
    plan = {
        "base_url": f"https://{ground.address()}",
        "tags": ground.wanted,
        "known": ground.known,
        "catalogue_url": catalogue,
    }
    trust = {"REQUESTS_CA_BUNDLE": str(ground.registry.ca_bundle), "PYTHONPATH": str(ROOT)}
    usage = run([sys.executable, "-m", "tests.bench.check.ours"], ground.folder, trust, json.dumps(plan))
    checked = json.loads(usage.output.splitlines()[-1])
    ground.require_seen("our check", checked["changed"])
    return usage, checked["seconds"]


BY_HEAD, BY_CATALOGUE = "Tidegate, by HEAD", "Tidegate, by a catalogue"
WAYS = {
    BY_HEAD: Way(by_head, of_limit=0.7, renovate=20, sync=7, requests=len(TAGS)),
    BY_CATALOGUE: Way(by_catalogue, of_limit=None, renovate=50, sync=10, requests=1, hints=True),
}
