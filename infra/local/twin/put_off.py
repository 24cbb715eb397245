"""Messages that were put off: sent to be seen only later. No request of a queue tells them from those worked on.

Azurite's access log does: each send is a line of it, with the seconds for which the message is not to be seen.
https://learn.microsoft.com/rest/api/storageservices/put-message
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

_SENT = re.compile(
    r'\[(?P<at>[^\]]+)\] "POST /devstoreaccount1/(?P<queue>[a-z0-9-]+)/messages\?\S*?visibilitytimeout=(?P<seconds>\d+)'
    r'\S* HTTP/[\d.]+" 201'
)
_AT = "%d/%b/%Y:%H:%M:%S %z"


@dataclass(frozen=True)
class PutOff:
    """A message that was put off.

    Attributes:
        queue: where it lies.
        until: when it is seen at the earliest, to the second and up to one too early.
    """

    queue: str
    until: datetime


def put_off(log: Path, longer: timedelta) -> Iterator[PutOff]:
    """Iterate over all messages that were put off for longer than a time, whether they have been seen since or not.

    Arguments:
        log: Azurite's.
        longer: those that were put off for less are left out.
    """
    for line in log.read_text(errors="replace").splitlines():
        sent = _SENT.search(line)
        if sent and (seconds := timedelta(seconds=int(sent["seconds"]))) > longer:
            yield PutOff(sent["queue"], datetime.strptime(sent["at"], _AT) + seconds)
