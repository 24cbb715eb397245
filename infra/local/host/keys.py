"""Who may call: the host's one key stands for function, host and master key alike.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

from __future__ import annotations

import hmac

from werkzeug.wrappers import Request


def allowed(request: Request, level: str, key: str) -> bool:
    """Whether a request may call at an authorization level: ``anonymous``, ``function`` or ``admin``.

    The key is taken from the header ``x-functions-key`` or the query parameter ``code``.
    """
    if level.lower() == "anonymous":
        return True
    given = request.headers.get("x-functions-key") or request.args.get("code") or ""
    return hmac.compare_digest(given.encode(), key.encode())
