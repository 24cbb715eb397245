"""``python -m infra.local.microsoft_host``: says which of Microsoft's hosts is here; status 1 where none is."""

from __future__ import annotations

import sys

from infra.local.microsoft_host.found import CoreTools, HostMissingError, find_host


def main() -> int:
    """Say what was found, and return the exit status."""
    try:
        found = find_host()
    except HostMissingError as error:
        print(error)
        return 1
    print(found.program if isinstance(found, CoreTools) else found.source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
