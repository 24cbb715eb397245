"""How a gate's files reach its run: a setting."""

from __future__ import annotations

from enum import Enum


class GateContext(Enum):
    """How a gate's files reach its run; see ``shared.adapters.azure.gate_schedule``."""

    UPLOAD = "upload"  # uploaded once for each version of the gate
    INLINE = "inline"  # written into the run's own steps
    SCHEDULE_RUN = "schedule-run"  # uploaded, and asked for by scheduleRun, which knows no names
