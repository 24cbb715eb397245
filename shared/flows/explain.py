"""Tell for every tag of an upstream repository whether an entry of the watch list takes it, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.promotion.standing import TagStanding
from shared.domain.references import Tag
from shared.domain.watching.budget import Purpose
from shared.domain.watching.observation import Observation
from shared.domain.watching.questions import RepositoryState
from shared.domain.watching.selection import Choice, ChoiceReason, choose, exact_tags
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import MalformedRequest, RateLimited
from shared.ports import Known, Observations, Upstream
from shared.rules.ledger import Ledger


class ExplainedTag(msgspec.Struct, frozen=True):
    """Whether a tag is taken, and why.

    Attributes:
        tag: as upstream lists it.
        target: where it goes to in the base registry; ``None`` if it is left.
        reason: why.
        listed: whether upstream lists it.
        observation: what is known of it; ``None`` if it was never looked at.
        standing: how it stands; ``None`` if it was never looked at.
    """

    tag: str
    target: str | None
    reason: ChoiceReason
    listed: bool
    observation: Observation | None
    standing: TagStanding | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry of the watch list takes.

    Attributes:
        image: the entry's name.
        source: the upstream repository.
        gate: the gate's name; ``None`` for no functional test.
        trusts_image: whether the gate trusts the image that it tests.
        policy: the policy's name, its content's hash, and how each of its checks is made; ``None`` for no policy.
        tool: whether it is mirrored for runs.
        state: what is remembered of the repository as a whole.
        tags: every tag that upstream lists, or that is named exactly.
    """

    image: str
    source: str
    gate: str | None
    trusts_image: bool
    policy: dict[str, str] | None
    tool: bool
    state: RepositoryState
    tags: tuple[ExplainedTag, ...]


def explain(
    name: str,
    *,
    watch_list: WatchList,
    upstream: Callable[[str], Upstream],
    observations: Observations,
    ledger: Ledger,
    standings: Callable[[Image], Mapping[Tag, TagStanding]],
    trusts: Callable[[str | None], bool],
) -> Explanation:
    """List an entry's upstream tags as they are now, with the reason for each that is taken or left.

    Args:
        name: the entry's name.
        watch_list: the list in force.
        upstream: gives the upstream of a registry.
        observations: what is known of the tags.
        ledger: the upstreams' budgets.
        standings: tells how the tags of an entry stand that were looked at.
        trusts: tells whether a gate trusts the image that it tests.

    Returns:
        The repository, the gate, what is remembered of it, and a line for each tag.

    Raises:
        MalformedRequest: 404, the watch list has no such entry.
        RateLimited: the upstream's budget is kept for checks and imports just now.
        ServiceError: the upstream did not answer.
    """
    image = watch_list.named(name)
    if image is None:
        raise MalformedRequest(f"the watch list has no entry named {name!r}", status=404)
    repository = image.repository
    if not ledger.grant(repository.registry, 1, Purpose.LOOK).requests:
        raise RateLimited(f"the budget of {repository.registry} is short; its tags are not listed just now")
    known = observations.of(repository)
    try:
        listed = upstream(repository.registry).tags(repository)
    finally:
        ledger.settle()
    there = frozenset(listed)
    choices = choose(image.rules, (*listed, *(tag for tag in exact_tags(image.rules) if tag not in there)))
    stand = standings(image)
    gate = image.functional_gate
    return Explanation(
        image=name,
        source=str(repository),
        gate=gate,
        trusts_image=trusts(gate),
        policy=_policy(watch_list.policy_of(image)),
        tool=image.is_tool,
        state=known.state,
        tags=tuple(_line(image, choice, there, known, stand.get(Tag(choice.tag))) for choice in choices),
    )


def _policy(policy: Policy | None) -> dict[str, str] | None:
    """Return a policy's name, its content's hash, and how each of its checks is made."""
    if policy is None:
        return None
    modes = {check: mode.value for check, mode in policy.modes.items()}
    return {"name": policy.name, "sha256": policy.sha256, **modes}


def _line(
    image: Image, choice: Choice, listed: frozenset[Tag], known: Known, standing: TagStanding | None
) -> ExplainedTag:
    target = f"{image.target}:{choice.target}" if choice.target else None
    observed = known.tags.get(Tag(choice.tag))
    return ExplainedTag(choice.tag, target, choice.reason, choice.tag in listed, observed, standing)
