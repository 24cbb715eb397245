"""Cells of tables that spreadsheets open: what somebody else wrote is text there, and never a formula. Pure.

https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

# The latter four are the same signs in full width, as some keyboards have them.
_BEGIN_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BEGIN_CELLS = ("\t", "\r", "\n")


def as_text(cell: str) -> str:
    """Return a cell that is taken for text, whatever it begins with; blanks before a sign are looked through."""
    is_taken = cell.startswith(_BEGIN_CELLS) or cell.lstrip().startswith(_BEGIN_FORMULAS)
    return f"'{cell}" if is_taken else cell
