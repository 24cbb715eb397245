"""Some hundred other services, by the library apprise; as well as it can.

It answers one word for all of them, waits in the process, and is loaded when the first message goes its way (0.5 s and
44 MB): https://appriseit.com/library/
"""

from __future__ import annotations

import logging
from io import StringIO
from threading import Lock
from typing import Any

from shared.adapters.notify.unheard import unheard
from shared.adapters.redaction import redacted
from shared.domain.notices.outgoing import Outgoing
from shared.domain.notices.rendering_text import short_letter
from shared.errors import Refused, Unavailable
from shared.notify_settings import Destination
from shared.sender_ports import Sent

_LEVELS = {"info": "info", "action": "info", "warning": "warning", "critical": "failure"}
# What it logs is heard by one sender at a time, so that no words are taken for another's.
_one_at_a_time = Lock()


class AppriseSender:
    """Sends by one of that library's addresses.

    Args:
        destination: whose address it is.
    """

    takes_ids = False

    def __init__(self, destination: Destination) -> None:
        self._to = destination

    def send(self, message: Outgoing) -> Sent:
        """See ``Sender``."""
        letter = short_letter(message)
        doing = f"destination {self._to.name} (apprise)"
        with _one_at_a_time, unheard(), _Heard() as heard:
            try:
                sent = self._service(doing).notify(
                    title=letter.title,
                    body=letter.text,
                    notify_type=_LEVELS[message.severity.value],
                    body_format="text",
                )
            except (Refused, Unavailable):
                raise
            except Exception as error:  # noqa: BLE001  each of a hundred services has its own
                raise Unavailable(f"{doing}: {redacted(str(error))}", code=type(error).__name__) from None
        if sent:
            return Sent(0, "apprise says that it was taken")
        words = redacted(heard.text) or "it gave no reason"
        raise Unavailable(f"{doing}: apprise says that it failed; it may have arrived: {words}", code="apprise")

    def _service(self, doing: str) -> Any:
        import apprise  # noqa: PLC0415  see above

        service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, app_id="Tidegate", app_url=""))
        if not service.add(self._to.address):
            raise Refused(f"{doing}: apprise knows no such address: check {self._to.setting}", code="address")
        if not all(one.secure for one in service):
            raise Refused(f"{doing}: its address is one without TLS: use its form with an s, as jsons://", code="tls")
        for one in service:
            # Whoever is sent to would say who else gets it, wherever that is.
            one.redirects = False
        return service


class _Heard:
    """What the library says of a try; nothing of it goes to the app's log, for it quotes addresses."""

    def __enter__(self) -> _Heard:
        self._stream = StringIO()
        self._handler = logging.StreamHandler(self._stream)
        self._log = logging.getLogger("apprise")
        self._before = self._log.propagate
        self._log.propagate = False
        self._log.addHandler(self._handler)
        return self

    def __exit__(self, *_: object) -> None:
        self._log.removeHandler(self._handler)
        self._log.propagate = self._before

    @property
    def text(self) -> str:
        return self._stream.getvalue()
