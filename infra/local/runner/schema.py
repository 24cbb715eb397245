"""The properties of ACR Tasks' YAML: those this twin honours and those it refuses."""

from __future__ import annotations

TASK_READ = frozenset({"version", "stepTimeout", "workingDirectory", "env", "secrets", "networks", "volumes", "steps"})
TASK_KNOWN = frozenset({"alias"})
STEP_READ = frozenset(
    {
        "id",
        "build",
        "push",
        "cmd",
        "when",
        "timeout",
        "retries",
        "retryDelay",
        "ignoreErrors",
        "env",
        "entryPoint",
        "workingDirectory",
        "disableWorkingDirectoryOverride",
        "network",
        "ports",
        "expose",
        "user",
        "pull",
        "detach",
        "keep",
        "startDelay",
        "repeat",
        "volumeMounts",
    }
)
STEP_KNOWN = frozenset(
    {
        "isolation",
        "privileged",
        "cache",
        "cpus",
        "cmdDownloadRetries",
        "cmdDownloadRetryDelay",
        "downloadRetries",
        "downloadRetryDelay",
        "retryOnErrors",
        "exitedWith",
        "exitedWithout",
    }
)
