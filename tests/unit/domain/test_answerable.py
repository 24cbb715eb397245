"""What nobody could approve is known where nobody signs in; where people do it is theirs to know."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.domain.access.api_keys import ApiKey
from shared.domain.access.callers import Role
from shared.domain.policy.promoting import ApprovalCheck
from shared.domain.promotion.answerable import why_nobody_could

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 4, tzinfo=UTC)
ONE, TWO = "0123456789ab", "ba9876543210"


def key(id: str, role: Role = Role.APPROVER, revoked: datetime | None = None) -> ApiKey:
    """A key."""
    return ApiKey(id, "deploy", role, "", NOW, revoked)


def test_where_people_sign_in_somebody_might() -> None:
    assert why_nobody_could(ApprovalCheck(required=3), (), sign_in=True) == ""


def test_without_sign_in_a_policy_that_names_no_machine_is_approved_by_nobody() -> None:
    told = why_nobody_could(ApprovalCheck(), (key(ONE),), sign_in=False)
    assert "nobody signs in here" in told
    assert "Let people sign in" in told


def test_as_many_keys_that_are_named_as_are_asked_for_can() -> None:
    keys = (key(ONE), key(TWO))
    assert why_nobody_could(ApprovalCheck(required=2, machines=(ONE, TWO)), keys, sign_in=False) == ""
    assert "1 of its machines" in why_nobody_could(ApprovalCheck(required=2, machines=(ONE,)), keys, sign_in=False)


@pytest.mark.parametrize("odd", [(), (key(ONE, Role.OPERATOR),), (key(ONE, revoked=NOW),), (key(TWO),)])
def test_a_key_that_is_not_there_revoked_or_of_another_role_agrees_to_nothing_and_is_named(
    odd: tuple[ApiKey, ...],
) -> None:
    told = why_nobody_could(ApprovalCheck(machines=(ONE,)), odd, sign_in=False)
    assert f"{ONE} among its `machines` is no key" in told


def test_an_application_needs_sign_in_and_is_not_told_to_be_a_key() -> None:
    told = why_nobody_could(ApprovalCheck(machines=("11111111-2222-3333-4444-555555555555",)), (), sign_in=False)
    assert "nobody signs in here" in told
    assert "is no key" not in told
