"""Every error Tidegate raises on purpose, and whether trying again can help.

    TidegateError
    ├── ConfigurationError          a setting is missing or wrong; the start stops
    ├── WatchListError              images.yaml is not valid; the last good one stays in force
    ├── MalformedInput              something sent to us cannot be read
    │   ├── InvalidReference        not a repository, tag or digest
    │   ├── InvalidSelection        not a range of versions, nor a pattern of tags
    │   ├── UnfitGate               a gate whose files show that it can decide nothing
    │   ├── MalformedMessage        a queue message
    │   └── MalformedRequest        an HTTP body; carries the status to answer
    ├── StepBroke                   a function ended with an error nobody foresaw, again and again (temporary)
    ├── Conflict                    another worker changed the record first (temporary)
    └── ServiceError                another system did not do what was asked
        ├── NotFound                it says the thing is not there
        ├── Refused                 it will not do this: credentials, permissions or a bad request
        │   └── SwitchedOff             it wants to be asked nothing more
        ├── NotPermitted            our own identity lacks a role there (temporary: a new role takes minutes to work)
        │   └── MayNotRun           it does not let it run this one task
        ├── RateLimited             it asks us to come back later (temporary)
        │   └── Paced               our turn at Azure Resource Manager has not come: nothing was begun, nothing is wrong
        ├── Unavailable             no answer, or a 5xx (temporary)
        │   └── UnusableAnswer      it answered this one question with what cannot be used (temporary)
        ├── Unexplained             an accepted operation ended for a reason nobody knows (temporary, a few times)
        ├── NotThereYet             it denies having what it held a moment ago (temporary: copies of it lag behind)
        ├── Locked                  somebody locked what is to be changed there (temporary: they may open it)
        ├── ToolMissing             the staging registry lacks what a run needs, which is on its way (temporary)
        ├── OperationFailed         it accepted an operation, which then ended badly; its cause tells if temporary
        └── DigestMismatch          what it holds is not what was asked for (temporary: imports are repeated)

An error's message is for people: what happened, to which image, what it means and what to do. It never holds a secret.
Adapters translate the errors of the libraries they use into these, and nothing else does.
"""

from __future__ import annotations

# The code of an error about stored rows that nobody can read: permanent, and about these rows alone.
UNREADABLE = "UnreadableRow"


class TidegateError(Exception):
    """Anything Tidegate raises on purpose.

    Attributes:
        temporary: whether the same step may succeed when it is simply tried again later.
        retry_after: seconds the other side asked us to wait, where it said so.
    """

    temporary: bool = False
    retry_after: float | None = None


class ConfigurationError(TidegateError):
    """The app's settings are incomplete or wrong; every problem is in the one message."""


class WatchListError(TidegateError):
    """The watch list is not valid.

    Args:
        problems: one line for each problem, with its path in the document and its line in the file.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("the watch list is not valid:\n" + "\n".join(f"  - {problem}" for problem in problems))


class MalformedInput(TidegateError):
    """Something that was sent to us cannot be read; the message names the place."""


class InvalidReference(MalformedInput, ValueError):
    """Text that should be a repository, a tag or a digest is not one."""


class InvalidSelection(MalformedInput, ValueError):
    """Text that should select tags cannot: a range of versions, a glob or a regular expression."""


class UnfitGate(MalformedInput):
    """A gate whose files show that it can decide nothing; the message names file and line."""


class MalformedMessage(MalformedInput):
    """A queue message that no version of this product can read; it goes to the poison queue with its text kept."""


class MalformedRequest(MalformedInput):
    """An HTTP request that cannot be served.

    Args:
        message: what is wrong and where.
        status: the HTTP status to answer with, 4xx.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        self.status = status
        super().__init__(message)


class StepBroke(TidegateError):
    """The same step broke off again and again, as its function's exceptions tell; it is tried ever more rarely."""

    temporary = True

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class Conflict(TidegateError):
    """Another worker wrote the record since we read it; look again at what it says now."""

    temporary = True


class ServiceError(TidegateError):
    """Another system did not do what was asked of it.

    Args:
        message: what was asked, of which image, and what came back.
        code: the other system's own word for it, such as an ARM error code or an HTTP status.
        retry_after: seconds it asked us to wait, if it did.
    """

    def __init__(self, message: str, *, code: str = "", retry_after: float | None = None) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(message)


class NotFound(ServiceError):
    """The other system answered, and says the thing is not there."""


class Refused(ServiceError):
    """The other system will not do this for us: credentials, permissions or the request itself."""


class SwitchedOff(Refused):
    """The other system says that it wants to be asked nothing more, now and later."""


class NotPermitted(ServiceError):
    """The other system does not let our own identity do this; a role that was given just now takes minutes to work."""

    temporary = True


class MayNotRun(NotPermitted):
    """Our own identity may not run this task, which others may: ACR's own trigger, or the task's owner."""


class RateLimited(ServiceError):
    """The other system asks us to come back later."""

    temporary = True


class Paced(RateLimited):
    """Our turn at Azure Resource Manager has not come. Nothing was begun and nothing is wrong: it is no event at all.

    Attributes:
        retry_after: seconds until it may have come; less is in vain.
    """


class Unavailable(ServiceError):
    """The other system gave no answer or a 5xx."""

    temporary = True


class NotTaken(Unavailable):
    """The other system surely did not take what was sent: there was no connection, or it said so. It may later."""


class BeingListed(Unavailable):
    """Another worker asks the same at this moment; its answer is for all, and soon there."""


class UnusableAnswer(Unavailable):
    """The other system answered one question with what cannot be used; others it may answer well."""


class Unexplained(ServiceError):
    """An operation that was accepted ended badly, with words that this version does not know: worth a few tries."""

    temporary = True


class NotThereYet(ServiceError):
    """The other system denies having what was read back from it before; part of it lags behind, or it is gone."""

    temporary = True


class Locked(ServiceError):
    """What is to be changed there is locked; whoever locked it may open it."""

    temporary = True


class ToolMissing(ServiceError):
    """The staging registry lacks a tool that a run is given by its digest; it is seen to that it is mirrored."""

    temporary = True


class OperationFailed(ServiceError):
    """An operation that was accepted ended badly; looking at it again will not help, doing it again may.

    Args:
        cause: why, as far as the other system said; decides whether doing it again can help.
    """

    def __init__(self, cause: ServiceError) -> None:
        self.cause = cause
        self.temporary = cause.temporary
        super().__init__(str(cause), code=cause.code, retry_after=cause.retry_after)


class DigestMismatch(ServiceError):
    """A registry holds another digest than the one that was imported; nothing is promoted on such an answer."""

    temporary = True
