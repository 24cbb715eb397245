"""What every implementation of ``Waves`` promises."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.waves_table import WavesTable
from shared.domain.notices.notice import Notice
from shared.domain.promotion.rebuilds import EndKind
from shared.domain.waves.results import Ended, Result
from shared.domain.waves.states import WaveState
from shared.domain.waves.wave import Member, Wave
from shared.errors import Conflict, InvalidReference
from shared.wave_ports import StoredWave, Waves
from tests.contract.examples import NOON, digest
from tests.doubles.waves import InMemoryWaves
from tests.unit.examples import TAG

pytestmark = pytest.mark.contract


def wave(number: int = 1, registry: str = "tidegatebase", **fields: object) -> Wave:
    """Return a wave."""
    first = Wave(
        registry=registry,
        repository="base/node",
        tag=TAG,
        number=number,
        digest=digest(1),
        planned_at=NOON,
        look_at=NOON,
    )
    return msgspec.structs.replace(first, **fields)


@pytest.fixture
def waves(account_or_none: StorageAccount | None) -> Waves:
    """Return each implementation, with nothing in it."""
    return WavesTable(account_or_none) if account_or_none else InMemoryWaves()


def full(members: int) -> Wave:
    """Return a wave of many, each with what came of three attempts."""
    told = {"passed": False, "kind": EndKind.PLATFORM, "run": "run", "log": "rebuild-1.log"}
    ended = [Ended(attempt=number, **told) for number in (1, 2, 3)]
    names = [f"acr:contosoapps/task{number}" for number in range(members)]
    made = (
        Member(target=name, results=tuple(Result(target=name, number=1, ended=one) for one in ended)) for name in names
    )
    return wave(members=tuple(made))


def test_a_wave_of_thousands_is_read_back_as_it_was_written(waves: Waves) -> None:
    written = waves.insert(full(2000))
    found = waves.get(written.record.id)
    assert found == written


def test_a_wave_is_planned_once(waves: Waves) -> None:
    waves.insert(wave())
    with pytest.raises(Conflict):
        waves.insert(wave())


def test_whoever_read_an_older_one_replaces_nothing(waves: Waves) -> None:
    stored = waves.insert(wave())
    waves.replace(stored, wave(step=2))
    with pytest.raises(Conflict):
        waves.replace(stored, wave(step=3))
    found = waves.get(wave().id)
    assert found is not None
    assert found.record.step == 2


def test_what_is_not_there_is_none_and_what_is_no_id_is_refused(waves: Waves) -> None:
    assert waves.get(wave(9).id) is None
    with pytest.raises(InvalidReference):
        waves.get("tidegatebase~base~node~latest")


def test_those_are_due_whose_time_has_come(waves: Waves) -> None:
    later = NOON + timedelta(hours=1)
    for one in (wave(1), wave(2, look_at=later), wave(3, look_at=None)):
        waves.insert(one)
    assert [one.record.number for one in waves.due(NOON)] == [1]
    assert [one.record.number for one in waves.due(later)] == [1, 2]


def test_those_of_one_base_registry_are_found(waves: Waves) -> None:
    for one in (wave(10), wave(2), wave(1, registry="tidegatebase2")):
        waves.insert(one)
    assert sorted(one.record.number for one in waves.every("tidegatebase")) == [2, 10]


def numbers(found: Iterable[StoredWave]) -> list[int]:
    """The numbers of waves, in their order."""
    return [one.record.number for one in found]


def test_those_of_a_registry_come_by_repository_tag_and_number_from_where_one_goes_on(waves: Waves) -> None:
    other = wave(1, repository="base/a")
    for one in (wave(10), wave(2), other):
        waves.insert(one)
    assert numbers(waves.every("tidegatebase")) == [1, 2, 10]
    assert numbers(waves.every("tidegatebase", after=other.id)) == [2, 10]
    assert numbers(waves.every("tidegatebase", after=wave(2).id)) == [10]
    assert numbers(waves.every("tidegatebase", repository="base/node")) == [2, 10]
    assert numbers(waves.every("tidegatebase", repository="base/node", after=wave(10).id)) == []
    with pytest.raises(InvalidReference):
        list(waves.every("tidegatebase", after="nonsense"))


def test_those_in_some_states_and_those_of_late_are_found(waves: Waves) -> None:
    late = NOON + timedelta(days=1)
    waves.insert(wave(1, state=WaveState.HELD))
    waves.insert(wave(2, state=WaveState.DONE, planned_at=late))
    waves.insert(wave(3, state=WaveState.ROLLING, planned_at=late))
    assert numbers(waves.every("tidegatebase", states=(WaveState.HELD, WaveState.DONE))) == [1, 2]
    assert numbers(waves.every("tidegatebase", since=late)) == [2, 3]
    assert numbers(waves.every("tidegatebase", states=(WaveState.DONE,), since=late)) == [2]
    assert numbers(waves.every("tidegatebase2", states=(WaveState.DONE,))) == []


def test_those_that_were_planned_by_a_moment_are_found(waves: Waves) -> None:
    waves.insert(wave(1, state=WaveState.DONE))
    waves.insert(wave(2, state=WaveState.HELD))
    waves.insert(wave(3, state=WaveState.DONE, planned_at=NOON + timedelta(seconds=1)))
    assert numbers(waves.every("tidegatebase", by=NOON)) == [1, 2]
    assert numbers(waves.every("tidegatebase", states=(WaveState.DONE,), by=NOON)) == [1]


def test_one_that_nobody_changed_can_be_deleted_and_once_more_without_harm(waves: Waves) -> None:
    before = waves.insert(wave(1))
    after = waves.replace(before, wave(1, step=2))
    with pytest.raises(Conflict):
        waves.delete(before)
    for _ in range(2):
        waves.delete(after)
    assert waves.get(wave(1).id) is None


def test_those_that_tell_something_are_found_until_it_is_taken(waves: Waves) -> None:
    notice = Notice(kind="wave-held", about="wave:x", mark="1", at=NOON)
    stored = waves.insert(wave(1, notices=(notice,)))
    waves.insert(wave(2))
    assert numbers(waves.untold()) == [1]
    waves.replace(stored, wave(1))
    assert numbers(waves.untold()) == []
