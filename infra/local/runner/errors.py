"""What can end a run early.

RunnerError
├── TaskRefused      the request cannot be run as it stands → run status Error
├── EngineError      a registry or buildah could not do what a step needs → the step's attempt failed
├── StepFailed       a step came to its end without success → run status Failed
└── Stopped          cancellation, or the time allowed is used up → run status Canceled or Timeout
"""

from __future__ import annotations

from infra.local.runner.model import Status


class RunnerError(Exception):
    """Anything the runner itself raises."""


class TaskRefused(RunnerError):
    """The task or its source cannot be run; the text says where and why."""


class EngineError(RunnerError):
    """A registry or buildah reported trouble; the text is what it said."""


class StepFailed(RunnerError):
    """A step used all its attempts; the text is the exit status in ACR's words."""


class Stopped(RunnerError):
    """Work was ended from outside."""

    def __init__(self, status: Status, text: str) -> None:
        super().__init__(text)
        self.status = status
