"""What is to be rebuilt elsewhere is named by a dispatcher and a place, and a place is never an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.dispatch.places import (
    Pipeline,
    Workflow,
    parse_pipeline,
    parse_subject,
    parse_workflow,
)
from shared.errors import InvalidReference

pytestmark = pytest.mark.unit


def test_a_workflow_is_known_by_its_file_with_or_without_its_folder() -> None:
    expected = Workflow("contoso", "shop.api", "build.yml", "main")
    assert parse_workflow("contoso/shop.api/build.yml@main") == expected
    assert parse_workflow("contoso/shop.api/.github/workflows/build.yml@main") == expected


def test_an_event_is_known_by_its_type() -> None:
    assert parse_workflow("contoso/shop!base-moved") == Workflow("contoso", "shop", event="base-moved")


def test_a_pipelines_branch_is_a_whole_ref() -> None:
    assert parse_pipeline("My Project/42@main") == Pipeline("My Project", 42, "refs/heads/main")
    assert parse_pipeline("shop/42@refs/tags/v1") == Pipeline("shop", 42, "refs/tags/v1")


@given(st.text(max_size=60))
def test_no_text_leads_out_of_its_part_of_an_address(text: str) -> None:
    for parse in (parse_workflow, parse_pipeline, parse_subject):
        try:
            found = parse(text)
        except InvalidReference:
            continue
        assert found
        assert not any(odd in text for odd in ("..", "?", "#", "\\", ":", "%"))
