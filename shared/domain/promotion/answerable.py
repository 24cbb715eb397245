"""Policies whose approval nobody could give, as far as that can be known: who signs in, and which keys there are. Pure.

Which people have the role approver is known to Microsoft Entra ID alone, and is not asked for.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain.access.api_keys import ApiKey
from shared.domain.access.callers import Role
from shared.domain.policy.promoting import ApprovalCheck

# An API key's id; whatever else a policy names is an application, which signs in.
_KEY_DIGITS = frozenset("0123456789abcdef")
_KEY_LENGTH = 12


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
