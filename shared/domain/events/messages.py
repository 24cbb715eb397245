"""Queue messages: what to look at, never what to think of it. Versioned, and carrying the trace across queues.

Trace context: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar, overload

import msgspec
from msgspec import Meta

from shared.domain.promotion.due import Due
from shared.domain.promotion.statuses import Status
from shared.domain.promotion.target import Target, parts_of_target
from shared.domain.references import Digest, Tag, parse_digest, parse_path, parse_tag
from shared.errors import InvalidReference, MalformedMessage

VERSION = 1
# A repository is a handful of requests; twenty keep a message's work below a minute even when an upstream is slow.
MOST_REPOSITORIES = 20
# A target is a dozen transactions; twenty of them are a few seconds.
MOST_TARGETS = 20
# Copies between registries and looks at them; Event Grid puts its events here too: shared.domain.events.event_grid.
IMPORTS = "imports"
# What ACR Tasks run: gates, and the rebuilds of application images.
VALIDATIONS = "validations"
MESSAGE_QUEUES = (IMPORTS, VALIDATIONS)
# A look at registries that was not made for so long is asked for anew by the next timer; all else waits for ever.
_LOOKS_LIVE = timedelta(minutes=10)


class _Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    v: int
    traceparent: str = ""


class CheckRepositories(_Message, frozen=True, kw_only=True, tag="check"):
    """Look at these upstream repositories now.

    Attributes:
        repositories: as ``registry/path``, one to twenty.
        image: the one entry of the watch list that was asked for by hand; empty for a timer's check.
        asked_at: when that was, UTC: what began again since then does so no second time.
        attempt: how often something new could not be begun so far.
    """

    repositories: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST_REPOSITORIES)]
    image: str = ""
    asked_at: datetime | None = None
    attempt: int = 0


class LookAtBase(_Message, frozen=True, kw_only=True, tag="base"):
    """Compare these repositories of the base registry with what is wanted.

    Attributes:
        repositories: in the base registry, one to twenty.
        deleted: the digest whose deletion the registry told of; empty if it told of none, or of a whole repository.
        by: who deleted it, where the registry said.
        former: the names of other base registries that have targets in one of these repositories.
        attempt: how often the base registry has had enough of listings so far.
    """

    repositories: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST_REPOSITORIES)]
    deleted: Digest = Digest("")
    by: str = ""
    former: tuple[str, ...] = ()
    attempt: int = 0


class RetryTargets(_Message, frozen=True, kw_only=True, tag="retry"):
    """Try again what these targets want and did not get, because somebody asked.

    Attributes:
        targets: their ids, one to twenty.
        statuses: of the candidates that are tried again; what has another one by now is left.
        asked_at: when somebody asked, UTC: what began again since then does so no second time.
    """

    targets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MOST_TARGETS)]
    statuses: Annotated[tuple[Status, ...], Meta(min_length=1)]
    asked_at: datetime


class LookAtDue(_Message, frozen=True, kw_only=True, tag="due"):
    """Look at all records of a kind whose time has come.

    Attributes:
        due: what is looked at together.
        at: when something of it was said to be due, UTC: what is due by then is due now, by whatever clock.
    """

    due: Due
    at: datetime


class LookAtCandidate(_Message, frozen=True, kw_only=True, tag="candidate"):
    """Sent by earlier versions, which had a message for each look at a candidate."""


class LookAtTarget(_Message, frozen=True, kw_only=True, tag="target"):
    """Sent by earlier versions, which had a message for each look at a target."""


class LookAtRebuild(_Message, frozen=True, kw_only=True, tag="rebuild"):
    """Sent by earlier versions, which had a message for each look at a rebuild."""


class BaseMoved(_Message, frozen=True, kw_only=True, tag="base-moved"):
    """A tag of the base registry points at a digest: rebuild what is built on it.

    Attributes:
        repository: in the base registry.
        tag: the tag.
        digest: what it points at.
        attempt: how often it could not be worked on so far.
        looks: how often the base registry was seen to hold another digest so far.
        again: whether it is looked for once more, because the listing was older than the signal.
        asked_at: when it was first worked on, UTC, if it had to wait for a listing: one begun since then will do.
    """

    repository: str
    tag: Tag
    digest: Digest
    attempt: int = 0
    looks: int = 0
    again: bool = False
    asked_at: datetime | None = None


class ListTasks(_Message, frozen=True, kw_only=True, tag="list-tasks"):
    """List the tasks of an application registry, or read some that a list did not say all of.

    Attributes:
        registry: the registry's name.
        step: the step of its listing when this was sent; out of date if somebody has taken it up since.
    """

    registry: str
    step: int


Message = (
    CheckRepositories
    | LookAtBase
    | RetryTargets
    | LookAtDue
    | BaseMoved
    | ListTasks
    | LookAtCandidate
    | LookAtTarget
    | LookAtRebuild
)
T = TypeVar("T", bound=_Message)
U = TypeVar("U", bound=_Message)
V = TypeVar("V", bound=_Message)


_QUEUES: dict[type[_Message], str] = {
    CheckRepositories: IMPORTS,
    LookAtBase: IMPORTS,
    RetryTargets: IMPORTS,
    BaseMoved: VALIDATIONS,
    ListTasks: VALIDATIONS,
    LookAtCandidate: IMPORTS,
    LookAtTarget: IMPORTS,
    LookAtRebuild: VALIDATIONS,
}
_RUNS = frozenset({Due.GATES, Due.SCANS, Due.REBUILDS})


class _Envelope(msgspec.Struct):
    v: int


_ENVELOPE, _MESSAGE = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(Message)


def queue_of(message: Message) -> str:
    """Return the queue that a message belongs to. It would be worked on in another one too."""
    if isinstance(message, LookAtDue):
        return VALIDATIONS if message.due in _RUNS else IMPORTS
    return _QUEUES[type(message)]


def life_of(message: Message) -> timedelta | None:
    """Return how long a message lives from when it can be seen, or ``None`` if it waits for ever.

    A check or a comparison that comes late is worth less than the next one, which its timer asks for. What somebody
    asked to be tried again, nobody asks for a second time.
    """
    return _LOOKS_LIVE if isinstance(message, CheckRepositories | LookAtBase) else None


def base_moved(target: Target) -> BaseMoved:
    """Return what asks for the rebuilds of a target's decision."""
    return BaseMoved(
        v=1,
        repository=target.repository,
        tag=target.tag,
        digest=target.wanted,
        traceparent=target.traceparent,
    )


def encode(message: Message) -> str:
    """Return a message as the JSON text that is put into a queue."""
    return msgspec.json.encode(message).decode()


@overload
def decode(text: str | bytes, /) -> Message: ...


@overload
def decode(text: str | bytes, kind: type[T], /) -> T: ...


@overload
def decode(text: str | bytes, kind: type[T], other: type[U], /) -> T | U: ...


@overload
def decode(text: str | bytes, kind: type[T], other: type[U], third: type[V], /) -> T | U | V: ...


def decode(text: str | bytes, *kinds: type[Any]) -> Any:
    """Read a queue message.

    Args:
        text: the message's body.
        kinds: what it may be; anything if none is named.

    Returns:
        The message, one of ``kinds``.

    Raises:
        MalformedMessage: it is none of them; says which field is wrong, or which version it has.
    """
    try:
        version = _ENVELOPE.decode(text).v
        if version != VERSION:
            raise MalformedMessage(f"message of version {version}: this product reads version {VERSION} only")
        message = _checked(_MESSAGE.decode(text))
    except (msgspec.DecodeError, UnicodeError, RecursionError, InvalidReference) as error:
        raise MalformedMessage(f"message cannot be read: {error}") from error
    if kinds and not isinstance(message, kinds):
        raise MalformedMessage(f"message cannot be read: {message.__struct_config__.tag!r} is not what it should be")
    return message


def _checked(message: Message) -> Message:
    if isinstance(message, BaseMoved):
        parse_path(message.repository)
        parse_tag(message.tag)
        parse_digest(message.digest)
    if isinstance(message, LookAtBase):
        _check_base(message)
    if isinstance(message, RetryTargets):
        for target in message.targets:
            parts_of_target(target)
    return message


def _check_base(message: LookAtBase) -> None:
    for repository in message.repositories:
        parse_path(repository)
    if message.deleted:
        parse_digest(message.deleted)
