"""How pages are written: jinja2 with every text escaped, loaded by the first page that is asked for.

No template says that a text is safe, and none has to: what is markup stands in the templates alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import azure.functions as func
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from shared.domain.access.callers import Caller, Kind
from shared.domain.links import Links
from shared.web.pages.shown import ago, iso, lines_of, outside, short_digest, span, utc, visible
from shared.web.pages.words import word

_HERE = Path(__file__).resolve().parent
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "form-action 'self'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ASSETS = {"style": ("style.css", "text/css"), "script": ("script.js", "text/javascript")}
# Their addresses change with their content.
_KEPT = "private, max-age=604800, immutable"


class Writer:
    """Writes pages.

    Args:
        installation: short name of this installation; empty for none.
        sign_in: whether people sign in, and so can sign out.
        clock: tells the time.
    """

    def __init__(self, installation: str, clock: Callable[[], datetime], *, sign_in: bool) -> None:
        self._clock = clock
        self._assets = {name: (_HERE / "assets" / file).read_bytes() for name, (file, _) in _ASSETS.items()}
        self._environment = _environment()
        self._environment.globals.update(
            links=Links(),
            installation=installation,
            sign_in=sign_in,
            assets={
                name: f"{Links().now()}/{file}?v={hashlib.sha256(self._assets[name]).hexdigest()[:12]}"
                for name, (file, _) in _ASSETS.items()
            },
        )

    def page(
        self,
        template: str,
        view: object,
        caller: Caller | None,
        *,
        status: int = 200,
        as_of: datetime | None = None,
        reload_after: int = 0,
    ) -> func.HttpResponse:
        """Write one page.

        Args:
            template: its name, without ``.html``.
            view: what it shows.
            caller: who reads it; ``None`` if that is nobody.
            status: of the answer.
            as_of: of when what it shows is, UTC; ``None`` for now.
            reload_after: seconds after which it loads itself anew while it is looked at; 0 for never.
        """
        now = self._clock()
        text = self._environment.get_template(f"{template}.html").render(
            view=view,
            caller=caller,
            is_person=caller is not None and caller.kind is Kind.PERSON,
            now=now,
            as_of=as_of or now,
            reload_after=reload_after,
        )
        headers = {**HEADERS, "Cache-Control": "no-store"}
        return func.HttpResponse(text, status_code=status, mimetype="text/html", charset="utf-8", headers=headers)

    def table(self, name: str, text: str) -> func.HttpResponse:
        """Return a table for other programs, to be saved."""
        disposition = f'attachment; filename="{name}"'
        headers = {**HEADERS, "Cache-Control": "no-store", "Content-Disposition": disposition}
        return func.HttpResponse(text, mimetype="text/csv", charset="utf-8", headers=headers)

    def asset(self, name: str) -> func.HttpResponse:
        """Return the style or the script."""
        headers = {**HEADERS, "Cache-Control": _KEPT}
        kind = _ASSETS[name][1]
        return func.HttpResponse(self._assets[name], mimetype=kind, charset="utf-8", headers=headers)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {
        "outside": outside,
        "lines": _lines,
        "exactly": escape,
        "short": short_digest,
        "iso": iso,
        "utc": utc,
        "ago": ago,
        "span": span,
        "word": word,
    }
    environment.filters.update(filters)
    return environment


def _lines(text: str) -> Markup:
    """Of texts with several lines the ends of lines stay."""
    return escape(lines_of(text))


def _seen(value: object) -> object:
    """Whatever a page shows passes here: markup comes from our macros, and every other text is made visible."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
