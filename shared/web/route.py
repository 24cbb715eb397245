"""What is said of one address of the API: who may ask for it, with what, and what is answered, each by its type."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from shared.domain.access.callers import Role
from shared.domain.pages import MOST_LISTED
from shared.web.problems import Problem
from shared.web.queries import LONGEST_CURSOR, USUAL_LIMIT

READING = frozenset(Role)
ACTING = frozenset({Role.APPROVER, Role.OPERATOR})
# Who runs the app says what is watched, by which policy, and whom it trusts: approvers decide by that.
WRITING = frozenset({Role.OPERATOR})
# Who writes the list, and so the policies, does not agree for those whom they ask.
AGREEING = frozenset({Role.APPROVER})

JSON = "application/json"
OCTETS = "application/octet-stream"
PAGE = "text/html"


class Method(Enum):
    """The methods of the API."""

    GET = "GET"
    PUT = "PUT"
    POST = "POST"


class Later(msgspec.Struct, frozen=True):
    """A type that only the API's document is made of, loaded when that is asked for.

    Attributes:
        module: where it is.
        name: of the type.
    """

    module: str
    name: str

    @property
    def kind(self) -> Any:
        """The type."""
        return getattr(import_module(self.module), self.name)


class Value(msgspec.Struct, frozen=True):
    """A value that stands in a query or in a header.

    Attributes:
        name: of the parameter.
        meaning: one sentence for people.
        kind: its type.
        example: a value that can be asked for.
        needed: whether the request is refused without it.
    """

    name: str
    meaning: str
    kind: Any = str
    example: str | int | None = None
    needed: bool = False


class Route(msgspec.Struct, frozen=True):
    """One address of the API.

    Attributes:
        name: names what serves it, in ``shared.serving``.
        method: its method.
        path: below ``/api/``; ``{name}`` stands for one segment, whose type is in ``PARAMETERS``.
        roles: a caller must have one of them.
        purpose: one sentence for people.
        answer: the record that is answered where all is well, or ``Later``; bytes or text for what is none.
        status: with which it is answered.
        media: of what is answered; several if it is one of them.
        query: what the query may say.
        headers: what the headers may say, beside who asks.
        body: the record that the body is; bytes for a file, ``None`` for no body.
        example: a body that can be sent, fit to be JSON.
        problems: types of problems that it has beside those that its method and its parameters have.
    """

    name: str
    method: Method
    path: str
    roles: frozenset[Role]
    purpose: str
    answer: Any = None
    status: int = 200
    media: tuple[str, ...] = (JSON,)
    query: tuple[Value, ...] = ()
    headers: tuple[Value, ...] = ()
    body: Any = None
    example: Mapping[str, Any] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def answers(self) -> Any:
        """The type of what is answered, loaded if it has to be."""
        return self.answer.kind if isinstance(self.answer, Later) else self.answer


AFTER = Value(
    "after",
    "Where to go on: what an earlier answer said as `next`, opaque, at most 512 bytes.",
    Annotated[str, Meta(max_length=LONGEST_CURSOR)],
)


def limit(most: int = MOST_LISTED) -> Value:
    """Return how many may be asked for.

    Args:
        most: more than that is refused, and not cut.
    """
    usual = min(USUAL_LIMIT, most)
    return Value("limit", f"How many at most, {usual} without it.", Annotated[int, Meta(ge=1, le=most)], usual)


def part(*more: Value, most: int = MOST_LISTED) -> tuple[Value, ...]:
    """Return what the query of a list may say.

    Args:
        more: by what its records may be chosen.
        most: how many may be asked for at once.
    """
    return (*more, limit(most), AFTER)
