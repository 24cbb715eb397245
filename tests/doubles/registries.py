"""Our registries and ACR Tasks in memory: they keep the ports' promises and count what was asked of them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count

import msgspec

from shared.domain.gate.verdict import UNDER_WAY, RunStatus
from shared.domain.gate.words import Words
from shared.domain.promotion.kept_tasks import ListedTask
from shared.domain.promotion.rebuilds import ApplicationTask
from shared.domain.promotion.task_runs import TaskRuns
from shared.domain.references import Digest, Tag
from shared.domain.travel.locked import Attributes, ListedTags, Right, is_digest
from shared.domain.travel.referrers import Listed, Listing
from shared.errors import Locked, NotFound, OperationFailed
from shared.ports import ImportSource, Operation
from shared.run_ports import GateRun, Run, ScanRun
from tests.doubles.referrers import children_of, content_of, subject_of
from tests.doubles.scans import UPDATED, scan_log
from tests.doubles.scripted import Scripted
from tests.doubles.upstreams import InMemoryUpstream

# Logs of a run, in which the words stand for those of the run that is meant.
PASSED_LOG = "{words.first}\nall is well\n{words.last}\nRun ID: cf1 was successful after 5s\n"
TEST_FAILED_LOG = (
    "{words.first}\nfailed to run step ID: {words.test_step}: exit status 1\nRun ID: cf1 failed after 5s.\n"
)
BUILD_FAILED_LOG = "failed to run step ID: {words.build_step}: exit status 1\nRun ID: cf1 failed after 5s.\n"

# Stands in a log for all that the scan of an image says which is not cut short.
WHOLE_SCAN = "{all of the scan}"


def scan_key(digest: Digest) -> str:
    """Return by what the double knows the scan of an image."""
    return f"scan of {digest}"


def digest_of(text: str) -> Digest:
    """Return a digest that stands for some content; equal texts have equal digests."""
    return Digest("sha256:" + hashlib.sha256(text.encode()).hexdigest())


# What tags point at, which manifests there are, and what is closed.
_State = tuple[dict[tuple[str, Tag], Digest], set[tuple[str, Digest]], dict[tuple[str, str], set[Right]]]


@dataclass
class _Import:
    source: ImportSource
    repository: str
    tags: tuple[Tag, ...]
    looks_left: int


class InMemoryRegistry(Scripted):
    """The ports ``Registry``, ``Holder`` and ``TravelRegistry``: staging or base.

    Attributes:
        tags: what each tag points at.
        looks: how many looks, at the operation or at its tag, find an import still under way; 0 ends it within
            ``start_import``.
        imports: how often an import was really started, by repository, tag and digest.
        asked: how often each method was called.
        retry_after: what an operation under way says to wait, seconds.
        base: the base registry, where this is staging.
        untagged: how often an import without a tag was really started, by repository and digest.
        lists_referrers: whether it keeps lists of referrers.
        locks: what is closed, by repository and tag or digest; an empty one is the repository itself.
        imports_heed_locks: whether an import into a locked tag, or of a locked manifest, is refused.
        lags: whether each question is answered, the first time after anything changed, as it was before that change.
        landed: is told of every import that ended well: the repository, its tags and the digest.
    """

    def __init__(
        self,
        *,
        upstreams: Iterable[InMemoryUpstream] = (),
        staging: InMemoryRegistry | None = None,
        looks: int = 1,
        before_call: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(before_call)
        self.tags: dict[tuple[str, Tag], Digest] = {}
        self.looks = looks
        self.imports: Counter[tuple[str, Tag, Digest]] = Counter()
        self.untagged: Counter[tuple[str, Digest]] = Counter()
        self.lists_referrers = True
        self.locks: dict[tuple[str, str], set[Right]] = {}
        self.imports_heed_locks = False
        self.lags = False
        self.landed: Callable[[str, tuple[Tag, ...], Digest], None] | None = None
        self.asked: Counter[str] = Counter()
        self.retry_after: float | None = None
        self.base: InMemoryRegistry | None = None
        self._upstreams = tuple(upstreams)
        self._staging = staging
        self._manifests: set[tuple[str, Digest]] = set()
        self._operations: dict[str, _Import] = {}
        self._ended: set[str] = set()
        self._numbers = count(1)
        self._landings: list[Digest | None] = []
        self._lagging: list[Digest | None] = []
        self._listings: list[dict[Tag, Digest]] = []
        self._seen: _State | None = None
        self._answered: set[tuple[str, ...]] = set()

    def push(self, repository: str, tag: Tag, digest: Digest) -> None:
        """Point a tag at a digest."""
        self._remember()
        self.tags[repository, tag] = digest
        self._manifests.add((repository, digest))

    def purge(self, repository: str, digest: Digest) -> None:
        """Let a manifest be gone, with the tags that point at it and with what refers to it."""
        self._manifests.discard((repository, digest))
        for one in [each for where, each in self._manifests if where == repository and subject_of(each) == digest]:
            self.purge(repository, one)
        gone = [place for place, held in self.tags.items() if (place[0], held) == (repository, digest)]
        for of in (digest, *(tag for _, tag in gone)):
            self.locks.pop((repository, of), None)
        self.tags = {place: held for place, held in self.tags.items() if (place[0], held) != (repository, digest)}

    def land_instead(self, *digests: Digest | None) -> None:
        """Let the next imports that end well leave these digests, one each; ``None`` leaves nothing at all."""
        self._landings.extend(digests)

    def lag(self, *digests: Digest | None) -> None:
        """Let the next reads of a tag answer so, one each, as a replica does that has not got the newest yet."""
        self._lagging.extend(digests)

    def list_instead(self, *listings: dict[Tag, Digest]) -> None:
        """Let the next listings answer so, one each, as a replica does that lags, or a registry in trouble."""
        self._listings.extend(listings)

    def untag(self, repository: str, tag: Tag) -> None:
        """Delete a tag, and leave its manifest."""
        self.tags.pop((repository, tag), None)
        self.locks.pop((repository, tag), None)

    def finish(self) -> None:
        """Let every import under way end, as it does whether anybody looks at it or not."""
        for token, under_way in tuple(self._operations.items()):
            under_way.looks_left = 0
            self._progress(token)

    def lose_operations(self) -> None:
        """Forget every import, as a registry does some time after it ended."""
        self._operations.clear()
        self._ended.clear()

    def take_turn(self) -> None:
        """See the port."""
        self._raise_scripted("take_turn")

    def start_import(self, source: ImportSource, repository: str, *tags: Tag) -> Operation:
        """See the port."""
        self.asked["start_import"] += 1
        with self._changing("start_import"):
            self._check_locks(source, repository, tags)
            self.imports.update((repository, tag, source.digest) for tag in tags)
            self.untagged.update([] if tags else [(repository, source.digest)])
            token = f"import-{next(self._numbers)}"
            self._operations[token] = _Import(source, repository, tags, self.looks)
            return self._progress(token)

    def look_at_import(self, token: str) -> Operation:
        """See the port."""
        self.asked["look_at_import"] += 1
        self._raise_scripted("look_at_import")
        if token in self._ended:
            return Operation(done=True)
        if token not in self._operations:
            raise NotFound(f"the import {token!r} is not known any more")
        self._operations[token].looks_left -= 1
        return self._progress(token)

    def digest(self, repository: str, tag: Tag) -> Digest | None:
        """See the port."""
        self.asked["digest"] += 1
        self._raise_scripted("digest")
        self._come_nearer(repository, tag)
        with self._as_seen("digest", repository, tag):
            return self._lagging.pop(0) if self._lagging else self.tags.get((repository, tag))

    def list_tags(self, repository: str) -> Mapping[Tag, Digest]:
        """See the port."""
        self.asked["list_tags"] += 1
        self._raise_scripted("list_tags")
        if self._listings:
            return self._listings.pop(0)
        with self._as_seen("list_tags", repository):
            listed = {tag: digest for (where, tag), digest in self.tags.items() if where == repository}
            locked = {tag for tag in listed if self.locks.get((repository, tag))}
            return ListedTags(listed, {tag: frozenset(self.locks[repository, tag]) for tag in locked})

    def holds(self, repository: str, digest: Digest) -> bool:
        """See the port."""
        self.asked["holds"] += 1
        self._raise_scripted("holds")
        self._come_nearer(repository, None, digest)
        with self._as_seen("holds", repository, digest):
            return self._has(repository, digest)

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """See the port."""
        self.asked["manifest"] += 1
        self._raise_scripted("manifest")
        with self._as_seen("manifest", repository, digest):
            return content_of(digest) if self._has(repository, digest) else None

    def referrers(self, repository: str, digest: Digest) -> Listing | None:
        """See the port."""
        self.asked["referrers"] += 1
        self._raise_scripted("referrers")
        with self._as_seen("referrers", repository, digest):
            about = (one for where, one in sorted(self._manifests) if where == repository and subject_of(one) == digest)
            return Listing(tuple(Listed(one, digest) for one in about)) if self.lists_referrers else None

    # Locks.

    def attributes(self, repository: str, of: str) -> Attributes | None:
        """See the port."""
        self.asked["attributes"] += 1
        self._raise_scripted("attributes")
        with self._as_seen("attributes", repository, of):
            return self._attributes(repository, of)

    def lock(self, repository: str, of: str, rights: Collection[Right]) -> Attributes | None:
        """See the port."""
        with self._changing("lock"):
            self.asked["lock"] += 1
            return self._relocked(repository, of, lambda closed: closed | set(rights))

    def unlock(self, repository: str, of: str, rights: Collection[Right]) -> Attributes | None:
        """See the port."""
        with self._changing("unlock"):
            self.asked["unlock"] += 1
            return self._relocked(repository, of, lambda closed: closed - set(rights))

    def closed(self, repository: str) -> Mapping[Digest, frozenset[Right]]:
        """See the port."""
        self.asked["closed"] += 1
        self._raise_scripted("closed")
        with self._as_seen("closed", repository):
            found = [one for where, one in self._manifests if where == repository]
            return {one: frozenset(self.locks.get((repository, one), ())) for one in found}

    def _relocked(self, repository: str, of: str, change: Callable[[set[Right]], set[Right]]) -> Attributes | None:
        assert of, "a change names a tag or a digest, and never the repository alone"
        if self._attributes(repository, of) is None:
            return None
        self._remember()
        self.locks[repository, of] = change(self.locks.get((repository, of), set()))
        return self._attributes(repository, of)

    def _attributes(self, repository: str, of: str) -> Attributes | None:
        closed = frozenset(self.locks.get((repository, of), ()))
        if not of:
            return Attributes(closed) if any(where == repository for where, _ in self._manifests) else None
        if is_digest(of):
            return Attributes(closed, Digest(of)) if self._has(repository, Digest(of)) else None
        digest = self.tags.get((repository, Tag(of)))
        return Attributes(closed, digest) if digest is not None else None

    def _check_locks(self, source: ImportSource, repository: str, tags: tuple[Tag, ...]) -> None:
        if self.imports_heed_locks and any(self.locks.get((repository, of)) for of in (*tags, source.digest)):
            raise Locked(f"{repository} is locked")

    def _has(self, repository: str, digest: Digest) -> bool:
        return (repository, digest) in self._manifests

    def _come_nearer(self, repository: str, tag: Tag | None, digest: Digest | None = None) -> None:
        """What is appointed to fail brings nothing, and says so to whoever looks at the operation."""
        if any(isinstance(error, OperationFailed) for error in self._errors["look_at_import"]):
            return
        for token, under_way in tuple(self._operations.items()):
            meant = tag in under_way.tags or (not under_way.tags and under_way.source.digest == digest)
            if under_way.repository == repository and meant:
                under_way.looks_left -= 1
                if self._source_holds(under_way.source):
                    self._progress(token)

    def _progress(self, token: str) -> Operation:
        under_way = self._operations[token]
        if under_way.looks_left > 0:
            return Operation(done=False, token=token, retry_after=self.retry_after)
        self._finish(self._operations.pop(token))
        self._ended.add(token)
        return Operation(done=True)

    def _finish(self, ended: _Import) -> None:
        if not self._source_holds(ended.source):
            missing = f"{ended.source.repository}@{ended.source.digest} is not there"
            raise OperationFailed(NotFound(missing, code="MANIFEST_UNKNOWN"))
        landing = self._landings.pop(0) if self._landings else ended.source.digest
        if landing is None:
            return
        self._remember()
        self._manifests |= {(ended.repository, one) for one in (landing, *_below(landing))}
        self.tags |= {(ended.repository, tag): landing for tag in ended.tags}
        if self.landed is not None:
            self.landed(ended.repository, ended.tags, landing)

    # Replicas that lag.

    def _remember(self) -> None:
        """Something is about to change."""
        self._seen = (dict(self.tags), set(self._manifests), {of: set(rights) for of, rights in self.locks.items()})
        self._answered.clear()

    @contextmanager
    def _as_seen(self, *question: str) -> Iterator[None]:
        """Answer a question as a replica does that has not got the last change yet, once."""
        if not self.lags or self._seen is None or question in self._answered:
            yield
            return
        self._answered.add(question)
        now = (self.tags, self._manifests, self.locks)
        self.tags, self._manifests, self.locks = self._seen
        try:
            yield
        finally:
            self.tags, self._manifests, self.locks = now

    def _source_holds(self, source: ImportSource) -> bool:
        if source.own:
            return self._has(source.repository.path, source.digest)
        if source.staging or source.base:
            other = self._staging if source.staging else self.base
            return other is not None and other._has(source.repository.path, source.digest)
        return any(upstream.has(source.repository, source.digest) for upstream in self._upstreams)


def _below(digest: Digest) -> Iterator[Digest]:
    """An index comes with all that it names."""
    for child in children_of(digest):
        yield from (child, *_below(child))


@dataclass
class _Run:
    key: str
    status: RunStatus
    log: str
    looks_left: int


class InMemoryRuns(Scripted):
    """The port ``Runs``: ACR Tasks of one registry.

    A run is known by what it works on, its key: a gate's run by the staged digest, a task's run by the task's id.

    Attributes:
        looks: how many looks find a run still running.
        started: how many runs were really started, by key.
        gates: the gate runs that were really started, in order, with the names they were started under.
        scans: the same of scans.
        found: what scans of an image find by platform, as ``scan_log`` takes it; else nothing.
        listed: the rows by which they list what is in an image; else ``LISTED`` does.
        found_today: what is found in documents: each row in those that have its package.
        updated: of when the database of scans is.
        asked: how often each method was called.
        application_tasks: what ``tasks`` returns.
        without_bases: whether ``tasks`` leaves out what they are built on.
        ended: when runs of tasks ended, by the task's name in lower case; ``None`` for too many.
        task_runs: what runs say of their tasks, by the task's name in lower case.
        named: whether runs of gates can be found by their names.
        canceled: the ids of runs that were under way when they were asked to end.
        tells_ids: whether the answer to who schedules a named run says its id.
    """

    def __init__(self, *, looks: int = 1, before_call: Callable[[str], None] | None = None) -> None:
        super().__init__(before_call)
        self.looks = looks
        self.started: Counter[str] = Counter()
        self.gates: list[tuple[str, GateRun]] = []
        self.scans: list[tuple[str, ScanRun]] = []
        self.updated = UPDATED
        self.found: dict[Digest, Mapping[str, tuple[str, ...] | str]] = {}
        self.listed: dict[Digest, tuple[str, ...]] = {}
        self.found_today: tuple[str, ...] = ()
        self.asked: Counter[str] = Counter()
        self.application_tasks: tuple[ApplicationTask, ...] = ()
        self.without_bases = False
        self.ended: dict[str, datetime] | None = {}
        self.task_runs: dict[str, TaskRuns] = {}
        self.named = True
        self.tells_ids = True
        self.canceled: list[str] = []
        self._names: dict[str, str] = {}
        self._runs: dict[str, _Run] = {}
        self._ends: defaultdict[str, list[tuple[RunStatus, str]]] = defaultdict(list)

    @property
    def names(self) -> frozenset[str]:
        """The names under which runs are known now."""
        return frozenset(self._names)

    def end(self, key: str, *statuses: RunStatus, log: str = "") -> None:
        """Let the next runs of a key end so, one each, all with this log; runs beyond these pass.

        ``{words.first}`` and its like in the log are the words of a gate's run.
        """
        self._ends[key].extend((status, log) for status in statuses)

    def plant(self, name: str) -> None:
        """Let somebody else take a name beforehand, for a run that succeeds."""
        self._names[name] = f"planted-{name}"

    def finish(self) -> None:
        """Let every run that is under way be over at the next look."""
        for run in self._runs.values():
            run.looks_left = 0

    def take_gate_turn(self) -> None:
        """See the port."""
        self._raise_scripted("take_gate_turn")

    def take_task_turn(self, runs: int = 1) -> None:  # noqa: ARG002  the port's
        """See the port."""
        self._raise_scripted("take_task_turn")

    def find(self, name: str) -> Run | None:
        """See the port."""
        self.asked["find"] += 1
        self._raise_scripted("find")
        run_id = self._names.get(name)
        return None if run_id is None else self._look(run_id)

    def find_gate(self, name: str, words: Words) -> Run | None:  # noqa: ARG002  all but the planted ones are ours
        """See the port."""
        run_id = self._names.get(name, "")
        if run_id.startswith("planted-"):
            return Run("", RunStatus.ERROR, strange="somebody else's")
        return self.find(name)

    def start_gate(self, name: str, gate: GateRun, *, again: bool = True) -> Run:  # noqa: ARG002  a name is one run
        """See the port."""
        self.asked["start_gate"] += 1
        with self._changing("start_gate"):
            if self._names.get(name, "").startswith("planted-"):
                return Run("", RunStatus.ERROR, strange="somebody else's")
            self._free(name)
            if name not in self._names:
                self.gates.append((name, gate))
            run = self._start(name, gate.digest, gate.words)
            if not self.named:
                del self._names[name]
            return msgspec.structs.replace(self._told(run), named=self.named)

    def find_scan(self, name: str, words: Words) -> Run | None:
        """See the port."""
        return self.find_gate(name, words)

    def start_scan(self, name: str, scan: ScanRun, *, again: bool = True) -> Run:  # noqa: ARG002  a name is one run
        """See the port. Its key is ``scan_key(digest)``; it finds what ``found`` says."""
        self.asked["start_scan"] += 1
        with self._changing("start_scan"):
            if self._names.get(name, "").startswith("planted-"):
                return Run("", RunStatus.ERROR, strange="somebody else's")
            self._free(name)
            if name not in self._names:
                self.scans.append((name, scan))
            run = self._start(name, scan_key(scan.digest), log=self._scan_log(scan))
            if not self.named:
                del self._names[name]
            return msgspec.structs.replace(self._told(run), named=self.named)

    def _scan_log(self, scan: ScanRun) -> str:
        found = self.found.get(scan.digest, {})
        said: dict[str, tuple[str, ...] | str] = {each: found.get(each, ()) for each in scan.platforms}
        for name, text in scan.documents.items():
            said[name] = tuple(row for row in self.found_today if row.split('"')[7].encode() in text)
        return scan_log(scan.words, scan.digest, said, updated=self.updated, listed=self.listed.get(scan.digest, ()))

    def look(self, run_id: str) -> Run | None:
        """See the port."""
        self.asked["look"] += 1
        self._raise_scripted("look")
        return msgspec.structs.replace(self._look(run_id), named=False) if run_id in self._runs else None

    def cancel(self, run_id: str) -> None:
        """See the port. A run ends at once."""
        self.asked["cancel"] += 1
        with self._changing("cancel"):
            run = self._runs.get(run_id)
            if run is not None and self._seen(run_id).status in UNDER_WAY:
                run.status, run.log, run.looks_left = RunStatus.CANCELED, "", 0
                self.canceled.append(run_id)

    def start_task(self, name: str, task_id: str) -> Run:
        """See the port."""
        self.asked["start_task"] += 1
        with self._changing("start_task"):
            self._free(name)
            return self._told(self._start(name, task_id))

    def log(self, run_id: str) -> str:
        """See the port."""
        self.asked["log"] += 1
        self._raise_scripted("log")
        run = self._runs.get(run_id)
        return run.log if run is not None and run.looks_left <= 0 else ""

    def forget(self, name: str) -> None:
        """See the port."""
        self.asked["forget"] += 1
        with self._changing("forget"):
            self._names.pop(name, None)

    def task(self, name: str) -> ApplicationTask | None:
        """See the port."""
        self.asked["task"] += 1
        self._raise_scripted("task")
        return next((task for task in self.application_tasks if task.name.lower() == name.lower()), None)

    def tasks(self) -> tuple[ListedTask, ...]:
        """See the port."""
        self.asked["tasks"] += 1
        self._raise_scripted("tasks")
        return tuple(self._listed(task) for task in self.application_tasks)

    def ended_since(self, moment: datetime) -> Mapping[str, datetime] | None:
        """See the port."""
        self.asked["ended_since"] += 1
        self._raise_scripted("ended_since")
        if self.ended is None:
            return None
        return {task: end for task, end in self.ended.items() if end >= moment}

    def latest_runs(self) -> Mapping[str, TaskRuns]:
        """See the port."""
        self.asked["latest_runs"] += 1
        self._raise_scripted("latest_runs")
        return dict(self.task_runs)

    def _listed(self, task: ApplicationTask) -> ListedTask:
        """Lists may leave out the bases; a task's version is what else it is."""
        bare = msgspec.structs.replace(task, dependencies=())
        return ListedTask(bare, complete=False, version=repr(bare)) if self.without_bases else ListedTask(task, True)

    def _told(self, run: Run) -> Run:
        return run if self.tells_ids or not self.named else msgspec.structs.replace(run, run_id="")

    def _free(self, name: str) -> None:
        """As ARM does: put again after its run failed, a name stands for another run."""
        if name in self._names and self._seen(self._names[name]).status is RunStatus.FAILED:
            del self._names[name]

    def _start(self, name: str, key: str, words: Words | None = None, log: str = "") -> Run:
        if name not in self._names:
            self.started[key] += 1
            passed = (RunStatus.SUCCEEDED, PASSED_LOG if words else log)
            status, said = self._ends[key].pop(0) if self._ends[key] else passed
            log = said.format(words=words) if words else said.replace(WHOLE_SCAN, log)
            run_id = f"run{len(self._runs) + 1}"
            self._names[name] = run_id
            self._runs[run_id] = _Run(key, status, log, self.looks)
            return Run(run_id, RunStatus.QUEUED)
        return self._seen(self._names[name])

    def _look(self, run_id: str) -> Run:
        seen = self._seen(run_id)
        self._runs[run_id].looks_left -= 1
        return seen

    def _seen(self, run_id: str) -> Run:
        run = self._runs[run_id]
        return Run(run_id, RunStatus.RUNNING if run.looks_left > 0 and run.status not in UNDER_WAY else run.status)
