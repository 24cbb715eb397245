"""HTTP by the standard library alone, which loads in a third of the time of ``requests``.

Proxies and authorities are found as the app finds them: ``HTTPS_PROXY``, ``NO_PROXY``, ``REQUESTS_CA_BUNDLE``. No
redirect is followed: a key would go wherever the answer says.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from shared.cli.exchange import Answer, Send, Sent
from shared.cli.exits import Unreached

LARGEST_ANSWER = 256 * 1024 * 1024


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Let the redirect be the answer."""


def over_http(environment: Mapping[str, str]) -> Send:
    """Return what sends requests.

    Args:
        environment: says which authorities are trusted, where not the system's.

    Raises:
        Unreached: the bundle of authorities cannot be read.
    """
    opener = build_opener(_NoRedirect, HTTPSHandler(context=trust_of(environment)))
    return lambda sent: _send(opener, sent)


def trust_of(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return what verifies the app's certificate.

    Raises:
        Unreached: the bundle of authorities cannot be read.
    """
    bundle = environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE")
    if not bundle:
        return ssl.create_default_context()
    folder = Path(bundle).is_dir()
    try:
        return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except OSError as error:
        raise Unreached(f"REQUESTS_CA_BUNDLE: {bundle} holds no authorities: {error}") from error


def _send(opener: OpenerDirector, sent: Sent) -> Answer:
    request = Request(sent.url, data=sent.body, headers=dict(sent.headers), method=sent.method)  # noqa: S310
    try:
        with opener.open(request, timeout=sent.timeout) as answer:
            return _read(answer)
    except HTTPError as error:
        with error:
            return _read(error)  # type: ignore[arg-type]
    except URLError as error:
        raise Unreached(_words(error.reason)) from error
    except (OSError, HTTPException) as error:
        raise Unreached(_words(error)) from error


def _read(answer: HTTPResponse) -> Answer:
    body = answer.read(LARGEST_ANSWER + 1)
    if len(body) > LARGEST_ANSWER:
        raise Unreached(f"the answer has more than {LARGEST_ANSWER} bytes")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(int(answer.status), headers, body)


def _words(error: object) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}; REQUESTS_CA_BUNDLE may name your authority's"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
