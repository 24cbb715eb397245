"""Every probe, by number."""

from __future__ import annotations

from infra.live_check import clearing, events, imports, nested, runs, scans, tasks, travelling
from infra.live_check.probe import Probe

PROBES: tuple[Probe, ...] = tuple(
    sorted(
        (
            *imports.PROBES,
            *events.PROBES,
            *runs.PROBES,
            *tasks.PROBES,
            *nested.PROBES,
            *scans.PROBES,
            *travelling.PROBES,
            *clearing.PROBES,
        ),
        key=lambda probe: probe.number,
    )
)


def chosen(numbers: frozenset[int], *, heavy: bool) -> tuple[Probe, ...]:
    """Return the probes to be asked.

    Args:
        numbers: of those that are wanted; none for all.
        heavy: whether all includes the heavy ones. One that is wanted by its number is asked anyway.

    Raises:
        ValueError: there is no probe of a number.
    """
    unknown = sorted(numbers - {probe.number for probe in PROBES})
    if unknown:
        raise ValueError(f"there is no probe {', '.join(map(str, unknown))}: they go from 1 to {len(PROBES)}")
    return tuple(probe for probe in PROBES if (probe.number in numbers if numbers else heavy or not probe.heavy))
