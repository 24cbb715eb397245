"""Who may call: the function key opens every function, the master key the host's own addresses too.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from werkzeug.wrappers import Request


@dataclass(frozen=True)
class Keys:
    """The app's keys."""

    function: str
    master: str

    def allow(self, request: Request, level: str) -> bool:
        """Whether a request may call at an authorization level: ``anonymous``, ``function`` or ``admin``.

        The key is taken from the header ``x-functions-key`` or the query parameter ``code``.
        """
        if level.lower() == "anonymous":
            return True
        given = request.headers.get("x-functions-key") or request.args.get("code") or ""
        opening = (self.master,) if level.lower() == "admin" else (self.function, self.master)
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in opening)
