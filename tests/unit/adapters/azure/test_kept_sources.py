"""A gate's files are uploaded once, until they are an hour old, changed, or of no use."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.azure.kept_sources import KeptSources, Source
from shared.errors import Paced, ServiceError, Unavailable

pytestmark = pytest.mark.unit

FILES = {"Dockerfile": b"FROM x", "test.sh": b"true"}
_HOUR = 3600.0
_PATIENCE = 10.0


class Store:
    """Takes uploads, and counts them."""

    def __init__(self) -> None:
        self.now = 5000.0
        self.uploads: list[Mapping[str, bytes]] = []
        self.error: Exception | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.sources = KeptSources(self._upload, lambda: self.now)

    def _upload(self, files: Mapping[str, bytes]) -> str:
        self.uploads.append(files)
        assert self.goes_on.wait(_PATIENCE)
        if self.error is not None:
            raise self.error
        return f"source/{len(self.uploads)}"

    def all_at_once(self, number: int) -> list[Source | Exception]:
        """Let so many threads ask, all before the first upload is answered."""
        self.goes_on.clear()
        began = threading.Barrier(number + 1)

        def ask(_: int) -> Source | Exception:
            began.wait(_PATIENCE)
            try:
                return self.sources.get(FILES)
            except ServiceError as error:
                return error

        with ThreadPoolExecutor(number) as threads:
            found = [threads.submit(ask, one) for one in range(number)]
            began.wait(_PATIENCE)
            threading.Timer(0.2, self.goes_on.set).start()
            return [one.result(_PATIENCE) for one in found]


@pytest.fixture
def store() -> Store:
    """Nothing has been uploaded yet."""
    return Store()


def test_the_same_files_are_uploaded_once_and_then_shared(store: Store) -> None:
    assert not store.sources.has_any()
    first, *others = [store.sources.get(dict(reversed(FILES.items()))) for _ in range(3)]
    assert (first.path, first.shared) == ("source/1", False)
    assert {(other.path, other.shared) for other in others} == {("source/1", True)}
    assert (len(store.uploads), store.sources.has_any()) == (1, True)


@pytest.mark.parametrize(
    "other",
    [
        {**FILES, "test.sh": b"false"},
        {"Dockerfile": b"FROM x", "tests.sh": b"true"},
        {"Dockerfile": b"FROM x"},
        {"Dockerfile": b"FROM ", "xtest.sh": b"true"},
    ],
)
def test_other_files_are_another_upload(store: Store, other: dict[str, bytes]) -> None:
    assert store.sources.get(FILES).path != store.sources.get(other).path
    assert store.uploads == [FILES, other]


def test_after_an_hour_files_are_uploaded_anew(store: Store) -> None:
    store.sources.get(FILES)
    store.now += _HOUR - 1
    assert store.sources.get(FILES).path == "source/1"
    store.now += 1
    assert not store.sources.has_any()
    assert store.sources.get(FILES) == Source("source/2", store.now + _HOUR)


def test_who_wants_the_same_files_at_the_same_time_waits_for_one_upload(store: Store) -> None:
    found = store.all_at_once(32)
    assert len(store.uploads) == 1
    assert sorted(source.shared for source in found if isinstance(source, Source)) == [False, *[True] * 31]


@pytest.mark.parametrize("error", [Unavailable("503"), Paced("not yet", retry_after=7)])
def test_an_upload_that_fails_is_the_same_error_for_all_who_wait_and_is_tried_by_the_next(
    store: Store, error: ServiceError
) -> None:
    store.error = error
    assert store.all_at_once(8) == [error] * 8
    assert len(store.uploads) == 1
    store.error = None
    assert store.sources.get(FILES).path == "source/2"


def test_what_is_doubted_is_uploaded_anew_and_nothing_else(store: Store) -> None:
    other = {**FILES, "more": b"x"}
    for files in (FILES, FILES, other):
        store.sources.get(files)
    assert store.sources.doubt("source/1")
    assert store.sources.doubt("source/1"), "of several that were refused each says so"
    assert store.sources.get(other).path == "source/2"
    assert store.sources.get(FILES).path == "source/3"


def test_the_upload_of_a_run_itself_is_no_shared_one(store: Store) -> None:
    store.sources.get(FILES)
    assert not store.sources.doubt("source/1")
    assert not store.sources.doubt("source/nobodys")


def test_a_gate_whose_shared_uploads_serve_in_vain_twice_is_uploaded_for_each_run(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        store.sources.get(FILES)
        store.sources.get(FILES)
        store.sources.get(FILES, anew=True)
    before = len(store.uploads)
    assert [store.sources.get(FILES).shared for _ in range(3)] == [False] * 3
    assert len(store.uploads) == before + 3
    assert [record.getMessage() for record in caplog.records if "in vain" in record.getMessage()]
    other = {**FILES, "more": b"x"}
    store.sources.get(other)
    assert store.sources.get(other).shared
