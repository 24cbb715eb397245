"""Probes about tasks that are there: who may run one, what a list of them tells, and how long its pages are."""

from __future__ import annotations

import base64
from typing import Any

from infra.live_check.arm import TASKS, Arm
from infra.live_check.ground import Ground
from infra.live_check.probe import Probe, Seen, found, undecided
from infra.live_check.running import end_of, hello, put_task_run, run_of, upload
from shared.adapters.azure.task_errors import TASK_RIGHT

_PERMISSIONS = "2022-04-01"
_TOPS = (100, 500, 1000)
_REFUSALS = ("AuthorizationFailed", "LinkedAuthorizationFailed")


def a_run_of_a_task(ground: Ground) -> Seen:
    """Run a task that is there by a task run, and see whether who asks has the right that ARM links to it."""
    task_id = ground.task_id or _make_task(ground, "linked", _encoded_step(ground))
    right = _may(ground.arm, task_id, TASK_RIGHT)
    name = ground.name("of-a-task")
    answer = put_task_run(ground, name, {"type": "TaskRunRequest", "taskId": task_id}, name)
    ended = end_of(ground, run_of(ground, name)) if answer.ok else ""
    has = (
        "it is not told whether the caller has" if right is None else "the caller has" if right else "the caller lacks"
    )
    text = f"{has} {TASK_RIGHT}; {f'accepted, the run ended as {ended}' if answer.ok else f'refused: {answer.told()}'}"
    facts = {"right": right, "accepted": answer.ok, "code": answer.code}
    if answer.ok and right is not False:
        return undecided(f"{text}. To see it refused, sign in with the app's roles and name a TASK", **facts)
    return found(not answer.ok and answer.code in _REFUSALS and not right, text, **facts)


def dependencies_in_a_list(ground: Ground) -> Seen:
    """Run a task once, and compare what the list of tasks and the task itself tell of its bases."""
    name = ground.name("bases")
    task_id = _make_task(ground, "bases", _build_step())
    request = _with_context(task_id, upload(ground, f"FROM {ground.hello}\nCOPY hello.txt /hello.txt\n"))
    answer = put_task_run(ground, name, request, name)
    ended = end_of(ground, run_of(ground, name)) if answer.ok else answer.told()
    alone = _bases(ground.arm.must("get task", "GET", task_id).body)
    listed = [task for task in _tasks(ground) if _bases(task)]
    in_list = next((_bases(task) for task in _tasks(ground) if task["name"] == name), [])
    facts = {"run": ended, "listed_with_bases": len(listed), "alone": alone, "in_list": in_list}
    if not alone and not listed:
        return undecided(f"no task knows its bases: the run ended as {ended}", **facts)
    types = sorted({str(base.get("type")) for base in alone or _bases(listed[0])})
    text = (
        f"the list {'tells' if in_list or listed else 'leaves out'} the bases of tasks; their types: {', '.join(types)}"
    )
    return found(bool(in_list or listed), text, types=types, **facts)


def pages(ground: Ground) -> Seen:
    """Look how long a page of tasks and of runs is, and how many runs may be asked for at once."""
    tasks = _page(ground, "list tasks", f"{ground.registry_id}/tasks")
    runs = _page(ground, "list runs", f"{ground.registry_id}/runs")
    tops = {top: _page(ground, "list runs", f"{ground.registry_id}/runs?$top={top}") for top in _TOPS}
    text = f"a first page: {_told(tasks)} tasks, {_told(runs)} runs; " + ", ".join(
        f"$top={top}: {_told(page)}" for top, page in tops.items()
    )
    if not any(page[2] for page in (tasks, runs)):
        return undecided(f"{text}. No list is longer than a page", tasks=tasks, runs=runs, tops=tops)
    return found(True, text, tasks=tasks, runs=runs, tops=tops)


def what_is_left_of_limits(ground: Ground) -> Seen:
    """Tell what the answers to all requests so far said is left of ARM's limits."""
    told = {doing: headers for doing, headers in sorted(ground.arm.remaining.items()) if headers}
    silent = sorted(set(ground.arm.remaining) - set(told))
    if not told:
        return undecided(f"{ground.arm.asked} answers named no limit", silent=silent)
    kinds = sorted({header.lower() for headers in told.values() for header in headers})
    return found(True, f"{len(told)} operations named one of {', '.join(kinds)}", told=told, silent=silent)


def _make_task(ground: Ground, what: str, step: dict[str, object]) -> str:
    name = ground.name(what)
    task_id = f"{ground.registry_id}/tasks/{name}"
    ground.delete(f"task {name}", task_id, TASKS)
    platform = {"os": "Linux", "architecture": "amd64"}
    properties = {"status": "Enabled", "platform": platform, "agentConfiguration": {"cpu": 2}, "step": step}
    ground.arm.must("put task", "PUT", task_id, {"location": ground.registry["location"], "properties": properties})
    return task_id


def _encoded_step(ground: Ground) -> dict[str, object]:
    return {"type": "EncodedTask", "encodedTaskContent": base64.b64encode(hello(ground).encode()).decode()}


def _build_step() -> dict[str, object]:
    return {
        "type": "Docker",
        "contextPath": "/dev/null",
        "dockerFilePath": "Dockerfile",
        "imageNames": [],
        "isPushEnabled": False,
        "arguments": [],
    }


def _with_context(task_id: str, location: str) -> dict[str, object]:
    return {"type": "TaskRunRequest", "taskId": task_id, "overrideTaskStepProperties": {"contextPath": location}}


def _may(arm: Arm, scope: str, action: str) -> bool | None:
    """Whether the caller has a right somewhere, as Azure itself reckons it; ``None`` if that is not told."""
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    answer = arm.ask("list permissions", "GET", path, version=_PERMISSIONS)
    if not answer.ok:
        return None
    return any(
        _matches(each.get("actions", []), action) and not _matches(each.get("notActions", []), action)
        for each in answer.body.get("value", [])
    )


def _matches(patterns: list[str], action: str) -> bool:
    """Whether one of Azure's patterns, in which a star is any text, covers an action; case does not count."""
    return any(_covers(pattern.lower().split("*"), action.lower()) for pattern in patterns)


def _covers(parts: list[str], action: str) -> bool:
    if len(parts) == 1:
        return parts[0] == action
    if not (action.startswith(parts[0]) and action.endswith(parts[-1])):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        at = action.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return at + len(parts[-1]) <= len(action)


def _tasks(ground: Ground) -> list[dict[str, Any]]:
    return list(ground.arm.must("list tasks", "GET", f"{ground.registry_id}/tasks").body["value"])


def _bases(task: dict[str, Any]) -> list[dict[str, Any]]:
    return list((task["properties"].get("step") or {}).get("baseImageDependencies") or [])


def _page(ground: Ground, doing: str, path: str) -> tuple[int, int, bool]:
    """The status of an answer, how many it holds, and whether there are more."""
    answer = ground.arm.ask(doing, "GET", path)
    body = answer.body if answer.ok else {}
    return answer.status, len(body.get("value", [])), bool(body.get("nextLink"))


def _told(page: tuple[int, int, bool]) -> str:
    status, count, more = page
    return f"{count}{' and more' if more else ''}" if status == 200 else f"HTTP {status}"


PROBES = (
    Probe(
        12,
        "Is a run of an existing task refused to who may schedule runs but lacks tasks/write on that task?",
        "makes a task, or takes the one that TASK names, and runs it by a task run",
        "a task unless TASK names one, a task run, a run",
        "shared/adapters/azure/task_errors.py, infra/modules/access-runs.bicep",
        8,
        a_run_of_a_task,
    ),
    Probe(
        13,
        "Does a list of tasks tell what they were built on?",
        "makes a task, runs it once on an uploaded context, compares the list with the task",
        "a task, a task run, a run",
        "shared/adapters/azure/tasks.py (tasks): one request more for each task whose bases a list leaves out",
        9,
        dependencies_in_a_list,
    ),
    Probe(
        15,
        "How long are pages of tasks and runs, and how many runs may be asked for at once?",
        "lists tasks and runs",
        "nothing",
        "shared/adapters/azure/tasks.py (tasks): one request for each page",
        1,
        pages,
    ),
    Probe(
        19,
        "Which limits do answers name, and of which operations?",
        "looks through the answers to all other probes",
        "nothing",
        "shared/adapters/retry_after.py, docs/cost.md",
        1,
        what_is_left_of_limits,
    ),
)
