"""How the property-based tests of this level run: with the same examples every time, so that a gate is never lucky."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unit", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("unit")
