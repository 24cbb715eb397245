"""What notices and pages cost in storage, counted in Azurite: the product's own parts tell, send and serve."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.transactions import count_transactions
from infra.local.twin.twin import Twin
from shared.bootstrap import Parts
from shared.config import load_settings
from shared.domain.notices.notice import Notice
from shared.domain.promotion.target import Target
from shared.notifying import Notifying, notifying_of
from tests.bench.reading import measured, watch_list
from tests.contract.examples import target
from tests.doubles.notices import InMemorySenders

DESTINATIONS = ("chat", "mail", "pager")
# Of so many one is the mean; less than are folded into one message an hour.
_NOTICES = 6
_WRITTEN = 0.5


def people(folder: Path) -> dict[str, Any]:
    """Count both; ``folder`` is for the state of Azurite."""
    for part in ("notices", "pages"):
        (folder / part).mkdir()
    return {"notices": notices(folder / "notices"), "pages": pages(folder / "pages")}


def pages(folder: Path) -> dict[str, Any]:
    """Count what each page reads, put together anew, where 1,000 images are watched."""
    told = measured(folder)["pages"]
    return {
        _named(path): {"table": one["tables"], "blob": one["blobs"], "seconds": round(one["anew"], 2)}
        for path, one in told.items()
        if "?" not in path
    }


def _named(path: str) -> str:
    """Names of candidates and tags differ from run to run."""
    kind, _, _ = path.removeprefix("pages/").partition("/")
    return f"pages/{kind}/…" if path.count("/") > 1 else path


def notices(folder: Path) -> dict[str, Any]:
    """Count what a notice costs that goes to each of three destinations at once, and what having them costs anyway."""
    with Twin(new_topology(folder, free_base_port()), storage_only=True) as twin:
        # Nothing here listens by TLS, and the emulator's authority is not made.
        environment = {name: value for name, value in twin.environment().items() if name != "REQUESTS_CA_BUNDLE"}
        parts = Parts(load_settings(environment))
        notifying = notifying_of(parts, InMemorySenders(DESTINATIONS))
        tag = msgspec.structs.replace(target(), registry=parts.target_book.registry)
        parts.configuration_files.write("images.yaml", watch_list(images=10, tags=1), None)
        parts.targets.insert(tag)
        log, told = twin.log("azurite"), Counter[str]()
        for number in range(_NOTICES + 1):
            _decides(parts, tag, number)
            counted = _counted(log, lambda: _tells(parts, notifying))
            if number:  # tables are made by the first one
                told += counted
        quiet = _counted(log, lambda: _looks(parts, notifying))
        swept = _counted(log, lambda: _sweeps(parts, notifying))
        return {
            "destinations": len(DESTINATIONS),
            "each": {kind: round(number / _NOTICES, 2) for kind, number in sorted(told.items())},
            "look": dict(sorted(quiet.items())),
            "sweep": dict(sorted(swept.items())),
        }


def _decides(parts: Parts, tag: Target, number: int) -> None:
    """A decision tells something, in the write that there is anyway."""
    stored = parts.targets.get(tag.id)
    if stored is None:
        raise ValueError(f"the target {tag.id} is not there")
    at = parts.clock()
    notice = Notice(kind="blocked", about=f"digest:{number}", mark=str(number), at=at, detail="x", cause=str(number))
    parts.targets.replace(stored, msgspec.structs.replace(stored.record, notices=(notice,)))


def _tells(parts: Parts, notifying: Notifying) -> None:
    """One look puts it down, and another one sends it."""
    for _ in range(2):
        _looks(parts, notifying)


def _looks(parts: Parts, notifying: Notifying) -> None:
    kind = notifying.kind(lambda: parts.target_book, parts.rolling)
    for one in list(kind.due(parts.clock())):
        kind.look(one)


def _sweeps(parts: Parts, notifying: Notifying) -> None:
    """What each sweep reads, and each survey, which comes as often or more seldom."""
    notifying.sweep(parts.target_book, parts.rolling)
    list(notifying.troubles())


def _counted(log: Path, act: Callable[[], None]) -> Counter[str]:
    """Azurite writes a line a moment after it has answered."""
    time.sleep(_WRITTEN)
    start = log.stat().st_size
    act()
    time.sleep(_WRITTEN)
    return count_transactions(log, start)
