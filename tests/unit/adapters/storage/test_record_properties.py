"""How records of any length lie in a row."""

from __future__ import annotations

import msgspec
import pytest

from shared.adapters.storage.record_properties import properties_of, record_of
from tests.contract.test_waves import full

pytestmark = pytest.mark.unit

_MOST_IN_PROPERTY, _MOST_IN_ROW = 64 * 1024, 1024 * 1024
_EVERY_LENGTH = [0, 1, 15_999, 16_000, 16_001, 127_999, 128_000, 128_001, 900_000]


def size(property_: object) -> int:
    """Return the bytes that a property takes, as Azure counts them."""
    return len(property_) if isinstance(property_, bytes) else len(str(property_).encode("utf-16-le"))


@pytest.mark.parametrize("character", ["a", "é", "\U0001f6a2"])
@pytest.mark.parametrize("length", _EVERY_LENGTH)
def test_a_record_is_read_as_it_was_written_and_no_property_is_too_long(length: int, character: str) -> None:
    record = character * length
    written = properties_of(record)
    assert record_of(written) == record
    assert all(size(one) <= _MOST_IN_PROPERTY for one in written.values())


def test_short_records_are_read_by_people_as_they_are() -> None:
    assert properties_of('{"one":1}') == {"record": '{"one":1}'}


def test_a_wave_of_two_thousand_with_three_attempts_each_fits_into_a_row() -> None:
    record = msgspec.json.encode(full(2000)).decode()
    assert len(record.encode("utf-16-le")) > _MOST_IN_ROW
    assert sum(size(one) for one in properties_of(record).values()) < _MOST_IN_ROW / 4


def test_a_packed_record_that_lacks_a_part_is_none() -> None:
    written = properties_of("".join(f"{number:x}" for number in range(400_000)))
    assert len(written) > 1
    assert record_of({"packed": written["packed"]}) == ""
    assert record_of({**written, "packed": b"no such thing"}) == ""
