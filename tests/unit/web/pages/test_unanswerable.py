"""The system page names the entries whose digests nobody could agree to."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shared.domain.access.api_keys import new_key
from shared.domain.access.callers import Role
from shared.domain.policy.policy import Policy
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.watching.watch_list import Image, WatchList
from tests.doubles.paged import Browser
from tests.doubles.world import World

pytestmark = pytest.mark.unit


class _With:
    """A watch list that says another policy of every entry."""

    def __init__(self, listed: WatchList, policy: Policy | None) -> None:
        self._listed = listed
        self._policy = policy

    def __getattr__(self, name: str) -> object:
        return getattr(self._listed, name)

    def policy_of(self, image: Image) -> Policy | None:
        """See ``WatchList.policy_of``."""
        assert image in self._listed.images
        return self._policy


def asking(policy: Policy | None) -> World:
    """A world whose list says a policy of its entry."""
    world = World()
    listed = world.watch_lists.in_force()
    world.watch_lists.in_force = lambda: _With(listed, policy)  # type: ignore[method-assign, assignment, return-value]
    return world


def test_without_sign_in_an_entry_that_asks_for_people_is_named() -> None:
    browser = Browser(asking(Policy("asked", approval=ApprovalCheck())), sign_in=False)
    assert "Nobody could approve <bdi>node</bdi>" in browser.read("pages/system")


def test_with_sign_in_or_without_a_policy_that_asks_nothing_is_said() -> None:
    for policy, sign_in in ((Policy("asked", approval=ApprovalCheck()), True), (None, False)):
        assert "Nobody could approve" not in Browser(asking(policy), sign_in=sign_in).read("pages/system")


def test_a_key_that_the_policy_names_is_somebody() -> None:
    world = World()
    key, _ = new_key("deploy", Role.APPROVER, world.clock(), ())
    browser = Browser(asking(Policy("asked", approval=ApprovalCheck(machines=(key.id,)))), sign_in=False)
    assert "Nobody could approve" in browser.read("pages/system")
    browser.parts.api_keys.every = lambda: (SimpleNamespace(key=key),)
    assert "Nobody could approve" not in browser.read("pages/system")
