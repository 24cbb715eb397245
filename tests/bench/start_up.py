"""What a new instance costs before its first message: fresh processes, imported and measured from inside."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

from tests.bench.table import Row

_RUNS = 7
_MEASURE = """
import json, resource, time
began = time.perf_counter()
{imports}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([time.perf_counter() - began, peak / 1024]))
"""
_APP = "import function_app; function_app.app.get_functions()"
_FLOOR = "import azure.functions"
_EAGER = (
    "import azure.functions, azure.identity, requests, yaml;"
    "import azure.storage.queue, azure.storage.blob, azure.data.tables;"
    "import azure.mgmt.containerregistry, azure.mgmt.containerregistrytasks, azure.containerregistry"
)


def rows(environment: dict[str, str]) -> list[Row]:
    """Measure and return the table's rows.

    Args:
        environment: the product's settings, complete.
    """
    app, floor, eager = (_median(code, environment) for code in (_APP, _FLOOR, _EAGER))
    return [
        Row("import function_app and index it", f"{app[0]:.2f} s, {app[1]:.0f} MB", "0.5 s, 80 MB"),
        Row("  of that azure.functions alone, which every app pays", f"{floor[0]:.2f} s, {floor[1]:.0f} MB"),
        Row("  beside it: the same SDKs imported at the top", f"{eager[0]:.2f} s, {eager[1]:.0f} MB"),
    ]


def _median(imports: str, environment: dict[str, str]) -> tuple[float, float]:
    code = _MEASURE.format(imports=imports)
    measured = [_once(code, environment) for _ in range(_RUNS + 1)][1:]
    return statistics.median(m[0] for m in measured), statistics.median(m[1] for m in measured)


def _once(code: str, environment: dict[str, str]) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes
