"""What is asked of a digest beside its test and its scan: every check, in the order in which it is asked and told."""

from __future__ import annotations

from shared.ports import Clock
from shared.rules.admission_checks import AdmissionCheck
from shared.rules.approvals import Approvals, Waiving
from shared.rules.dry_judging import Scans
from shared.rules.exceptions import KnownExceptions
from shared.rules.fast_lane import Agreed, FastLane, Packages
from shared.rules.time_checks import FreshScan, Observe, Soak, Thaw


def all_checks(
    clock: Clock,
    scans: Scans,
    exceptions: KnownExceptions,
    signed: AdmissionCheck,
    packages: Packages,
    agreed: Agreed,
) -> tuple[AdmissionCheck, ...]:
    """Return the checks.

    A scan is made again only once nothing else is waited for; what is only observed would be promoted by then.

    Args:
        clock: tells the time.
        scans: the scans of digests.
        exceptions: what people know.
        signed: whether a digest is signed.
        packages: what is in a scanned image.
        agreed: whether a person agreed to a digest and a tag.
    """
    soak = Soak(clock, FastLane(scans, exceptions, packages, agreed))
    return (Waiving(clock), signed, soak, Thaw(clock), Approvals(), FreshScan(scans, clock), Observe())
