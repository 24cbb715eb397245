"""Policies whose approval nobody could give, as far as that can be known: who signs in, and which keys there are. Pure.

Which people have the role approver is known to Microsoft Entra ID alone, and is not asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from shared.domain.access.api_keys import ApiKey
from shared.domain.access.callers import Role
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.watching.watch_list import WatchList

# An API key's id; whatever else a policy names is an application, which signs in.
_KEY_DIGITS = frozenset("0123456789abcdef")
_KEY_LENGTH = 12


class Unanswerable(msgspec.Struct, frozen=True):
    """A policy whose approval nobody could give.

    Attributes:
        policy: its name.
        images: the entries that it holds for, in the order of the list.
        why: why not, and what to do.
    """

    policy: str
    images: tuple[str, ...]
    why: str


def asks_people(watch_list: WatchList) -> bool:
    """Whether a policy of any entry asks for an approval."""
    policies = map(watch_list.policy_of, watch_list.images)
    return any(policy is not None and policy.approval is not None for policy in policies)


def unanswerable(watch_list: WatchList, keys: Iterable[ApiKey], *, sign_in: bool) -> tuple[Unanswerable, ...]:
    """Return the policies of a list whose approval nobody could give.

    Args:
        watch_list: the list.
        keys: the API keys there are.
        sign_in: as ``why_nobody_could`` has it.
    """
    known, found = tuple(keys), defaultdict[tuple[str, str], list[str]](list)
    for image in watch_list.images:
        policy = watch_list.policy_of(image)
        check = policy.approval if policy is not None else None
        if policy is not None and check is not None and (why := why_nobody_could(check, known, sign_in=sign_in)):
            found[policy.name, why].append(image.name)
    return tuple(Unanswerable(name, tuple(images), why) for (name, why), images in found.items())


def why_nobody_could(check: ApprovalCheck, keys: Iterable[ApiKey], *, sign_in: bool) -> str:
    """Return why nobody could give as many approvals as a policy asks for, and what to do; empty if somebody might.

    Args:
        check: what the policy asks for.
        keys: the API keys there are.
        sign_in: whether people and applications can sign in; then enough of them may.
    """
    if sign_in:
        return ""
    able = {key.id for key in keys if key.revoked is None and key.role is Role.APPROVER} & set(check.machines)
    if len(able) >= check.required:
        return ""
    named = [name for name in check.machines if _is_key(name) and name not in able]
    odd = (
        f"; {', '.join(named)} among its `machines` is no key with the role approver that is in force" if named else ""
    )
    told = (
        f"it asks for {check.required} approvals, nobody signs in here, and {len(able)} of its machines can agree{odd}"
    )
    return f"{told}. Let people sign in, or name keys with the role approver among the approval's `machines`"


def _is_key(name: str) -> bool:
    return len(name) == _KEY_LENGTH and set(name) <= _KEY_DIGITS
