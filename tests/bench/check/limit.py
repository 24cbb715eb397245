"""The limit: the same HEAD as fast as a C program can send it, ``ab -i -k`` (https://httpd.apache.org/docs/2.4/programs/ab.html).

It asks for one tag over and over, because it takes one address; the registry reads its files anew for every request.
"""

from __future__ import annotations

import re
from collections import Counter

from shared.adapters.upstream.oci_registry import MANIFEST_TYPES
from tests.bench.check.content import TAGS
from tests.bench.check.ground import Ground, Result
from tests.bench.check.measure import PeerFailedError, run
from tests.bench.check.ours import THREADS

WHO = "the limit: `ab -i -k`"


def limit(ground: Ground) -> Result:
    """Send as many HEADs as tags are watched, over as many connections as our check has threads.

    Raises:
        PeerFailedError: some were not answered with 200.
    """
    repository = next(iter(ground.known))
    address = f"https://{ground.address()}/v2/{repository}/manifests/{TAGS[0]}"
    accept = f"Accept: {', '.join(MANIFEST_TYPES)}"
    argv = ["ab", "-q", "-i", "-k", "-n", str(ground.watched), "-c", str(THREADS), "-H", accept, address]
    mark = ground.registry.mark()
    usage = run(argv, ground.folder)
    if "Non-2xx" in usage.output or not re.search(r"Failed requests:\s+0\b", usage.output):
        raise PeerFailedError(f"ab: not every request was answered: {usage.output}")
    rate = float(re.findall(r"Requests per second:\s+([\d.]+)", usage.output)[0])
    requests: Counter[str] = ground.registry.counts(mark)
    return Result(WHO, usage.seconds, requests, usage.cpu, usage.megabytes, rate=rate)
