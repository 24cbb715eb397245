"""When to look again: pure arithmetic, so that no function ever sleeps or waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.errors import NotPermitted, NotThereYet, Paced, TidegateError, Unexplained

SHORTEST_LOOK = timedelta(seconds=1)
LONGEST_LOOK = timedelta(seconds=30)
# A look costs a queue round trip and a request, so the pause grows with the time already spent: at most a third of
# an operation's length is added to it, and a ten-minute run is looked at about forty times.
LOOK_FACTOR = 3
# Where it is known how long such operations usually take, the first look comes then, and the others an eighth of that
# apart, or more where it takes much longer.
_LATER_LOOKS = 8
# What fails early is seen at most twice as late, however long its like takes; but what is over in minutes anyway is
# not looked at before its time.
_UNINTERRUPTED = timedelta(seconds=100)
# After so long an import that has not arrived has its operation asked of ARM, or after so many times what is usual.
OPERATION_LOOK = timedelta(seconds=30)
_TOO_LATE = 3

FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(hours=1)
# Fifteen seconds doubling to an hour: the last of twelve tries is about four hours after the first.
MOST_ATTEMPTS = 12
# What cures itself does so in ten minutes: a role that was just given, a copy of a registry that lags behind. The last
# of seven tries is a little more than fifteen minutes after the first.
PATIENT_ATTEMPTS = 7
# An import that failed for a reason nobody knows: enough for a fault that passes, few enough for one that stays.
FEW_ATTEMPTS = 4
# A job that was decided badly for no fault of the image (a time-out, a canceled run) costs minutes: far fewer tries.
MOST_RUNS = 3

# So long a run may wait for an agent before that is told.
AGENT_PATIENCE = timedelta(minutes=10)

# Whoever begins something with another system says first when it is to be looked at if he dies before it is begun.
LEASE = timedelta(minutes=2)
# How long after the time a record should have been looked at the sweep takes the message that wakes for it for lost.
OVERDUE_GRACE = timedelta(seconds=60)
# What comes due later than this needs no message: the sweep wakes for it.
FARTHEST_WAKE = timedelta(hours=6)
# What comes due within a sixteenth of the time until then is looked at together, and within a second at least.
_TOGETHER = 16
# An import whose continuation token was lost with its message, or that we may not look at, is known by its result
# alone. It is given this long before it is started again: a large image takes some minutes.
IMPORT_PATIENCE = timedelta(minutes=15)
# An import that is still said to be under way after this never ends (Azure/acr#617), and is started again.
IMPORT_GIVEN_UP = timedelta(days=1)
# A registry with replicas may be read where the newest has not arrived: what differs is looked at again for this long.
LAG_PATIENCE = timedelta(minutes=5)
# The same for a signal, which is no record: looks, of which the fifth is almost four minutes after the first.
LAG_LOOKS = 5
# One that keeps a newer digest waiting is taken for lost much sooner. Whatever nobody knows the end of may still put
# its digest back until it is a day old.
IMPORT_LONGEST = timedelta(hours=1)
IMPORT_LIFE = IMPORT_GIVEN_UP
# How often a target looks after the candidate whose verdict it waits for, and tries again what had failed.
VERDICT_LOOK = timedelta(minutes=15)
FAILED_LOOK = timedelta(days=1)
# The longest that a rebuild which waits for its turn leaves the others alone.
LONGEST_WAIT = timedelta(minutes=10)
# How long the end of an application task's run is looked for while ARM does not answer; it lasts eight hours at most.
RUN_LIFE = timedelta(days=1)
# How long after a decision was reached the search for what is built on it is asked for again, if nobody has made it.
SEARCH_LOOK = timedelta(hours=1)
# How long a record stays among the current ones after its end, where lists and the dashboard read.
KEPT_CURRENT = timedelta(days=1)
# A scan that has no answer is tried once an hour for a day, after its first runs, and from then on once a day.
_HOURLY_TRIES = 24
SCAN_SELDOM = timedelta(days=1)
# Images are often signed minutes after they are pushed: so long one without a signature is held, and not rejected.
SIGNING_GRACE = timedelta(hours=1)
# A signature that is missing or wrong is looked for again after a minute, then after ever longer pauses: hourly for a
# day, and daily from then on.
FIRST_SIGNATURE_LOOK = timedelta(minutes=1)
LONGEST_SIGNATURE_LOOK = timedelta(hours=1)
SIGNATURES_SOUGHT_FOR = timedelta(days=1)
SELDOM_SIGNATURE_LOOK = timedelta(days=1)
# How soon a registry that did not let signatures be read is asked for them again.
SIGNATURE_REST = timedelta(minutes=1)
# How soon after its end a scan is made again for a newer database. Where there is none no run is made, so this only has
# to keep whoever hears of the end from asking again at once.
SCAN_REST = timedelta(seconds=10)
# How long those whose way has ended are taken to want the scan that they asked for: to tell what it found.
SCAN_WANTED_FOR = timedelta(days=3)
# How long a scan is kept that nobody asks for.
SCAN_KEPT = timedelta(days=90)
# Moments that are as far apart as is wished are counted from here.
_ZERO = datetime(2020, 1, 1, tzinfo=UTC)


def pause_before_look(running_for: timedelta, asked: float | None = None, usual: timedelta | None = None) -> timedelta:
    """How long to leave an operation alone before looking at it again.

    Args:
        running_for: since the operation began.
        asked: seconds the service asked for in ``Retry-After``, if it did.
        usual: how long such operations usually take at least; ``None`` if nobody knows.

    Returns:
        Between one and thirty seconds; longer only until it is usually over, or if the service asked for it.
    """
    if usual is not None and running_for < usual - SHORTEST_LOOK:
        pause = min(usual - running_for, max(running_for, _UNINTERRUPTED))
    else:
        late = (running_for - (usual or timedelta(0))) // LOOK_FACTOR
        pause = min(max(late, (usual or timedelta(0)) / _LATER_LOOKS, SHORTEST_LOOK), LONGEST_LOOK)
    return max(pause, timedelta(seconds=asked or 0))


def is_late(running_for: timedelta, usual: timedelta | None) -> bool:
    """Whether an import takes so long that it is worth asking what became of it."""
    return running_for >= max((usual or timedelta(0)) * _TOO_LATE, OPERATION_LOOK)


def pause_before_retry(attempt: int, asked: float | None = None) -> timedelta:
    """How long to wait after the ``attempt``-th failure of the same step.

    Args:
        attempt: 1 for the first failure.
        asked: seconds the service asked for in ``Retry-After``, if it did.

    Returns:
        Fifteen seconds, doubling with each failure up to an hour; never less than the service asked for.
    """
    doubled: timedelta = FIRST_RETRY * (1 << min(max(attempt - 1, 0), 16))
    return max(min(doubled, LONGEST_RETRY), timedelta(seconds=asked or 0))


def pause_before_scan(attempt: int) -> timedelta:
    """How long to wait after the ``attempt``-th run of a scan that gave no usable answer."""
    if attempt < MOST_RUNS:
        return pause_before_retry(attempt)
    return LONGEST_RETRY if attempt < MOST_RUNS + _HOURLY_TRIES else SCAN_SELDOM


def pause_before_step(failure: int, asked: float | None = None) -> timedelta:
    """How long to wait after the ``failure``-th failure in a row of a step that is never given up.

    Args:
        failure: 1 for the first.
        asked: seconds the service asked for in ``Retry-After``, if it did.
    """
    pause = pause_before_retry(failure, asked)
    return pause if failure < MOST_ATTEMPTS + _HOURLY_TRIES else max(pause, SCAN_SELDOM)


def pause_before_turn(error: Paced) -> timedelta:
    """How long to wait for our turn at ARM: as long as was said, however often it is said, and no moment in vain."""
    return max(timedelta(seconds=error.retry_after or 0), SHORTEST_LOOK)


def most_attempts(error: TidegateError) -> int:
    """How often in a row a step is tried that ends with this error, which is temporary."""
    if isinstance(error, NotPermitted | NotThereYet):
        return PATIENT_ATTEMPTS
    return FEW_ATTEMPTS if isinstance(error, Unexplained) else MOST_ATTEMPTS


def is_overdue(look_at: datetime, now: datetime) -> bool:
    """Whether a record that was to be looked at has been left alone for so long that its message must be lost."""
    return now > look_at + OVERDUE_GRACE


def together_by(moment: datetime, now: datetime) -> datetime:
    """Return until when something that is due at a moment may wait for others that are due soon after it, UTC."""
    return moment + max((moment - now) / _TOGETHER, SHORTEST_LOOK)


def next_of(moment: datetime, apart: timedelta) -> datetime:
    """Return the first of the moments that comes after one, UTC: they are the same for all, so that one message does.

    Args:
        moment: UTC.
        apart: how far they are apart; all of them are among those that are half as far apart.
    """
    return _ZERO + ((moment - _ZERO) // apart + 1) * apart
