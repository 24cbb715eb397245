"""Whoever takes CloudEvents: sent at least once under the same id, signed by the Standard Webhooks.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.adapters.dispatch.one_request import once
from shared.adapters.dispatch.refusals import refusal
from shared.dispatch_settings import DispatcherSetting
from shared.domain.dispatch.builds import Asked, Found, Outcome, Sent
from shared.domain.dispatch.event import rebuild_event
from shared.domain.dispatch.places import parse_subject
from shared.domain.dispatch.signing import signed
from shared.domain.links import Links, path_of
from shared.domain.promotion.rebuilds import BuilderKind
from shared.errors import SwitchedOff

_TYPE = "application/cloudevents+json; charset=utf-8"
_GONE = 410


class CloudEvents:
    """The port ``Dispatcher``.

    Args:
        setting: its name, its address and its keys.
        links: where people, and it, reach the app.
        clock: tells the time of the try, by which a receiver tells that it is fresh.
    """

    kind = BuilderKind.EVENTS
    repeats = True

    def __init__(self, setting: DispatcherSetting, links: Links, clock: Callable[[], datetime]) -> None:
        self.name, self.fingerprint = setting.name, setting.fingerprint
        self.tells: timedelta | None = setting.answers_within
        self._url = setting.address
        self._keys = setting.options["send"]
        self._links = links
        self._clock = clock
        self._hints = {
            401: f"It does not believe the signature: check send= in {setting.setting}, and the clock",
            _GONE: "It wants no more of it",
        }

    def ask(self, asked: Asked) -> Sent:
        """See ``Dispatcher.ask``. That it was taken says nothing of a build."""
        parse_subject(asked.place)
        doing = f"asking {self.name} for {asked.place}"
        body = rebuild_event(asked, self._links.of(path_of("api/rebuilds", asked.rebuild, "outcome")))
        headers = {"Content-Type": _TYPE, **signed(self._keys, asked.correlation, self._clock(), body)}
        answer = once(doing, "POST", self._url, headers, body, secret=True)
        if 200 <= answer.status < 300:
            return Sent()
        error = refusal(doing, answer, self._hints)
        raise SwitchedOff(str(error), code=error.code) if answer.status == _GONE else error

    def find(self, asked: Asked) -> tuple[Found, ...]:  # noqa: ARG002  it is asked nothing
        """See ``Dispatcher.find``: there is nothing to search."""
        return ()

    def follow(self, asked: Asked, run: str) -> Outcome | None:  # noqa: ARG002  it is asked nothing
        """See ``Dispatcher.follow``: it tells by itself."""
        return None
