"""The properties of ACR Tasks' YAML: those this twin honours and those it refuses."""

from __future__ import annotations

TASK_READ = frozenset({"version", "stepTimeout", "workingDirectory", "env", "steps"})
TASK_KNOWN = frozenset({"secrets", "networks", "volumes", "alias"})
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
    }
)
STEP_KNOWN = frozenset(
    {
        "keep",
        "detach",
        "startDelay",
        "repeat",
        "pull",
        "ports",
        "expose",
        "network",
        "user",
        "isolation",
        "privileged",
        "volumeMounts",
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
