"""What pages cost where much is watched: seconds and table transactions of each, and the memory of the first.

Records are put into Azurite as the product keeps them; a process of its own starts the app, and asks for pages as the
Functions host does. Azurite shares the machine and is slower than the service: what is read anew is told apart from
what was put together some seconds before.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from infra.local.topology import Topology
from infra.local.twin.ports import free_base_port, new_topology
from infra.local.twin.twin import Twin
from shared.adapters.storage.tables import Row as TableRow
from shared.bootstrap import Parts
from shared.config import load_settings
from shared.domain.promotion.admission import Admission, AdmissionReason
from shared.domain.promotion.candidate import Candidate, Change, Place
from shared.domain.promotion.statuses import Reason, Status
from shared.domain.promotion.target import Former, Origin, Sighting, Target
from shared.domain.references import Digest, Repository, Tag
from shared.domain.scan.decision import Outcome
from shared.domain.watching.observation import Observation, order_at
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.troubles import Kind, Noted, Trouble
from shared.ports import Event, Known
from tests.bench.table import Row

IMAGES, TAGS = 1000, 5
# Entries that one digest is for.
WIDE = 12
_RUNS = 7
_NOW = datetime.now(UTC).replace(microsecond=0)
_OLD, _NEW = "0", "f"
_MEASURE = """
import json, sys, time
import azure.functions as func
import function_app
from shared import serving
from shared.domain.access.callers import Caller, Kind, Role

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

parts = function_app.parts
reader = Caller(Kind.PERSON, "0@1", "bench", frozenset(Role), parts.clock())
list(parts.targets.of_repository(parts.target_book.registry, "base/app0"))
list(parts.candidates.current("docker.io~acme~app0~"))
parts.watch_lists.in_force()
before = resident()
from shared.page_serving import Pages
pages = Pages(parts, lambda _: reader, serving._acting(parts))
log = sys.argv[1]

def ask(path, anew=False):
    if anew:
        pages.boards.forget()
    route, _, query = path.partition("?")
    params = dict(one.split("=") for one in query.split("&") if one)
    request = func.HttpRequest(
        "GET", "https://x/api/" + path, params=params, route_params={"path": route}, body=b""
    )
    began = time.perf_counter()
    answer = pages.front.serve(request)
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.get_body()[:2000]
    return took, len(answer.get_body())

def counted(path, anew):
    from pathlib import Path
    from infra.local.twin.transactions import count_transactions
    time.sleep(0.5)
    start = Path(log).stat().st_size
    took, size = ask(path, anew)
    time.sleep(0.5)
    kinds = count_transactions(Path(log), start)
    tables, blobs = (sum(many for kind, many in kinds.items() if kind.startswith(of)) for of in ("table", "blob"))
    return took, size, tables, blobs

told = {"first": ask("pages")[0], "memory": resident() - before, "pages": {}}
for path in sys.argv[3:]:
    anew = [counted(path, True) for _ in range(2)]
    warm = [ask(path)[0] for _ in range(int(sys.argv[2]))]
    took, size, tables, blobs = anew[-1]
    told["pages"][path] = {"anew": took, "tables": tables, "blobs": blobs, "size": size, "warm": warm}
told["memory_later"] = resident() - before
print(json.dumps(told))
"""


def digest(letter: str, number: int) -> Digest:
    """Return a digest of a number."""
    return Digest(f"sha256:{hashlib.sha256(f'{letter}{number}'.encode()).hexdigest()}")


def watch_list(images: int = IMAGES, tags: int = TAGS) -> bytes:
    """Return a list of so many images with so many exact tags each, of forty owners."""
    names = ", ".join(f"'{tag}'" for tag in range(tags))
    entries = (
        f"  - {{name: app{number}, source: acme/app{number}, tags: [{names}], target: base/app{number}, gate: node, "
        f"owner: team{number % 40}}}\n"
        for number in range(images)
    )
    wide = (
        f"  - {{name: wide{number}, source: acme/wide, tags: ['0'], target: base/wide{number}, policy: asked}}\n"
        for number in range(WIDE)
    )
    policies = "policies: {asked: {test: {gate: node}, approval: required}}"
    return f"{policies}\nimages:\n{''.join((*entries, *wide))}".encode()


def fill(parts: Parts, images: int = IMAGES, tags: int = TAGS) -> None:
    """Put records of every kind of standing into the storage account, as the product's own tables write them."""
    candidates: Any = parts.candidates
    targets: Any = parts.targets
    rows: list[TableRow] = []
    for number in range(images):
        repository = Repository("docker.io", f"acme/app{number}")
        made = [_of_tag(parts, repository, number, tag) for tag in range(tags)]
        rows += [candidates._row("current", candidate) for _, _, candidate in made]
        targets._table.insert_all([_target_row(target) for _, target, _ in made])
        observations = tuple(seen for seen, _, _ in made)
        state = RepositoryState(checked_at=_NOW, order=order_at(_NOW))
        parts.observations.save(repository, Known({}, RepositoryState()), state, observations)
    rows.append(_of_one_digest(parts))
    for start in range(0, len(rows), 100):
        candidates._table.insert_all(rows[start : start + 100])
    for number in range(120):
        trouble = Trouble(kind=Kind.CANDIDATE_REJECTED, about=f"image:app{number}", detail="did not pass its gate")
        parts.troubles.put(None, Noted(trouble=trouble, since=_NOW - timedelta(hours=number), told=True))
        parts.activity.append(Event(f"image:app{number}", "candidate-rejected", _NOW, "did not pass its gate"))


def _of_one_digest(parts: Parts) -> TableRow:
    """A digest that many tags asked for, and that people have to agree to at each of them."""
    candidates: Any = parts.candidates
    targets: Any = parts.targets
    _, target, candidate = _of_tag(parts, Repository("docker.io", "acme/wide"), 1, 0)
    places = tuple(Place(f"base/wide{number}", candidate.source_tag) for number in range(WIDE))
    for number, place in enumerate(places):
        origin = replace(target.origin, image=f"wide{number}")
        targets._table.insert_all([_target_row(replace(target, repository=place.repository, origin=origin))])
    row: TableRow = candidates._row("current", replace(candidate, targets=places))
    return row


def _target_row(target: Target) -> TableRow:
    from shared.adapters.storage.targets_table import _row  # noqa: PLC0415

    return _row(target)


def _of_tag(parts: Parts, source: Repository, number: int, tag: int) -> tuple[Observation, Target, Candidate]:
    name, behind = Tag(f"{tag}"), tag == 0
    old, new = digest(_OLD, number * TAGS + tag), digest(_NEW, number * TAGS + tag)
    newest = new if behind else old
    path, order = f"base/app{number}", order_at(_NOW - timedelta(hours=5))
    seen = Observation(tag=name, digest=newest, order=order, first_seen=_NOW - timedelta(hours=5), last_checked=_NOW)
    status = (Status.VALIDATING, Status.HELD, Status.REJECTED, Status.HELD)[number % 4] if behind else Status.PROMOTED
    reason = {Status.HELD: Reason.AWAITING_APPROVAL, Status.REJECTED: Reason.GATE_REJECTED}.get(
        status, Reason.GATE_STARTED
    )
    steps = (Reason.FIRST_IMPORT, Reason.IMPORT_STARTED, Reason.IMPORT_VERIFIED, Reason.GATE_STARTED, reason)
    history = tuple(
        Change(_NOW - timedelta(hours=2, minutes=-at), status, one, "what happened, in a sentence of some length")
        for at, one in enumerate(steps)
    )
    candidate = Candidate(
        image=f"app{number}",
        source=source,
        source_tag=name,
        digest=newest,
        gate="node",
        targets=(Place(path, name),),
        status=status,
        look_at=_NOW + timedelta(days=1),
        since=_NOW - timedelta(hours=2),
        detected_at=_NOW - timedelta(hours=5),
        evidence=("gate-1-1.log",),
        history=history,
    )
    held = Admission(
        digest=new,
        outcome=Outcome.HOLD,
        reasons=(AdmissionReason.AWAITING_APPROVAL.value,),
        detail="1 of 1 approvals are missing",
        at=_NOW - timedelta(hours=2),
    )
    target = Target(
        registry=parts.target_book.registry,
        repository=path,
        tag=name,
        origin=Origin(f"app{number}", source, name, "node"),
        wanted=old,
        number=2,
        reached=2,
        searched=2,
        seen=old,
        seen_at=_NOW,
        decided_at=_NOW - timedelta(days=number % 30),
        former=(Former(digest("a", number * TAGS + tag), _NOW - timedelta(days=number % 30)),),
        sightings=(
            Sighting(order_at(_NOW - timedelta(days=number % 30, hours=3)), old),
            *((Sighting(order, new),) if behind else ()),
        ),
        passed=(old,),
        admissions=(held,) if status is Status.HELD else (),
    )
    return seen, target, candidate


def rows(folder: Path) -> list[Row]:
    """Measure and return the table's rows; ``folder`` is for the state of Azurite."""
    told = measured(folder)
    made = [
        Row(
            f"first page, {IMAGES} images, {IMAGES * TAGS} candidates: memory with what is kept of them",
            f"{told['memory']:.0f} MB",
            "15 MB",
        )
    ]
    for path, one in told["pages"].items():
        warm = statistics.median(one["warm"]) * 1000
        made.append(Row(f"  {_named(path)}: median, from what is kept for some seconds", f"{warm:.0f} ms", "300 ms"))
        made.append(Row("    put together anew", f"{one['anew'] * 1000:.0f} ms"))
        made.append(Row("    table transactions then", f"{one['tables']}", "25"))
    return made


def measured(folder: Path) -> dict[str, Any]:
    """Fill an Azurite, and measure pages in a process of its own."""
    topology: Topology = new_topology(folder, free_base_port())
    with Twin(topology, storage_only=True) as twin:
        # Nothing here listens by TLS, and the emulator's authority is not made.
        environment = {name: value for name, value in twin.environment().items() if name != "REQUESTS_CA_BUNDLE"}
        parts = Parts(load_settings(environment))
        parts.configuration_files.write("images.yaml", watch_list(), None)
        fill(parts)
        asked = [*_paths(parts)]
        log = str(twin.log("azurite"))
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, log, str(_RUNS), *asked],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        told: dict[str, Any] = json.loads(done.stdout)
        return told


def _paths(parts: Parts) -> Iterator[str]:
    names = [next(iter(parts.candidates.current(f"docker.io~acme~{name}~"))).record.id for name in ("app1", "wide")]
    yield from ("pages", "pages/images", "pages/images?group=needs-people", "pages/images/app7", "pages/approvals")
    yield from ("pages/exposure", "pages/dependants", "pages/activity", "pages/system")
    yield from (f"pages/candidates/{name}" for name in names)
    yield f"pages/targets/{parts.target_book.registry}~base~app1~0"


def _named(path: str) -> str:
    of_many = f" of {WIDE} tags" if "~wide~" in path else ""
    return "/".join(path.split("/")[:2]) + ("/…" if path.count("/") > 1 else "") + of_many
