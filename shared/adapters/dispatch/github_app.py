"""A GitHub App's token: asked for by a JWT that a key in a vault signs, so that no private key is ever with us.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from shared.adapters.dispatch.one_request import once
from shared.adapters.dispatch.refusals import refusal
from shared.dispatch_settings import DispatcherSetting
from shared.errors import NotFound, NotPermitted, NotTaken, RateLimited, Refused, ServiceError, UnusableAnswer

# GitHub takes a JWT for ten minutes at most, and its clock may be behind ours.
_BEHIND, _LASTS = timedelta(seconds=60), timedelta(minutes=8)
# A token is renewed before it ends, so that none ends on its way.
_EARLIER = timedelta(minutes=5)
_HINTS = {
    401: "The JWT is not believed: check that the key in the vault is the App's, the App's number and the clock",
    403: "The App is suspended, or may not be used here",
    404: "There is no such installation of the App: check installation=",
}


class GitHubApp:
    """Gives tokens of one installation, each for as long as it is good.

    Args:
        setting: with ``app`` and ``installation``.
        sign: signs a SHA-256 digest by the App's key (RS256).
        clock: tells the time.
    """

    def __init__(
        self, setting: DispatcherSetting, sign: Callable[[bytes], bytes], clock: Callable[[], datetime]
    ) -> None:
        self._setting = setting
        self._sign = sign
        self._clock = clock
        self._lock = threading.Lock()
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)

    def token(self) -> str:
        """Return a token.

        Raises:
            NotTaken, RateLimited, Refused, NotFound, NotPermitted: there is none; nothing else was asked for.
        """
        with self._lock:
            if self._clock() >= self._until:
                self._token, self._until = self._new()
            return self._token

    def _new(self) -> tuple[str, datetime]:
        doing = f"asking {self._setting.name} for a token of its App"
        url = f"{self._setting.address.rstrip('/')}/app/installations/{self._setting.one('installation')}/access_tokens"
        try:
            headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {self._jwt()}"}
            answer = once(doing, "POST", url, headers, {})
            if answer.status != 201:
                raise refusal(doing, answer, _HINTS, limited="retry-after" in answer.headers)
            said = answer.json(doing)
            return str(said["token"]), datetime.fromisoformat(said["expires_at"]) - _EARLIER
        except (KeyError, TypeError, ValueError):
            raise NotTaken(f"{doing}: the answer holds no token") from None
        except (RateLimited, Refused, NotFound, NotPermitted):
            raise
        except UnusableAnswer as error:
            raise NotTaken(str(error)) from None
        except ServiceError as error:
            if error.temporary and not isinstance(error, NotTaken):
                # Without a token no build was asked for, whatever became of this request.
                raise NotTaken(str(error), code=error.code, retry_after=error.retry_after) from None
            raise

    def _jwt(self) -> str:
        now = self._clock()
        claims = {"iat": int((now - _BEHIND).timestamp()), "exp": int((now + _LASTS).timestamp())}
        head, body = {"alg": "RS256", "typ": "JWT"}, {**claims, "iss": self._setting.one("app")}
        signed = f"{_encoded(msgspec.json.encode(head))}.{_encoded(msgspec.json.encode(body))}"
        return f"{signed}.{_encoded(self._sign(hashlib.sha256(signed.encode()).digest()))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
