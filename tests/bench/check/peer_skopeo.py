"""Two ways in which people watch with skopeo: ``inspect`` in a loop, and ``sync`` into a registry of their own.

It is told not to verify certificates: every process would read the bundle of authorities anew, which costs it more
than asking.
"""

from __future__ import annotations

import json
from itertools import product

from tests.bench.check.content import TAGS
from tests.bench.check.ground import Ground, Result, whole
from tests.bench.check.measure import run

_SYNC = ("skopeo", "sync", "--dest-tls-verify=false", "--src", "yaml", "--dest", "docker")
_SAMPLE = 50
# A copy asks for one tag after the other: far away, all of them would take a quarter of an hour.
_FAR_REPOSITORIES = 10


def inspect(ground: Ground) -> Result:
    """Run ``skopeo inspect`` for a sample of the tags, one after the other.

    Raises:
        PeerFailedError: a tag could not be inspected.
    """
    sample = [(name, tag) for name, tag in product(ground.known, TAGS)][:: ground.watched // _SAMPLE]
    images = "\n".join(f"docker://{ground.address()}/{name}:{tag}" for name, tag in sample)
    loop = "while read image; do skopeo inspect --tls-verify=false --format '{{.Digest}}' \"$image\" || exit 1; done"
    mark = ground.registry.mark()
    usage = run(["sh", "-c", loop], ground.folder, text=images + "\n")
    requests = ground.registry.counts(mark)
    part = len(sample) / ground.watched
    return whole(Result("`skopeo inspect`, in a loop", usage.seconds, requests, usage.cpu, part=part))


def sync(ground: Ground) -> Result:
    """Run ``skopeo sync`` into a registry that held everything as it was known; only the upstream is far away.

    Raises:
        PeerFailedError: skopeo failed, or did not copy exactly what has moved.
    """
    names = list(ground.known)[: _FAR_REPOSITORIES if ground.latency else None]
    wanted = {name: list(TAGS) for name in names}
    plan = ground.folder / "sync.json"
    plan.write_text(json.dumps({ground.address(): {"images": wanted, "tls-verify": False}}))
    with ground.registry.target() as target:
        mark = ground.registry.mark()
        argv = [*_SYNC, str(plan), f"{target.address}/library"]
        usage = run(argv, ground.folder)
        requests, copied = ground.registry.counts(mark), target.counts()["PUT manifest"]
    ground.require_seen("skopeo sync", copied, names)
    part = len(names) / len(ground.known)
    return whole(Result("`skopeo sync`", usage.seconds, requests, usage.cpu, usage.megabytes, part))
