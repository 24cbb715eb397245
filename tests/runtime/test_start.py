"""Settings decide whether the app starts at all, and what is wrong with them is said.

The host itself keeps it for itself: `tests/host/test_start.py` sees what an operator sees.
"""

from __future__ import annotations

from pathlib import Path

from tests.runtime.settings import REQUIRED, SECRETS, STORAGE, WEBHOOK_SECRET, app_settings
from tests.runtime.worker import running_worker


def test_a_start_without_settings_lists_everything_that_is_missing(log_file: Path) -> None:
    with running_worker({}, log_file) as worker:
        outcome = worker.start()
    assert not outcome.succeeded
    assert [name for name in (*REQUIRED, STORAGE) if f"{name} is missing" not in outcome.error] == []
    assert worker.functions == {}


def test_one_missing_setting_stops_the_start_and_is_the_only_one_named(log_file: Path) -> None:
    settings = app_settings("UseDevelopmentStorage=true")
    del settings["SWEEP_SCHEDULE"]
    with running_worker(settings, log_file) as worker:
        outcome = worker.start()
    assert not outcome.succeeded
    assert [name for name in (*settings, "SWEEP_SCHEDULE") if f"{name} is missing" in outcome.error] == [
        "SWEEP_SCHEDULE"
    ]


def test_a_start_that_fails_tells_no_secret(log_file: Path) -> None:
    settings = {**app_settings(""), "WEBHOOK_SECRET": WEBHOOK_SECRET[:15], "DOCKER_HUB_USERNAME": ""}
    with running_worker(settings, log_file) as worker:
        outcome = worker.start()
        told = outcome.error + outcome.trace + worker.log()
    assert "WEBHOOK_SECRET is too short" in outcome.error
    assert [secret for secret in (*SECRETS, WEBHOOK_SECRET[:15]) if secret in told] == []


def test_the_app_starts_without_a_storage_account_in_reach(log_file: Path) -> None:
    with running_worker(app_settings("UseDevelopmentStorage=true"), log_file) as worker:
        assert worker.start().succeeded
