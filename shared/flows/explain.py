"""Tell for every tag of an upstream repository whether an entry of the watch list takes it, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.policy.policy import Policy
from shared.domain.promotion.standing import TagStanding
from shared.domain.references import Tag
from shared.domain.watching.budget import Purpose
from shared.domain.watching.selection import Choice, choose, exact_tags
from shared.domain.watching.watch_list import Image, WatchList
from shared.errors import MalformedRequest, RateLimited
from shared.ports import Known, Observations, Upstream
from shared.rules.ledger import Ledger


def explain(
    name: str,
    *,
    watch_list: WatchList,
    upstream: Callable[[str], Upstream],
    observations: Observations,
    ledger: Ledger,
    standings: Callable[[Image], Mapping[Tag, TagStanding]],
    trusts: Callable[[str | None], bool],
) -> dict[str, Any]:
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
        The repository, the gate, what is remembered of it, and a line for each tag, fit to be JSON.

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
    tags = [_line(image, choice, there, known, stand.get(Tag(choice.tag))) for choice in choices]
    gate = image.functional_gate
    told = {"image": name, "source": str(repository), "gate": gate, "trusts_image": trusts(gate)}
    return {
        **told,
        "policy": _policy(watch_list.policy_of(image)),
        "tool": image.is_tool,
        "state": known.state,
        "tags": tags,
    }


def _policy(policy: Policy | None) -> dict[str, str] | None:
    """Return a policy's name, its content's hash, and how each of its checks is made."""
    if policy is None:
        return None
    modes = {check: mode.value for check, mode in policy.modes.items()}
    return {"name": policy.name, "sha256": policy.sha256, **modes}


def _line(
    image: Image, choice: Choice, listed: frozenset[Tag], known: Known, standing: TagStanding | None
) -> dict[str, Any]:
    return {
        "tag": choice.tag,
        "target": f"{image.target}:{choice.target}" if choice.target else None,
        "reason": choice.reason.value,
        "listed": choice.tag in listed,
        "observation": known.tags.get(Tag(choice.tag)),
        "standing": standing,
    }
