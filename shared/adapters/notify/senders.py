"""All destinations by their names; what one needs is loaded when it is first sent to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.redaction import hide
from shared.domain.notices.outgoing import Outgoing
from shared.errors import Refused
from shared.notify_settings import Destination, Service, destination_secrets
from shared.sender_ports import Sender, Sent

if TYPE_CHECKING:
    import ssl


class DestinationSenders:
    """See ``Senders``.

    Args:
        destinations: those that the settings name.
        clock: tells the time.
    """

    def __init__(self, destinations: Iterable[Destination], clock: Callable[[], datetime]) -> None:
        self._destinations = {one.name: one for one in destinations}
        self._clock = clock
        self._senders: dict[str, Sender] = {}
        hide(destination_secrets(self._destinations.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """See ``Senders``."""
        return tuple(sorted(self._destinations))

    def of(self, name: str) -> Sender:
        """See ``Senders``."""
        destination = self._destinations[name]
        if name not in self._senders:
            self._senders[name] = self._made(destination)
        return self._senders[name]

    def _made(self, to: Destination) -> Sender:
        from shared.adapters.notify.apprise_sender import AppriseSender  # noqa: PLC0415  not every process sends
        from shared.adapters.notify.slack import SlackSender  # noqa: PLC0415
        from shared.adapters.notify.teams import TeamsSender  # noqa: PLC0415

        if to.service is Service.MAIL:
            from shared.adapters.notify.mail import MailSender  # noqa: PLC0415

            return MailSender(to, _trust, self._clock)
        if to.service is Service.WEBHOOK:
            from shared.adapters.notify.webhook import WebhookSender  # noqa: PLC0415

            return WebhookSender(to, self._clock)
        made: dict[Service, Callable[[Destination], Sender]] = {
            Service.SLACK: SlackSender,
            Service.TEAMS: TeamsSender,
            Service.APPRISE: AppriseSender,
        }
        return made.get(to.service, _NoSender)(to)


class _NoSender:
    """Stands where a destination has no address: nothing can be sent, and the others are told."""

    takes_ids = False

    def __init__(self, destination: Destination) -> None:
        self._to = destination

    def send(self, message: Outgoing) -> Sent:  # noqa: ARG002  nothing is done with it
        """See ``Sender``."""
        raise Refused(
            f"destination {self._to.name}: {self._to.setting} is a reference to a key vault that was not resolved: "
            "check that the secret is there and that the app's identity may read it",
            code="vault",
        )


def _trust() -> ssl.SSLContext:
    """Return what verifies a server by the authorities that the machine trusts, as requests are told them."""
    from requests import Session  # noqa: PLC0415
    from requests.utils import DEFAULT_CA_BUNDLE_PATH  # noqa: PLC0415

    from shared.adapters.kept_alive import trust  # noqa: PLC0415

    verify = Session().merge_environment_settings("https://", {}, False, None, None)["verify"]
    return trust(str(DEFAULT_CA_BUNDLE_PATH if verify is True else verify))
