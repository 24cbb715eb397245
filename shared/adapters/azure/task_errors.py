"""What it means that the app's identity may not run a task: which right is missing, on what, and where it is given.

A run of a task that is there needs a right on that task besides the right to schedule runs: ARM's linked access check.
https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shared.adapters.azure.errors import TASKS_CONTRIBUTOR, azure_error, code_of, said, sdk_errors
from shared.errors import MayNotRun, ServiceError

TASK_RIGHT = "Microsoft.ContainerRegistry/registries/tasks/write"
# ARM's words for a missing right. Its 403 has others, such as a policy's refusal, which no role helps against.
_LINKED = "LinkedAuthorizationFailed"
_LACKS_RIGHT = frozenset({"AuthorizationFailed", _LINKED})


@contextmanager
def task_run_errors(doing: str, task_id: str) -> Iterator[None]:
    """Translate what the SDK raises while a run of a task is asked for.

    Args:
        doing: see ``shared.adapters.azure.errors.azure_errors``.
        task_id: the task's resource id.

    Raises:
        MayNotRun: a right is missing; the message names it, the task, and the templates' parameter that gives it.
        ServiceError: see ``shared.adapters.azure.errors.azure_error``.
    """
    try:
        yield
    except sdk_errors() as error:
        raise _task_run_error(error, doing, task_id) from None


def _task_run_error(error: Exception, doing: str, task_id: str) -> ServiceError:
    code = code_of(error)
    found = azure_error(error, doing, TASKS_CONTRIBUTOR)
    if code not in _LACKS_RIGHT:
        return found
    if code == _LINKED or TASK_RIGHT.lower() in said(error).lower():
        return MayNotRun(_on_task(doing, task_id, code), code=code)
    return MayNotRun(f"the app's identity may not schedule runs: {found}", code=code)


def _on_task(doing: str, task_id: str, code: str) -> str:
    """ARM's own sentence says no more, in six hundred characters."""
    return (
        f"{doing}: the app's identity lacks {TASK_RIGHT} on {task_id} ({code}); name that task in the templates' "
        "parameter applicationTaskIds to give the role, which could rewrite the task, too"
    )
