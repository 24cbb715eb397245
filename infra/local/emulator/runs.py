"""Runs of ACR Tasks: queued, really executed as agents come free, and remembered with their logs."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from werkzeug.exceptions import abort

from infra.local.emulator.access import SignIn
from infra.local.emulator.arm import not_found
from infra.local.emulator.callers import Authorship
from infra.local.emulator.crews import Crew
from infra.local.emulator.faults import Fault, Faults
from infra.local.emulator.operations import Operations
from infra.local.emulator.registries import Registries
from infra.local.emulator.settings import Settings
from infra.local.emulator.times import drawn, pass_time, run_work
from infra.local.emulator.tokens import Tokens
from infra.local.emulator.vaults import Vaults
from infra.local.runner import Dependency, Image, RunRequest, RunResult, play, play_pushing
from infra.local.topology import Topology

FINAL = {
    "Succeeded": "successful",
    "Failed": "failed",
    "Canceled": "canceled",
    "Timeout": "timedout",
    "Error": "internalerror",
}
# How a run can be made to end, by the code of the fault that asks for it.
FAULTS: dict[str, Literal["Failed", "Canceled", "Timeout"]] = {
    "Failed": "Failed",
    "Canceled": "Canceled",
    "Timeout": "Timeout",
}
# And as what it can say that it ended, before it has.
EARLY: dict[str, Literal["Succeeded", "Failed", "Canceled", "Timeout"]] = {"Succeeded": "Succeeded", **FAULTS}
_LOGIN_SECONDS = 3 * 3600
Execute = Callable[[RunRequest, Callable[[str], None], threading.Event], RunResult]


class UnusableRequestError(Exception):
    """The run request cannot be carried out; the text says why."""


@dataclass(frozen=True)
class Plan:
    """What a run request comes down to.

    Attributes:
        steps_yaml: the task file.
        values: what ``{{.Values.x}}`` stands for.
        source: the build context as a tar.gz, or ``None``.
        timeout: seconds the whole run may take.
    """

    steps_yaml: str
    values: Mapping[str, str]
    source: Path | None
    timeout: float


@dataclass(frozen=True)
class Traits:
    """What a run takes over from its request or its task, and shows.

    Attributes:
        platform: operating system and architecture, spelled as they were.
        cpu: how many processors it may use.
        archive: whether its log is to be kept in the registry.
        agent_pool: where it runs; empty for the service's own machines.
        source_auth: how it signs in to its registry, if its request says so.
    """

    platform: tuple[tuple[str, str], ...] = (("os", "linux"), ("architecture", "amd64"))
    cpu: int = 2
    archive: bool = False
    agent_pool: str = ""
    source_auth: str = ""


@dataclass
class Run:
    """One run; times are epoch seconds. Its name is that of the task run which started it, if one did."""

    registry: str
    run_id: str
    run_type: str
    task: str | None
    trigger: dict[str, Any] | None
    authorship: Authorship
    traits: Traits
    sign_in: SignIn
    identities: tuple[str, ...] = ()
    name: str = ""
    created: float = field(default_factory=time.time)
    started: float | None = None
    finished: float | None = None
    updated: float = field(default_factory=time.time)
    status: str = "Queued"
    log: str = ""
    error: str = ""
    images: tuple[Image, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def complete(self) -> str:
        """What the log blob's ``complete`` metadata says; empty while the run goes on."""
        return FINAL.get(self.status, "")

    def write(self, line: str) -> None:
        """Append a line to the log."""
        self.log += line.rstrip("\n") + "\n"
        self.updated = time.time()

    def finish(self, result: RunResult) -> None:
        """Take over how the run ended; the status goes last, for readers look at it first."""
        self.images, self.dependencies = tuple(result.output_images), tuple(result.dependencies)
        self.error = result.error
        self.finished = self.updated = time.time()
        self.status = result.status


class Runs:
    """Every run of every registry, and the agents that execute them.

    Args:
        execute: carries out one run; the task runner's ``execute``.
    """

    def __init__(
        self,
        topology: Topology,
        registries: Registries,
        faults: Faults,
        operations: Operations,
        settings: Settings,
        execute: Execute,
        tokens: Tokens,
    ) -> None:
        self._folder = topology.state / "emulator" / "runs"
        self._registries = registries
        self._faults = faults
        self._operations = operations
        self._settings = settings
        self._execute = execute
        self._tokens = tokens
        self._vaults = Vaults(settings)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._runs: dict[tuple[str, str], Run] = {}
        self._closing = threading.Event()
        self._crew = Crew("run", lambda: settings.now.agents)

    def get(self, registry: str, run_id: str) -> Run:
        """Return a run, or answer 404 as ARM does."""
        if (registry, run_id) not in self._runs:
            abort(not_found(run_id))
        return self._runs[registry, run_id]

    def all(self, registry: str) -> list[Run]:
        """Return a registry's runs, newest first."""
        with self._lock:
            return [run for run in reversed(self._runs.values()) if run.registry == registry]

    def listed(self) -> list[dict[str, Any]]:
        """Return every run of every registry, oldest first, with what it was built on, as JSON objects."""
        with self._lock:
            return [_listed(run) for run in self._runs.values()]

    def submit(
        self,
        registry: str,
        plan: Callable[[Path], Plan],
        authorship: Authorship,
        traits: Traits,
        sign_in: SignIn,
        *,
        run_type: str = "QuickRun",
        task: str | None = None,
        trigger: dict[str, Any] | None = None,
        done: Callable[[RunResult], None] | None = None,
        identities: tuple[str, ...] = (),
    ) -> Run:
        """Queue a run.

        Args:
            registry: the registry it belongs to.
            plan: makes the plan in a folder given to it; ``UnusableRequestError`` fails the run.
            authorship: who asked for it.
            traits: what it takes over from its request.
            sign_in: as whom it signs in to its registry.
            run_type: ``QuickRun``, of builds too, or ``AutoRun``.
            task: the task it is a run of, if any.
            trigger: the ``imageUpdateTrigger`` of an automatic run.
            done: told how the run ended, before its status says so to anyone else.
            identities: resource ids of the user-assigned identities that it has.

        Returns:
            The queued run, updated as it goes on.
        """
        with self._lock:
            run_id = f"ca{next(self._numbers)}"
            run = Run(registry, run_id, run_type, task, trigger, authorship, traits, sign_in, identities)
            self._runs[registry, run.run_id] = run
        self._hand_over(partial(self._work, run, plan, done or (lambda _: None)))
        return run

    def cancel(self, run: Run) -> None:
        """Ask a run to stop; one that has ended stays as it is."""
        run.cancelled.set()

    def close(self) -> None:
        """Cancel what goes on, and start nothing more."""
        self._closing.set()
        for run in self._runs.values():
            run.cancelled.set()
        for thread in self._crew.close():
            thread.join()

    def _hand_over(self, work: Callable[[], None]) -> None:
        """Let a run stand in the line for an agent once its wait is over, in which it takes nobody's place."""
        wait = self._settings.now.agent_wait_seconds
        if not wait:
            self._crew.submit(work)
            return
        timer = threading.Timer(wait, self._crew.submit, (work,))
        timer.daemon = True
        timer.start()

    def _work(self, run: Run, plan: Callable[[Path], Plan], done: Callable[[RunResult], None]) -> None:
        operation = self._operations.begin("run", f"{run.registry}/{run.run_id}")
        run.started = run.updated = time.time()
        run.status = "Running"
        if early := self._fault(run, "end-early"):
            run.finish(RunResult(EARLY.get(early.code, "Succeeded")))
        workdir = self._folder / run.registry / run.run_id
        workdir.mkdir(parents=True, exist_ok=True)
        try:
            result = self._result(run, plan, workdir)
        except UnusableRequestError as error:
            run.write(f"failed to prepare the run: {error}")
            result = RunResult("Failed", error=str(error))
        except Exception as error:  # noqa: BLE001 - whatever broke, the run must end and say so, as in ACR
            run.write(f"internal error: {error!r}")
            result = RunResult("Error", error=repr(error))
        shutil.rmtree(workdir, ignore_errors=True)
        if late := self._fault(run, "end-late"):
            self._closing.wait(late.seconds)
        self._operations.end(operation, result.status)
        done(result)
        run.finish(result)

    def _result(self, run: Run, plan: Callable[[Path], Plan], workdir: Path) -> RunResult:
        if fault := self._fault(run, "fail-operation"):
            run.write(fault.message)
            return RunResult(FAULTS.get(fault.code, "Error"), error=fault.message)
        if run.cancelled.is_set():
            return RunResult("Canceled", error="The run was canceled.")
        request = self._request(run, plan(workdir), workdir)
        return self._slowed(run, request.steps_yaml, self._carry_out(request, run.write, run.cancelled))

    @property
    def _carry_out(self) -> Execute:
        now = self._settings.now
        return (play_pushing if now.played_runs_push else play) if now.runs_played else self._execute

    def _fault(self, run: Run, action: str) -> Fault | None:
        """Take what is to go wrong with a run, if anything is."""
        path = "/".join(part for part in (run.registry, run.run_id, run.task) if part)
        return self._faults.take("arm", "run", path, (action,))

    def _slowed(self, run: Run, steps: str, result: RunResult) -> RunResult:
        """Return how a run ended when its time has passed, unless it is canceled before."""
        work = run_work(run.registry, run.task, steps)
        passed = pass_time(partial(self._seconds, work), run.cancelled)
        return result if passed else RunResult("Canceled", error="The run was canceled.")

    def _seconds(self, work: str) -> float:
        now = self._settings.now
        return drawn(now.times_seed, work, now.run_seconds, now.run_spread)

    def _request(self, run: Run, plan: Plan, workdir: Path) -> RunRequest:
        return RunRequest(
            run_id=run.run_id,
            registry_name=run.registry,
            login_server=self._registries.login_server(run.registry),
            registries=self._registries.addresses(),
            steps_yaml=plan.steps_yaml,
            values=plan.values,
            source=plan.source,
            task_name=run.task,
            timeout=plan.timeout,
            workdir=workdir,
            rights=run.sign_in.rights,
            login=self._login(run),
            vault=partial(self._vaults.read, run.identities),
        )

    def _login(self, run: Run) -> str:
        """Return the refresh token that a run signs in with; nothing for one that may not even pull."""
        if "pull" not in run.sign_in.rights:
            return ""
        server = self._registries.login_server(run.registry)
        return self._tokens.issue("acr-refresh", _LOGIN_SECONDS, aud=server, sub=run.sign_in.client)


def _listed(run: Run) -> dict[str, Any]:
    kept = ("registry", "run_id", "name", "task", "status", "created", "started", "finished")
    bases = {f"{base.registry}/{base.repository}:{base.tag}": base.digest for base in run.dependencies}
    return {**{name: getattr(run, name) for name in kept}, "bases": bases}
