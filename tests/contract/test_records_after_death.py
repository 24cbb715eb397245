"""What a process that dies between two writes of the records' table leaves behind, and that it does no harm."""

from __future__ import annotations

import msgspec
import pytest

from shared.adapters.storage.account import StorageAccount
from shared.adapters.storage.records_table import candidates_table
from shared.adapters.storage.tables import Row, Table
from shared.domain.promotion.candidate import Candidate
from shared.domain.promotion.identity import group_of
from shared.errors import Conflict, ServiceError
from shared.ports import Records, Stored
from tests.contract.examples import NOON, candidate

pytestmark = pytest.mark.contract


class Died(BaseException):
    """The process is gone: nothing in it can catch that."""


@pytest.fixture
def candidates(account: StorageAccount) -> Records[Candidate]:
    """The real table."""
    return candidates_table(account)


def die_at_the_deletion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process die when it is about to delete a row."""

    def die(*_: object) -> None:
        raise Died

    monkeypatch.setattr(Table, "delete", die)
    monkeypatch.setattr(Table, "delete_all", die)


def read(records: Records[Candidate]) -> Stored[Candidate]:
    """Read the candidate."""
    stored = records.get(candidate().id)
    assert stored is not None
    return stored


def put_away(records: Records[Candidate], stored: Stored[Candidate]) -> None:
    """Archive a candidate, or raise what is in the way."""
    for problem in records.archive_all([stored]).values():
        raise problem


def later() -> Candidate:
    """The candidate one step further."""
    return msgspec.structs.replace(candidate(), step=2)


def test_a_death_while_archiving_leaves_the_record_current_and_archiving_it_again_ends_it(
    candidates: Records[Candidate],
) -> None:
    candidates.insert(candidate())
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Died):
        die_at_the_deletion(patch)
        put_away(candidates, read(candidates))
    assert [each.record for each in candidates.current()] == [candidate()]

    put_away(candidates, read(candidates))
    assert list(candidates.current()) == []
    assert [each.record for each in candidates.archived(group_of(candidate().id))] == [candidate()]


def test_a_death_while_many_are_archived_leaves_all_current_and_archiving_them_again_ends_it(
    candidates: Records[Candidate],
) -> None:
    for number in range(12):
        candidates.insert(candidate(number))
    read = list(candidates.current())
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Died):
        die_at_the_deletion(patch)
        candidates.archive_all(read)
    assert list(candidates.current()) == read
    assert candidates.archive_all(list(candidates.current())) == {}
    assert list(candidates.current()) == []
    archived = [each.record for each in candidates.archived(group_of(candidate().id))]
    assert archived == [each.record for each in read]


def test_after_a_death_while_archiving_the_record_can_go_on_and_be_archived_later(
    candidates: Records[Candidate],
) -> None:
    candidates.insert(candidate())
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Died):
        die_at_the_deletion(patch)
        put_away(candidates, read(candidates))

    put_away(candidates, candidates.replace(read(candidates), later()))
    assert [each.record for each in candidates.archived(group_of(candidate().id))] == [later()]


def test_a_death_while_an_archived_record_becomes_current_leaves_the_newer_one_in_force(
    candidates: Records[Candidate],
) -> None:
    candidates.insert(candidate())
    put_away(candidates, read(candidates))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Died):
        die_at_the_deletion(patch)
        candidates.replace(read(candidates), later())
    assert read(candidates).record == later()
    assert [each.record for each in candidates.current()] == [later()]

    put_away(candidates, read(candidates))
    assert [each.record for each in candidates.archived(group_of(candidate().id))] == [later()]


def test_a_slow_worker_does_not_archive_an_old_record_over_a_newer_one(
    candidates: Records[Candidate], account: StorageAccount
) -> None:
    candidates.insert(candidate())
    old = read(candidates)
    put_away(candidates, candidates.replace(old, later()))
    with pytest.raises(Conflict):
        put_away(candidates, old)
    assert read(candidates).record == later()
    assert Table(account, "candidates").find("current", candidate().id) is None


def test_a_row_that_cannot_be_read_is_named_and_told_after_all_others(
    candidates: Records[Candidate], account: StorageAccount
) -> None:
    newer = msgspec.json.encode(candidate(2)).decode().replace('"detected"', '"soaking"')
    Table(account, "candidates").insert(Row("current", candidate(2).id, newer))
    candidates.insert(candidate(1))
    candidates.insert(candidate(3))
    seen: list[Candidate] = []
    with pytest.raises(ServiceError, match=candidate(2).id) as raised:
        seen.extend(each.record for each in candidates.current())
    assert seen == [candidate(1), candidate(3)]
    assert not raised.value.temporary
    with pytest.raises(ServiceError, match=r"newer version.*or by hand"):
        candidates.get(candidate(2).id)


def test_the_longest_record_there_can_be_is_kept_whole(candidates: Records[Candidate]) -> None:
    change = msgspec.structs.replace(candidate().last, at=NOON, detail="\x00\U0001f6a2" * 300)
    longest = msgspec.structs.replace(candidate(), history=(change,) * 40)
    assert len(msgspec.json.encode(longest)) > 64 * 1024
    assert candidates.insert(longest)
    assert read(candidates).record == longest
    shorter = candidates.replace(read(candidates), later())
    assert read(candidates) == shorter
