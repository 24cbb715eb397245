"""The page of how the app itself fares: its list, its budgets, what died in its queues, who has keys. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from shared.domain.access.api_keys import ApiKey
from shared.domain.access.callers import Caller
from shared.domain.promotion.answerable import unanswerable
from shared.domain.watching.budget import Budget
from shared.domain.watching.watch_list import WatchList
from shared.flows.board import Board
from shared.ports import Event
from shared.web.pages.deeds import TEST, Deed

# Loaded where there is a destination.
if TYPE_CHECKING:
    from shared.flows.list_notices import Fares


class Key(msgspec.Struct, frozen=True):
    """An API key as it is listed: nothing of it opens anything."""

    id: str
    name: str
    role: str
    made: datetime
    revoked: datetime | None


class Allowance(msgspec.Struct, frozen=True):
    """What is left of one upstream's limit, and how many repositories wait for it."""

    budget: Budget
    locked: bool
    waiting: int


class DestinationView(msgspec.Struct, frozen=True):
    """A destination of notices, and the token of the form that tries it; empty for who cannot."""

    fares: Fares
    token: str


class SystemView(msgspec.Struct, frozen=True):
    """What the page shows."""

    caller: Caller
    sign_in: bool
    public_url: str
    entries: int
    not_taken: str
    not_taken_since: datetime | None
    policies: tuple[str, ...]
    allowances: tuple[Allowance, ...]
    died: tuple[Event, ...]
    keys: tuple[Key, ...]
    files: tuple[str, ...]
    unreadable: str
    unanswerable: tuple[tuple[str, str, str], ...] = ()
    destinations: tuple[DestinationView, ...] = ()
    done: Deed | None = None


def system_view(
    board: Board,
    caller: Caller,
    watch_list: WatchList,
    not_taken: tuple[str, datetime | None],
    died: Iterable[Event],
    keys: Iterable[ApiKey],
    *,
    sign_in: bool,
    public_url: str,
    destinations: tuple[DestinationView, ...] = (),
    done: Deed | None = None,
) -> SystemView:
    """Return what the page shows.

    Args:
        board: how everything stands.
        caller: who reads it.
        watch_list: in force.
        not_taken: why the stored list is not in force, and since when; empty if it is.
        died: what died in the queues.
        keys: the API keys.
        sign_in: whether people sign in.
        public_url: where people reach the app.
        destinations: of notices.
        done: what the reader has just done.
    """
    keys = tuple(keys)
    unanswered = unanswerable(watch_list, keys, sign_in=sign_in)
    return SystemView(
        unanswerable=tuple((name, one.policy, one.why) for one in unanswered for name in one.images),
        destinations=destinations,
        done=done if done is not None and done.did == TEST else None,
        caller=caller,
        sign_in=sign_in,
        public_url=public_url,
        entries=len(watch_list.images),
        not_taken=not_taken[0],
        not_taken_since=not_taken[1],
        policies=tuple(sorted(watch_list.policies.named)),
        allowances=tuple(_allowance(one, board) for one in board.budgets),
        died=tuple(sorted(died, key=lambda one: one.at, reverse=True)),
        keys=tuple(sorted(map(_key, keys), key=lambda one: (one.revoked is not None, one.name, one.id))),
        files=("images.yaml", "waivers.yaml", "notify.yaml", "known-exploited.json"),
        unreadable=board.unreadable,
    )


def _allowance(budget: Budget, board: Board) -> Allowance:
    locked = budget.locked_until is not None and budget.locked_until > board.at
    return Allowance(budget, locked, board.deferred.get(budget.upstream, 0))


def _key(key: ApiKey) -> Key:
    return Key(key.id, key.name, key.role.value, key.made, key.revoked)
