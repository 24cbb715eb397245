"""A gate with steps of its own, and logs of its runs."""

from __future__ import annotations

TASK = """\
version: v1.1.0
steps:
  - id: service
    cmd: $Registry/tools/server@sha256:0000 serve
    detach: true
  - id: built
    build: -t built -f Dockerfile .
    when: ["-"]
  - cmd: built {{.Values.image}}
    env: ["MODE=fast"]
    when: [service, built]
    retries: 2
"""
STEPS_FILES = {"task.yaml": TASK.encode(), "Dockerfile": b"FROM scratch\n"}
# Logs of a run, in which the words stand for those of the run that is meant.
STEPS_BEGUN_LOG = "{words.first}\ntidegate: builds {words.nonce} built\n"
STEPS_PASSED_LOG = STEPS_BEGUN_LOG + "all is well\n{words.sealed}\nRun ID: cf1 was successful after 5s\n"
STEPS_FAILED_LOG = STEPS_BEGUN_LOG + (
    "Launching container with name: acb_step_2\nit does not answer\n"
    "failed to run step ID: acb_step_2: exit status 7\nRun ID: cf1 failed after 5s.\n"
)
