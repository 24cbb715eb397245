"""``python -m docs.generate``: writes the generated parts of the documentation. A test fails while they are old.

A generated part of a page stands between ``<!-- generated: name -->`` and ``<!-- end: name -->``; the rest is written
by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from docs import commands, parts
from docs.parts import ROOT
from shared.domain.decisions import document
from shared.domain.scan import decision
from shared.domain.watching.watch_list import schema

PARTS: dict[str, Callable[[], str]] = {
    "scenes": parts.scenes,
    "functions": parts.function_table,
    "layout": parts.layout,
    "lifecycle": parts.lifecycle,
    "statuses": parts.statuses,
    "reasons": parts.reasons,
    "whys": parts.whys,
    "refusals": parts.refusals,
    "rebuild-statuses": parts.rebuild_statuses,
    "scan-lifecycle": parts.scan_lifecycle,
    "scan-statuses": parts.scan_statuses,
    "scan-reasons": parts.scan_reasons,
    "wave-lifecycle": parts.wave_lifecycle,
    "wave-states": parts.wave_states,
    "member-lifecycle": parts.member_lifecycle,
    "member-states": parts.member_states,
    "wave-reasons": parts.wave_reasons,
    "how-known": parts.how_known,
    "goes": parts.goes,
    "spared": parts.spared,
    "troubles": parts.troubles,
    "notices": parts.notices,
    "hindrances": parts.hindrances,
    "counts": parts.counts,
    "settings": parts.settings,
    "watch-list": parts.watch_list,
    "scanner": parts.scanner,
    "rebuilding": parts.rebuilding,
    "rebuild-target": parts.rebuild_target,
    "tag-rules": parts.tag_rules,
    "choice-reasons": parts.choice_reasons,
    "scan-policy": parts.scan_policy,
    "verdict-reasons": parts.verdict_reasons,
    "decided": parts.decided,
    "admission-reasons": parts.admission_reasons,
    "not-known": parts.not_known,
    "commands": commands.commands,
    "exit-statuses": commands.exit_statuses,
}
PAGES = (
    "README.md",
    "docs/architecture.md",
    "docs/cli.md",
    "docs/configuration.md",
    "docs/housekeeping.md",
    "docs/notices.md",
    "docs/verdict.md",
    "docs/waves.md",
)
SCHEMAS = {
    "docs/images.schema.json": schema,
    "docs/verdict.schema.json": decision.schema,
    "docs/decisions.schema.json": document.schema,
}
_MARKED = re.compile(r"<!-- generated: (?P<name>[\w-]+) -->\n.*?<!-- end: (?P=name) -->", re.DOTALL)


def pages() -> dict[str, str]:
    """Return what every page with generated parts should hold, by its path in the repository.

    Raises:
        KeyError: a page asks for a part that nobody makes.
    """
    written = {page: _MARKED.sub(_filled, (ROOT / page).read_text()) for page in PAGES}
    schemas = {page: json.dumps(made(), indent=2) + "\n" for page, made in SCHEMAS.items()}
    return {**written, **schemas, **{page: commands.completion(of) for page, of in commands.COMPLETIONS.items()}}


def _filled(found: re.Match[str]) -> str:
    name = found["name"]
    return f"<!-- generated: {name} -->\n{PARTS[name]()}\n<!-- end: {name} -->"


def main() -> None:
    """Write the pages that are out of date, and say which."""
    for page, text in pages().items():
        file = ROOT / page
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            print(f"wrote {page}")


if __name__ == "__main__":
    main()
