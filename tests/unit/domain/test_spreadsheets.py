"""What somebody else wrote is text to a spreadsheet, whatever it begins with."""

from __future__ import annotations

import pytest

from shared.domain.spreadsheets import as_text

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\u3000", "\t", "\n"])
def test_a_sign_that_begins_a_formula_begins_none(sign: str, before: str) -> None:
    assert as_text(f"{before}{sign}1+1") == f"'{before}{sign}1+1"


@pytest.mark.parametrize("cell", ["\tx", "\rx", "\nx"])
def test_what_begins_another_cell_or_line_begins_none(cell: str) -> None:
    assert as_text(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", " ", "base/node:22", "it has a = and a -", "'=1"])
def test_everything_else_is_left_as_it_is(cell: str) -> None:
    assert as_text(cell) == cell
