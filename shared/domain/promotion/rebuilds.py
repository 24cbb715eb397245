"""Which application tasks are built on a base image, and what becomes of their rebuilds.

Dependencies: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-base-images
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import msgspec

from shared.domain.gate.verdict import RunStatus
from shared.domain.promotion.identity import earlier_id
from shared.domain.promotion.middles import Middle
from shared.domain.promotion.schedule import (
    MOST_ATTEMPTS,
    RUN_LIFE,
    most_attempts,
    pause_before_retry,
    pause_before_turn,
)
from shared.domain.promotion.task_runs import Pushed, TaskRuns
from shared.domain.references import Digest, Tag, parse_repository
from shared.errors import InvalidReference, Paced, RateLimited, TidegateError

# A task whose own trigger is on is rerun by ACR when its base is pushed. Its run is given this long to end before we
# take the trigger for missed and run the task ourselves.
OWN_TRIGGER_GRACE = timedelta(minutes=10)
OWN_TRIGGER_LOOK = timedelta(minutes=1)
# What the ids of rebuilds begin with that ACR Tasks does not run.
DISPATCHED = "dispatch-"


class Dependency(msgspec.Struct, frozen=True):
    """A base image that an application task was last built on, as ACR reports it.

    Attributes:
        registry: its host.
        repository: in that registry.
        tag: the tag.
        digest: what the tag was then.
        watched: whether the task's own trigger, where it is on, looks at this one; it may be told to look only at what
            the image runs on, and not at what it was built with.
    """

    registry: str
    repository: str
    tag: str
    digest: str = ""
    watched: bool = True


class ApplicationTask(msgspec.Struct, frozen=True, omit_defaults=True):
    """An ACR task that builds an application image.

    Attributes:
        registry: name of the registry the task belongs to.
        name: the task's name.
        resource_id: its Azure resource id.
        enabled: whether it may be run.
        own_trigger: whether its own base image trigger is on, so that ACR may rerun it without being asked.
        dependencies: what its last successful run was built on; empty before the first.
        owner: whose it is, as its tag `owner` says; empty without one.
        pushes: what it pushes, as far as its definition says so.
        runs: what its runs say of it; ``None`` if they were not read.
    """

    registry: str
    name: str
    resource_id: str
    enabled: bool
    own_trigger: bool
    dependencies: tuple[Dependency, ...]
    owner: str = ""
    pushes: tuple[Pushed, ...] = ()
    runs: TaskRuns | None = None


class BuilderKind(Enum):
    """Who builds: by what a rebuild is asked for, and how its end is known."""

    ACR_TASK = "acr-task"  # a task of an application registry, run by ACR Tasks
    GITHUB = "github"  # a workflow of GitHub Actions
    PIPELINES = "pipelines"  # a pipeline of Azure Pipelines
    EVENTS = "events"  # whoever takes a CloudEvent, and tells us the end by itself


class RebuildStatus(Enum):
    """Where a rebuild is."""

    WANTED = "wanted"  # noticed; no run yet
    LEFT_TO_ACR = "left-to-acr"  # the task's own trigger should rerun it; looked at again soon
    ASKED = "asked"  # a build was asked for, and no clear answer is noted: from then on it is only looked for
    ACCEPTED = "accepted"  # whoever builds took the request; no build is known yet, or its end is told to us
    RUNNING = "running"  # the run is under way
    SUCCEEDED = "succeeded"  # the application image was built on the new base; the end
    UP_TO_DATE = "up-to-date"  # the task was already built on this digest; the end
    WITHDRAWN = "withdrawn"  # its wave was called off before its run began; the end
    OVERTAKEN = "overtaken"  # the base moved on before its run began, to what has a rebuild of its own; the end
    FAILED = "failed"  # the run failed, or could not be made to run; the end
    UNDECIDED = "undecided"  # builds were asked for elsewhere, and none of them said whether it can be built; the end
    BY_ACR_ALONE = "by-acr-alone"  # the app's identity may not run the task; its own trigger is on and is to; the end
    BY_NOBODY = "by-nobody"  # the app's identity may not run the task, and its own trigger is off; the end


class EndKind(Enum):
    """Who decided the end of a run."""

    BUILD = "build"  # the build itself passed or failed
    PLATFORM = "platform"  # what it ran on: it was cancelled or timed out, had no agent, or could not be made to run


# Ends for want of a right: they begin anew with the next signal, which may come after the right.
WITHOUT_RIGHT = frozenset({RebuildStatus.BY_ACR_ALONE, RebuildStatus.BY_NOBODY})
REBUILD_ENDS = (
    frozenset(
        {
            RebuildStatus.SUCCEEDED,
            RebuildStatus.UP_TO_DATE,
            RebuildStatus.WITHDRAWN,
            RebuildStatus.OVERTAKEN,
            RebuildStatus.FAILED,
            RebuildStatus.UNDECIDED,
        }
    )
    | WITHOUT_RIGHT
)
# A build is under way, or may be.
BUSY = frozenset({RebuildStatus.ASKED, RebuildStatus.ACCEPTED, RebuildStatus.RUNNING})


class Rebuild(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A rerun of one application task, or of another build, because its base moved to one digest.

    Attributes:
        registry: name of the registry the task belongs to; of another build the dispatcher's name in the settings.
        task: the task's name; of another build its place there, such as ``contoso/shop/build.yml@main``.
        task_id: the task's Azure resource id; empty for another build.
        kind: who builds; ACR Tasks in records of earlier versions.
        base_repository: repository in the base registry.
        base_tag: the tag that moved.
        base_digest: what it moved to.
        base_registry: the base registry whose target decided so, for another one counts its decisions anew; empty for
            what others pushed, and in records of earlier versions.
        decision: the number of its target's decision, so that a base that returns to an earlier digest is built on
            once more; 0 for what others pushed into the base registry.
        generation: what stood for the decision in records of earlier versions.
        status: where it is.
        step: counts the changes of this record.
        look_at: when it is to be looked at again, UTC.
        since: when it was first wanted, UTC.
        failures: how often in a row its step did not succeed.
        waits: how often in a row it was asked to wait, which is no failure.
        runs: how many runs were started; of another build the number of the latest attempt.
        asked_at: when the latest run was asked for, UTC; it reads its bases later than that.
        run_id: the registry's id of the latest run whose end was seen.
        live_run: the registry's id of the run under way, from when it is known.
        detail: why it is where it is, for people.
        link: the page of the latest run, as whoever builds said; for people, and never fetched.
        told: whether its end was told by whoever builds, and not read by us: alone it takes nothing back.
        built_on: the digest of its base that whoever builds says to have built on; empty if nobody said.
        traceparent: W3C trace context.
        wave: the id of the wave that it is of; empty for one that waits for no other.
        attempt: which of the wave's attempts at its task; 0 and 1 are the first.
        canary: whether the wave's others wait for it: it goes before others, and is asked for alone.
        anew: whether it is run though its task is built on the digest: its run says something else.
        turn: since when its wave waits, by which its turn comes, UTC; ``None`` for ``since``.
        ended_by: who decided its end; ``None`` before, and in records of earlier versions.
        reported: the digest that the registry says its task was built on, once it succeeded.
        middles: of a task in a chain the images between, by which that is known.
        lost: of another build the attempts whose answer was unclear, and that were looked for in vain.
    """

    registry: str
    task: str
    task_id: str = ""
    kind: BuilderKind = BuilderKind.ACR_TASK
    base_repository: str
    base_tag: Tag
    base_digest: Digest
    base_registry: str = ""
    decision: int = 0
    generation: int = 1
    status: RebuildStatus = RebuildStatus.WANTED
    step: int = 1
    look_at: datetime
    since: datetime
    failures: int = 0
    waits: int = 0
    runs: int = 0
    asked_at: datetime | None = None
    run_id: str = ""
    live_run: str = ""
    detail: str = ""
    link: str = ""
    told: bool = False
    built_on: str = ""
    traceparent: str = ""
    wave: str = ""
    attempt: int = 0
    canary: bool = False
    anew: bool = False
    turn: datetime | None = None
    ended_by: EndKind | None = None
    reported: str = ""
    middles: tuple[Middle, ...] = ()
    lost: tuple[int, ...] = ()

    @property
    def target(self) -> str:
        """What is built, as the watch list names it: ``acr:registry/task``, or ``dispatcher:place``."""
        return f"acr:{self.registry}/{self.task}" if self.is_of_acr else f"{self.registry}:{self.task}"

    @property
    def is_of_acr(self) -> bool:
        """Whether ACR Tasks runs it."""
        return self.kind is BuilderKind.ACR_TASK

    @property
    def id(self) -> str:
        """Derived from the task, the base tag's digest and whose decision it is: two signals are one rebuild."""
        base = earlier_id(self.base_repository, self.base_tag, self.base_digest)
        which = f"decision-{self.decision}" if self.decision else str(self.generation)
        which += f"~{self.base_registry}" if self.base_registry else ""
        which += f"~attempt-{self.attempt}" if self.attempt > 1 else ""
        short = hashlib.sha256(f"{base}~{which}".encode()).hexdigest()[:32]
        return f"{task_prefix(self)}{short}"


def registry_prefix(rebuild: Rebuild) -> str:
    """Return what the ids of all rebuilds of the same registry, or by the same dispatcher, begin with.

    No registry's name has a hyphen.
    """
    return f"{'' if rebuild.is_of_acr else DISPATCHED}{rebuild.registry.lower()}~"


def task_prefix(rebuild: Rebuild) -> str:
    """Return what the ids of all rebuilds of the same task begin with; a place may hold what no id may."""
    task = rebuild.task.lower() if rebuild.is_of_acr else hashlib.sha256(rebuild.task.encode()).hexdigest()[:16]
    return f"{registry_prefix(rebuild)}{task}~"


def rebuild_run_name(rebuild: Rebuild) -> str:
    """Return the name of a rebuild's latest run: derived, so that scheduling it twice is scheduling it once."""
    return f"tidegate-{hashlib.sha256(f'{rebuild.id}~{rebuild.runs}'.encode()).hexdigest()[:32]}"


def rebuild_run_names(rebuild: Rebuild) -> tuple[str, ...]:
    """Return the names of all runs of a rebuild."""
    numbers = range(1, rebuild.runs + 1)
    return tuple(rebuild_run_name(msgspec.structs.replace(rebuild, runs=number)) for number in numbers)


def depends_on(task: ApplicationTask, login_server: str, repository: str, tag: str) -> Dependency | None:
    """Find the dependency of a task on one tag of the base registry.

    Args:
        task: the task.
        login_server: of the base registry.
        repository: in the base registry.
        tag: the tag.

    Returns:
        The dependency, or ``None``. Hosts are compared without case and with Docker Hub's names made one.
    """
    for dependency in task.dependencies:
        if dependency.tag == tag and _same_image(dependency, login_server, repository):
            return dependency
    return None


def _same_image(dependency: Dependency, login_server: str, repository: str) -> bool:
    try:
        found = parse_repository(f"{dependency.registry}/{dependency.repository}")
        wanted = parse_repository(f"{login_server}/{repository}")
    except InvalidReference:
        return False
    return found == wanted


def follow(rebuild: Rebuild, status: RebuildStatus, now: datetime, *, pause: timedelta, **fields: Any) -> Rebuild:
    """Return the record one step further, to be looked at again after a pause."""
    moved = status is not rebuild.status
    changes: dict[str, Any] = {
        "status": status,
        "step": rebuild.step + 1,
        "look_at": now + pause,
        "failures": 0 if moved else rebuild.failures,
        "waits": 0,
    }
    return msgspec.structs.replace(rebuild, **{**changes, **fields})


def put_off_rebuild(rebuild: Rebuild, error: TidegateError, now: datetime) -> Rebuild:
    """Decide what an error means for a rebuild: try again after a growing pause, or end it as failed.

    Being asked to wait is no failure, however often; it is waited longer each time.
    A run that was asked for goes on while nobody answers, so its end is looked for as long as a run may last.
    Whose turn at ARM has not come is as it was.
    """
    if isinstance(error, Paced):
        return msgspec.structs.replace(rebuild, step=rebuild.step + 1, look_at=now + pause_before_turn(error))
    if isinstance(error, RateLimited):
        waits = rebuild.waits + 1
        pause = pause_before_retry(waits, error.retry_after)
        return follow(rebuild, rebuild.status, now, pause=pause, detail=str(error), waits=waits)
    failures = rebuild.failures + 1
    follows = rebuild.status is RebuildStatus.RUNNING and most_attempts(error) == MOST_ATTEMPTS
    if error.temporary and follows and now - rebuild.since < RUN_LIFE:
        failures = min(failures, MOST_ATTEMPTS - 1)
    if not error.temporary or failures >= most_attempts(error):
        return follow(rebuild, RebuildStatus.FAILED, now, pause=timedelta(0), detail=str(error), failures=failures)
    pause = pause_before_retry(failures, error.retry_after)
    return follow(rebuild, rebuild.status, now, pause=pause, detail=str(error), failures=failures)


def without_us(rebuild: Rebuild, dependency: Dependency | None, own_trigger: bool) -> tuple[RebuildStatus, str]:
    """Return the end of a rebuild whose task the app's identity may not run, and what that means for the task.

    Args:
        rebuild: it.
        dependency: of its task on the base, as it is by now; ``None`` if there is none, or no such task.
        own_trigger: whether the task's own base image trigger is on.
    """
    if dependency is None:
        return RebuildStatus.FAILED, "the task is gone, or not built on this base any more"
    if dependency.digest == rebuild.base_digest:
        return RebuildStatus.UP_TO_DATE, "the task was built on this digest meanwhile, but not by Tidegate"
    if own_trigger and dependency.watched:
        return RebuildStatus.BY_ACR_ALONE, "left to ACR's own base image trigger, which is on"
    return RebuildStatus.BY_NOBODY, "nobody rebuilds it: its own base image trigger is off, or does not see this base"


def outcome(status: RunStatus) -> RebuildStatus | None:
    """Return the end that a finished run means, or ``None`` if the run decided nothing and is to be repeated."""
    if status is RunStatus.SUCCEEDED:
        return RebuildStatus.SUCCEEDED
    return RebuildStatus.FAILED if status is RunStatus.FAILED else None
