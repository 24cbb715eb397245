"""Probes about runs: contexts, repeated requests, what a task run says of its run, and a registry's login."""

from __future__ import annotations

import time
from datetime import datetime

from infra.live_check.ground import Ground
from infra.live_check.importing import run
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.running import (
    ABAC,
    BUILD,
    UNDER_WAY,
    encoded,
    end_of,
    failing,
    get_task_run,
    hello,
    put_task_run,
    remember,
    run_of,
    schedule,
    status,
    upload,
)

_STAGES = ("Queued", "Started", "Running")


def an_uploaded_context_in_a_task_run(ground: Ground) -> Seen:
    """Upload a context and name it in a task run whose build needs it."""
    name = ground.name("context")
    steps = BUILD.format(repository=ground.repository("context"))
    answer = put_task_run(ground, name, encoded(steps, sourceLocation=upload(ground)), name)
    if not answer.ok:
        return found(False, f"refused: {answer.told()}", code=answer.code)
    ended = end_of(ground, run_of(ground, name))
    return found(ended == "Succeeded", f"accepted with HTTP {answer.status}; the run ended as {ended}", ended=ended)


def a_repeated_task_run(ground: Ground) -> Seen:
    """Put the same request under the same name again, after its run succeeded and after one failed."""
    outcomes = {word: _again(ground, word, steps) for word, steps in _both(ground).items()}
    text = "; ".join(
        f"after {ended}: HTTP {second}, {'the same run' if same else 'another run'}"
        for ended, second, same in outcomes.values()
    )
    same = {word: each[2] for word, each in outcomes.items()}
    return found(same["success"], text, same_run_after_success=same["success"], same_run_after_failure=same["failure"])


def _both(ground: Ground) -> dict[str, str]:
    return {"success": hello(ground), "failure": failing(ground)}


def _again(ground: Ground, word: str, steps: str) -> tuple[str, int, bool]:
    """Return how the first run ended, the second answer's status, and whether it is still the first run."""
    name, request = ground.name(word), encoded(steps)
    put_task_run(ground, name, request, name)
    first = run_of(ground, name)
    ended = end_of(ground, first)
    second = put_task_run(ground, name, request, name)
    time.sleep(ground.pace.look)
    now = run_of(ground, name)
    if now != first:
        end_of(ground, now)
    return ended, second.status, now == first


def the_run_inside_a_task_run(ground: Ground) -> Seen:
    """Compare what a task run says of its run with what the run said just before, until both have ended."""
    name = ground.name("inside")
    put_task_run(ground, name, encoded(hello(ground)), name)
    run_id = run_of(ground, name)
    remember(ground, run_id)
    pairs: list[tuple[str, str]] = []

    def look() -> bool | None:
        itself = status(ground, run_id)
        pairs.append((itself, str(get_task_run(ground, name)["runResult"]["properties"]["status"])))
        return not UNDER_WAY & set(pairs[-1]) or None

    ground.wait("the end of a run and of its task run", look, ground.pace.run)
    late = sum(_stage(inside) < _stage(itself) for itself, inside in pairs)
    seen = ", ".join(f"{itself}/{inside}" for itself, inside in dict.fromkeys(pairs))
    text = f"{len(pairs)} looks, by {late} of them the task run was behind its run: {seen}"
    return found(not late, text, looks=len(pairs), behind=late)


def _stage(word: str) -> int:
    """How far a run is; whatever is no status under way is an end."""
    return _STAGES.index(word) if word in _STAGES else len(_STAGES)


def one_upload_for_two_runs(ground: Ground) -> Seen:
    """Name one uploaded context in two runs, one after the other."""
    steps = BUILD.format(repository=ground.repository("shared-context"))
    location = upload(ground)
    ends: list[str] = []
    for _ in range(2):
        answer = schedule(ground, encoded(steps, sourceLocation=location))
        if not answer.ok:
            return found(False, f"run {len(ends) + 1} was refused: {answer.told()}", ends=ends)
        ends.append(end_of(ground, str(answer.body["properties"]["runId"])))
    text = f"two runs from one upload ended as {' and '.join(ends)}"
    return found(ends == ["Succeeded", "Succeeded"], text, ends=ends)


def the_callers_own_login(ground: Ground) -> Seen:
    """Run an image of the registry itself, with the caller's login and with the registry's own way."""
    mode = str(ground.registry["properties"].get("roleAssignmentMode") or "LegacyRegistryPermissions")
    repository = ground.repository("login")
    registry, _, path = ground.hello.partition("/")
    done = run(ground, {"registryUri": registry, "sourceImage": f"{path}:latest"}, f"{repository}:one")
    if not done.done:
        return undecided(f"the image to be run could not be imported: {done.last.told()}", mode=mode)
    steps = f"version: v1.1.0\nsteps:\n  - cmd: $Registry/{repository}:one\n"
    asked = {"caller": {"identity": "[caller]"}, "default": {"loginMode": "Default"}}
    ends = {word: _with_login(ground, word, steps, source) for word, source in asked.items()}
    text = f"{mode}: " + ", ".join(f"as {word} {end}" for word, end in ends.items())
    as_built = ends["caller"] == "Succeeded" if mode == ABAC else ends["default"] == "Succeeded"
    return found(as_built, text, mode=mode, **ends)


def _with_login(ground: Ground, word: str, steps: str, source: dict[str, str]) -> str:
    name = ground.name(f"login-{word}")
    answer = put_task_run(ground, name, encoded(steps, credentials={"sourceRegistry": source}), name)
    return end_of(ground, run_of(ground, name)) if answer.ok else f"refused ({answer.told()})"


def thirty_runs(ground: Ground) -> Seen:
    """Begin thirty runs at once and see when each was started."""
    asked = [schedule(ground, encoded(hello(ground))) for _ in range(ground.pace.many[0])]
    refused = [answer.told() for answer in asked if not answer.ok]
    ids = [str(answer.body["properties"]["runId"]) for answer in asked if answer.ok]
    ends = [end_of(ground, run_id) for run_id in ids]
    waits = sorted(wait for run_id in ids if (wait := _queued(ground, run_id)) is not None)
    longest = f"the longest waited {waits[-1]:.0f} s for an agent" if waits else "none says when it was started"
    text = f"{len(ids)} runs taken, {len(refused)} refused; {ends.count('Succeeded')} succeeded; {longest}"
    return found(not refused, text, waits=waits, refused=sorted(set(refused)))


def _queued(ground: Ground, run_id: str) -> float | None:
    """Seconds between a run's making and its start, by the registry's own clock."""
    properties = ground.arm.must("get run", "GET", f"{ground.registry_id}/runs/{run_id}").body["properties"]
    made, started = _seconds(properties.get("createTime")), _seconds(properties.get("startTime"))
    return None if made is None or started is None else round(started - made, 1)


def _seconds(text: object) -> float | None:
    return datetime.fromisoformat(text).timestamp() if isinstance(text, str) and text else None


PROBES = (
    Probe(
        9,
        "Does a task run take an uploaded context?",
        "uploads two small files and asks for a task run whose build needs them",
        "a task run, a run, a repository",
        "shared/adapters/azure/tasks.py (start_gate): files uploaded, or carried in the request",
        8,
        an_uploaded_context_in_a_task_run,
    ),
    Probe(
        10,
        "Does the same task run put again start another run, after success and after failure?",
        "puts two task runs twice each, one that succeeds and one that fails",
        "two task runs, two to four runs",
        "shared/adapters/azure/tasks.py: a name makes asking twice the same as asking once",
        16,
        a_repeated_task_run,
    ),
    Probe(
        11,
        "Is the run inside a task run kept up to date?",
        "looks at a task run and at its run until both have ended",
        "a task run, a run",
        "shared/adapters/azure/tasks.py (find): until the task run says that it has ended, the run itself is asked",
        8,
        the_run_inside_a_task_run,
    ),
    Probe(
        14,
        "Does one upload serve several runs?",
        "uploads two small files once and schedules two runs from them",
        "two runs, a repository",
        "shared/adapters/azure/tasks.py (start_gate): an upload for each gate's run",
        15,
        one_upload_for_two_runs,
    ),
    Probe(
        16,
        "May a run in this registry's mode of roles read the registry, and as whom?",
        "imports an image, runs it as [caller] and with the registry's own login",
        "two task runs, two runs, a repository",
        "shared/adapters/azure/gate_run.py: credentials of a gate's run; docs/security.md",
        16,
        the_callers_own_login,
    ),
    Probe(
        17,
        "How many of thirty runs begin at once?",
        "schedules thirty runs of a few seconds",
        "thirty runs",
        "shared/flows/validate.py: how long a gate may wait for an agent",
        30,
        thirty_runs,
        heavy=True,
    ),
)
