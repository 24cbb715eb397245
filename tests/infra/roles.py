"""The built-in roles that the templates give, as Microsoft lists them, and what every call of the product needs.

https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

_ACR = "Microsoft.ContainerRegistry/registries"
_REPOSITORIES = f"{_ACR}/repositories"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_QUEUES = "Microsoft.Storage/storageAccounts/queueServices/queues"
_TABLES = "Microsoft.Storage/storageAccounts/tableServices/tables"

# Name: (id, actions and data actions). Of roles with wildcards as they are written there.
BUILT_IN: dict[str, tuple[str, set[str]]] = {
    "Container Registry Data Importer and Data Reader": (
        "577a9874-89fd-4f24-9dbd-b5034d0ad23a",
        {f"{_ACR}/importImage/action", f"{_ACR}/read", f"{_ACR}/pull/read"},
    ),
    "Storage Blob Data Owner": ("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", {f"{_BLOBS}/*", f"{_BLOBS}/blobs/*"}),
    "Storage Queue Data Contributor": (
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        {
            *(f"{_QUEUES}/{verb}" for verb in ("read", "write", "delete")),
            *(f"{_QUEUES}/messages/{verb}" for verb in ("read", "write", "delete", "process/action")),
        },
    ),
    "Storage Table Data Contributor": (
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        {
            *(f"{_TABLES}/{verb}" for verb in ("read", "write", "delete")),
            *(f"{_TABLES}/entities/{verb}" for verb in ("read", "write", "delete", "add/action", "update/action")),
        },
    ),
    "Storage Queue Data Message Sender": (
        "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
        {f"{_QUEUES}/messages/add/action"},
    ),
    "Storage Blob Data Contributor": (
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        {
            *(f"{_BLOBS}/{verb}" for verb in ("read", "write", "delete")),
            "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
            *(f"{_BLOBS}/blobs/{verb}" for verb in ("read", "write", "delete", "add/action", "move/action")),
        },
    ),
    "Key Vault Secrets User": (
        "4633458b-17de-408a-b874-0445c86b69e6",
        {
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
        },
    ),
    "Monitoring Metrics Publisher": (
        "3913510d-42f4-4e42-8a64-420c390055eb",
        {"Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"},
    ),
    "Container Registry Repository Reader": (
        "b93aa761-3e63-49ed-ac28-beffa264f7ac",
        {f"{_REPOSITORIES}/metadata/read", f"{_REPOSITORIES}/content/read"},
    ),
}

IMPORTS, RUNS, STORAGE = "access-imports.bicep", "access-runs.bicep", "access-storage.bicep"
VAULT, MONITORING, EVENTS = "access-vault.bicep", "access-monitoring.bicep", "access-events.bicep"
LOCKS = "access-locks.bicep"
TASKS, DELETES = "access-tasks.bicep", "access-deletes.bicep"
DECISIONS = "access-decisions.bicep"
RECORD_KEY, RECORD_PUSH = "access-record-key.bicep", "access-record-push.bicep"

# (adapter, call): (which template permits it, what it needs).
NEEDS: dict[tuple[str, str], tuple[str, set[str]]] = {
    # The source is read too: ARM checks `read` on it, and pulls from it on the caller's behalf.
    ("azure/registry.py", "registries.begin_import_image"): (
        IMPORTS,
        {f"{_ACR}/importImage/action", f"{_ACR}/read", f"{_ACR}/pull/read"},
    ),
    ("azure/registry.py", "get_tag_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/registry.py", "get_manifest_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    # Manifests and lists of referrers are read by the same pipeline, under the same right.
    # What is locked is told with the same properties; that of a repository as a whole is read and never written.
    ("azure/locks.py", "get_tag_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/locks.py", "get_manifest_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/locks.py", "get_repository_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/locks.py", "list_manifest_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/locks.py", "update_tag_properties"): (LOCKS, {f"{_ACR}/metadata/write"}),
    ("azure/locks.py", "update_manifest_properties"): (LOCKS, {f"{_ACR}/metadata/write"}),
    ("azure/registry.py", "list_tag_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    # Into the staging registry alone: what is in the base registry was imported.
    ("azure/shelf.py", "upload_blob"): (RECORD_PUSH, {f"{_ACR}/push/write"}),
    ("azure/shelf.py", "set_manifest"): (RECORD_PUSH, {f"{_ACR}/push/write"}),
    ("azure/shelf.py", "download_blob"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/repository_contents.py", "list_manifest_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/repository_contents.py", "list_tag_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/repository_contents.py", "get_repository_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/repository_contents.py", "get_manifest"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/repository_contents.py", "get_manifest_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    ("azure/repository_contents.py", "get_tag_properties"): (IMPORTS, {f"{_ACR}/pull/read"}),
    # The first where rights go by registry, the others where they go by repository.
    ("azure/repository_contents.py", "delete_manifest"): (
        DELETES,
        {f"{_ACR}/artifacts/delete", f"{_REPOSITORIES}/content/delete"},
    ),
    ("azure/repository_contents.py", "delete_tag"): (
        DELETES,
        {f"{_ACR}/artifacts/delete", f"{_REPOSITORIES}/metadata/delete"},
    ),
    ("azure/run_names.py", "task_runs.list"): (RUNS, {f"{_ACR}/taskruns/read"}),
    ("azure/run_names.py", "task_runs.get"): (RUNS, {f"{_ACR}/taskruns/read"}),
    ("azure/run_names.py", "task_runs.delete"): (RUNS, {f"{_ACR}/taskruns/delete"}),
    ("azure/gate_schedule.py", "registries.get_build_source_upload_url"): (
        RUNS,
        {f"{_ACR}/listBuildSourceUploadUrl/action"},
    ),
    ("azure/gate_schedule.py", "registries.get"): (IMPORTS, {f"{_ACR}/read"}),
    # Given only where it is asked for: gates that no taskRun takes.
    ("azure/gate_schedule.py", "registries.schedule_run"): (RUNS, set()),
    ("azure/tasks.py", "task_runs.get"): (RUNS, {f"{_ACR}/taskruns/read"}),
    ("azure/tasks.py", "task_runs.begin_create"): (RUNS, {f"{_ACR}/taskruns/write"}),
    ("azure/tasks.py", "task_runs.delete"): (RUNS, {f"{_ACR}/taskruns/delete"}),
    ("azure/tasks.py", "runs.get"): (RUNS, {f"{_ACR}/runs/read"}),
    ("azure/tasks.py", "runs.list"): (RUNS, {f"{_ACR}/runs/read"}),
    ("azure/run_logs.py", "runs.get_log_sas_url"): (RUNS, {f"{_ACR}/runs/listLogSasUrl/action"}),
    ("azure/tasks.py", "runs.cancel"): (RUNS, {f"{_ACR}/runs/cancel/action"}),
    ("azure/tasks.py", "tasks.list"): (RUNS, {f"{_ACR}/tasks/read"}),
    ("azure/tasks.py", "tasks.get"): (RUNS, {f"{_ACR}/tasks/read"}),
    # To addresses given by ARM that carry their own permission.
    ("azure/gate_schedule.py", "upload_blob"): (RUNS, set()),
    ("azure/run_logs.py", "download_blob"): (RUNS, set()),
    ("storage/blobs.py", "download_blob"): (STORAGE, {f"{_BLOBS}/blobs/read"}),
    ("storage/blobs.py", "list_blobs"): (STORAGE, {f"{_BLOBS}/blobs/read"}),
    ("storage/blobs.py", "upload_blob"): (STORAGE, {f"{_BLOBS}/blobs/write"}),
    ("storage/blobs.py", "delete_blob"): (STORAGE, {f"{_BLOBS}/blobs/delete"}),
    # Makes the client of one blob, and asks nobody.
    ("storage/blobs.py", "get_blob_client"): (STORAGE, set()),
    ("storage/blobs.py", "create_container"): (STORAGE, {f"{_BLOBS}/write"}),
    ("storage/queues.py", "send_message"): (STORAGE, {f"{_QUEUES}/messages/write"}),
    ("storage/poison_queues.py", "receive_messages"): (STORAGE, {f"{_QUEUES}/messages/process/action"}),
    ("storage/poison_queues.py", "delete_message"): (STORAGE, {f"{_QUEUES}/messages/process/action"}),
    ("storage/queues.py", "create_queue"): (STORAGE, {f"{_QUEUES}/write"}),
    ("storage/tables.py", "create_table"): (STORAGE, {f"{_TABLES}/write"}),
    ("storage/tables.py", "get_entity"): (STORAGE, {f"{_TABLES}/entities/read"}),
    ("storage/tables.py", "list_entities"): (STORAGE, {f"{_TABLES}/entities/read"}),
    ("storage/tables.py", "query_entities"): (STORAGE, {f"{_TABLES}/entities/read"}),
    ("storage/tables.py", "create_entity"): (STORAGE, {f"{_TABLES}/entities/add/action"}),
    ("storage/tables.py", "update_entity"): (STORAGE, {f"{_TABLES}/entities/update/action"}),
    ("storage/tables.py", "delete_entity"): (STORAGE, {f"{_TABLES}/entities/delete"}),
    ("storage/tables.py", "submit_transaction"): (STORAGE, {f"{_TABLES}/entities/write"}),
    ("storage/group_transaction.py", "submit_transaction"): (
        STORAGE,
        {f"{_TABLES}/entities/add/action", f"{_TABLES}/entities/update/action", f"{_TABLES}/entities/delete"},
    ),
}

# What the Functions host and the worker do under the same identity.
HOST_NEEDS: dict[str, set[str]] = {
    # Locks of timers are leases; its keys are blobs; poison queues and messages are its own business.
    STORAGE: {
        f"{_BLOBS}/write",
        f"{_BLOBS}/blobs/write",
        f"{_BLOBS}/blobs/delete",
        f"{_QUEUES}/messages/process/action",
        f"{_QUEUES}/messages/delete",
    },
    VAULT: {"Microsoft.KeyVault/vaults/secrets/getSecret/action"},
    MONITORING: {"Microsoft.Insights/Telemetry/Write"},
}

# What Azure asks for beside a call's own action.
FURTHER_NEEDS: dict[str, set[str]] = {
    # Rights by repository: the digest is read back, and a gate's run pulls, by data actions.
    IMPORTS: {f"{_REPOSITORIES}/metadata/read", f"{_REPOSITORIES}/content/read"},
    # A lock is read back; and the same, where rights are given by repository.
    LOCKS: {f"{_ACR}/metadata/read"} | {f"{_REPOSITORIES}/metadata/{verb}" for verb in ("read", "write")},
    # For gates that no taskRun takes, where it is asked for.
    RUNS: {f"{_ACR}/scheduleRun/action"},
    # A taskRun that names a task: Resource Manager's linked access check, on that task.
    TASKS: {f"{_ACR}/tasks/write"},
    # The other account that keeps what people decided: documents are listed and added.
    DECISIONS: {f"{_BLOBS}/blobs/read", f"{_BLOBS}/blobs/add/action"},
    # The key that signs records: its versions are read, and it signs.
    RECORD_KEY: {"Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/sign/action"},
    # The same push, where rights are given by repository.
    RECORD_PUSH: {f"{_REPOSITORIES}/content/write"},
}

# What Event Grid does as the identity of the base registry's system topic, which has no other role.
TOPIC_NEEDS: dict[str, set[str]] = {EVENTS: {f"{_QUEUES}/messages/add/action", f"{_BLOBS}/blobs/write"}}
