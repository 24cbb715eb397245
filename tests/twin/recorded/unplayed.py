"""What of the recordings is not put to the emulator, and why: the product asks for none of it."""

from __future__ import annotations

# By recording; or by recording and the interactions of it that are left out, counted from 0.
UNPLAYED: dict[str, str] = {
    "agentpool_create": "agent pools are the operator's; runs only name one",
    "error_registry_name_in_use_409": "nothing here makes registries",
    "registry_delete_async": "nothing here deletes registries",
    "registry_list_usages": "nothing asks for a registry's usage",
    "replication_create": "the twin's registries have no replicas",
    "replication_delete": "the twin's registries have no replicas",
    "replication_list": "the twin's registries have no replicas",
    "replication_update": "the twin's registries have no replicas",
    "role_definitions": "holds definitions, no requests: tests/infra compares them",
    "run_log_failure_lines": "holds texts, no requests",
    "taskrun_deployed_by_template": "a deployment, which is another provider's",
}
PARTLY: dict[str, tuple[tuple[int, ...], str]] = {
    "registry_create_and_get": ((0, 1), "nothing here makes registries; the last of three reads one"),
}
