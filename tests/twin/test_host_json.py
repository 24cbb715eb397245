"""host.json: what the host reads there, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.host.hostjson import HostJson, HostJsonError, QueueOptions, read_host_json, time_span_seconds

pytestmark = pytest.mark.twin


def _read(tmp_path: Path, extensions: dict[str, Any], version: str = "2.0") -> HostJson:
    path = tmp_path / "host.json"
    path.write_text(json.dumps({"version": version, "extensions": extensions}))
    return read_host_json(path)


def test_what_is_left_out_has_the_real_hosts_default(tmp_path: Path) -> None:
    assert _read(tmp_path, {}) == HostJson("api", QueueOptions(16, 8, 5, 0.0, 60.0, "base64"))


def test_the_new_batch_threshold_is_half_the_batch_unless_set(tmp_path: Path) -> None:
    assert _read(tmp_path, {"queues": {"batchSize": 6}}).queues.new_batch_threshold == 3
    assert _read(tmp_path, {"queues": {"batchSize": 6, "newBatchThreshold": 0}}).queues.new_batch_threshold == 0


def test_times_and_encoding_are_read_as_dotnet_writes_them(tmp_path: Path) -> None:
    section = {"maxPollingInterval": "00:00:02", "visibilityTimeout": "00:01:30", "messageEncoding": "None"}
    queues = _read(tmp_path, {"queues": section, "http": {"routePrefix": "/v1/"}}).queues
    assert (queues.max_polling_seconds, queues.visibility_seconds, queues.encoding) == (2.0, 90.0, "none")


def test_an_app_setting_replaces_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "host.json"
    path.write_text('{"version": "2.0", "extensions": {"queues": {"batchSize": 6}}}')
    queues = "AzureFunctionsJobHost__extensions__queues__"
    read = read_host_json(path, {f"{queues}batchSize": "8", f"{queues}visibilityTimeout": "00:00:03"}).queues
    assert (read.batch_size, read.visibility_seconds) == (8, 3.0)


@pytest.mark.parametrize(("text", "seconds"), [("1.02:03:04", 93784.0), ("00:00:00.100", 0.1), ("24:00:00", 86400.0)])
def test_a_time_span_is_days_hours_minutes_seconds(text: str, seconds: float) -> None:
    assert time_span_seconds(text, "x") == seconds


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ({"batchSize": 33}, "batchSize"),
        ({"batchSize": 0}, "batchSize"),
        ({"batchSize": "many"}, "batchSize"),
        ({"newBatchThreshold": -1}, "newBatchThreshold"),
        ({"maxDequeueCount": 0}, "maxDequeueCount"),
        ({"maxPollingInterval": "00:00:00.050"}, "maxPollingInterval"),
        ({"maxPollingInterval": "2s"}, "maxPollingInterval"),
        ({"messageEncoding": "rot13"}, "messageEncoding"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_place(tmp_path: Path, section: dict[str, Any], place: str) -> None:
    with pytest.raises(HostJsonError, match=f"extensions.queues.{place}"):
        _read(tmp_path, {"queues": section})


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostJsonError, match="version"):
        _read(tmp_path, {}, version="1.0")
