"""``python -m tests.browser.screenshots``: pictures of every page, into a folder that is not committed."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.chromium import look, why_not
from tests.browser.pages import paths
from tests.browser.scene import BOB, lived
from tests.browser.serving import served

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / ".screenshots"


def main() -> int:
    """Write them; return 1 where the browser is missing."""
    if problem := why_not():
        print(problem, file=sys.stderr)
        return 1
    with served(lived(), BOB) as (base, browser):
        found = paths(browser)
        files = look(base, found, ["light", "dark"], pictures=str(PICTURES))
        files += look(base, found[:6], ["narrow"], pictures=str(PICTURES))
    print("\n".join(str(Path(file).relative_to(ROOT)) for file in files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
