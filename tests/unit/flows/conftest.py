"""What tests of flows share."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.doubles.scripted import Scripted


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Every call of every double, as it happens."""
    calls: Counter[str] = Counter()
    real = Scripted._raise_scripted

    def counted(double: Scripted, method: str) -> None:
        calls[f"{type(double).__name__}.{method}"] += 1
        real(double, method)

    monkeypatch.setattr(Scripted, "_raise_scripted", counted)
    return calls
